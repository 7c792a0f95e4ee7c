import { expect } from 'chai'
import { afterFailure, afterSettled, type Lane, untriedLane } from './lane.ts'
import type { Outcome } from './outcome.ts'

const failed: Outcome = { kind: 'failed', reason: 'status 500', status: 500, answer: '', durationMs: 3 }
const throttled: Outcome = {
  kind: 'throttled',
  reason: 'status 429',
  retryAfter: 9_000,
  status: 429,
  answer: '',
  durationMs: 3,
}
const schedule = [1_000, 5_000]
const options = { probe: false, now: 100_000, schedule, random: () => 0 }
const fresh = untriedLane('1:S:A', 7, 90_000, 'not sent')

describe('A lane', () => {
  it('goes down the schedule with each failure and is blocked when that is used up', () => {
    const first = afterFailure(fresh, failed, options)
    expect(first).to.include({ state: 'retrying', attempts: 1, failures: 1, nextTime: 101_000, reason: 'status 500' })
    const second = afterFailure(first, failed, options)
    expect(second).to.include({ state: 'retrying', attempts: 2, nextTime: 105_000 })
    expect(afterFailure(second, failed, options)).to.include({ state: 'blocked', attempts: 3, head: 7 })
  })

  it('waits as long as the receiver asked for', () => {
    expect(afterFailure(fresh, throttled, options).nextTime).to.equal(109_000)
  })

  it('is not blamed for the probe of a failing endpoint', () => {
    let lane: Lane = fresh
    for (let probe = 0; probe < 50; probe += 1) lane = afterFailure(lane, failed, { ...options, probe: true })
    expect(lane).to.include({ state: 'retrying', attempts: 50, failures: 0 })
  })

  it('is not blamed for tries that did not reach the receiver', () => {
    const unreached: Outcome = { ...failed, kind: 'failed', reason: 'connection ECONNREFUSED', status: 0, isUnreached: true }
    let lane: Lane = fresh
    for (let attempt = 0; attempt < 50; attempt += 1) lane = afterFailure(lane, unreached, options)
    expect(lane).to.include({ state: 'retrying', attempts: 50, failures: 0, nextTime: options.now })
  })

  it('begins anew with the next event when its head is settled', () => {
    const tried = afterFailure(fresh, failed, options)
    expect(afterSettled(tried, 12, 200_000)).to.deep.equal({
      key: '1:S:A',
      head: 12,
      attempts: 0,
      failures: 0,
      nextTime: 200_000,
      state: 'retrying',
      reason: '',
      since: 90_000,
    })
  })
})
