import { expect } from 'chai'
import fc from 'fast-check'
import { outcomeOf, waitAsked } from './outcome.ts'
import { STANDARD_SCHEDULE, waitAfter } from './schedule.ts'

const schedule = STANDARD_SCHEDULE
const [second, hour] = [1_000, 3_600_000]

describe('The schedule of retries', () => {
  it('is the one of Standard Webhooks: nine waits over about 75 hours', () => {
    const names = schedule.map((wait) =>
      wait < 60 * second ? `${wait / second}s` : wait < hour ? `${wait / 60_000}m` : `${wait / hour}h`,
    )
    expect(names.join(',')).to.equal('5s,5m,30m,2h,5h,10h,14h,20h,24h')
  })

  it('waits never less than planned and at most a fifth more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
        const planned = schedule[failures - 1] ?? 0
        const wait = waitAfter(failures, { schedule, random: () => random })
        expect(wait).to.be.within(planned, planned * 1.2)
      }),
    )
  })

  it('is used up after the tenth failure', () => {
    expect(waitAfter(9, { schedule })).to.be.a('number')
    expect(waitAfter(10, { schedule })).to.equal(undefined)
  })

  it('keeps a longer wait that the receiver asked for, not a shorter one', () => {
    const random = () => 0
    expect(waitAfter(1, { schedule, random, retryAfter: 60_000 })).to.equal(60_000)
    expect(waitAfter(2, { schedule, random, retryAfter: 1_000 })).to.equal(300_000)
  })

  it('comes back soon after the moment that the receiver named, and never before it', () => {
    const random = () => 1
    expect(waitAfter(1, { schedule, random, retryAfter: 60_000 })).to.equal(66_000)
    expect(waitAfter(1, { schedule, random, retryAfter: 24 * hour })).to.equal(24 * hour + 60_000)
    expect(waitAfter(2, { schedule, random, retryAfter: 290_000 })).to.equal(360_000)
  })
})

describe('What an answer means', () => {
  const outcome = (status: number, body = '', retryAfter?: string) =>
    outcomeOf({ status, body, retryAfter, durationMs: 1, now: Date.UTC(2026, 0, 1) })

  it('2xx is delivered, unless its JSON says that it is no success', () => {
    expect(outcome(200).kind).to.equal('delivered')
    expect(outcome(204).kind).to.equal('delivered')
    expect(outcome(200, '{"success":true}').kind).to.equal('delivered')
    expect(outcome(200, '{"success":null}').kind).to.equal('delivered')
    expect(outcome(200, '[false]').kind).to.equal('delivered')
    expect(outcome(200, 'null').kind).to.equal('delivered')
    expect(outcome(200, '"success": false').kind).to.equal('delivered')
    expect(outcome(200, ' {"code":1, "success" : false}')).to.include({ kind: 'refused', reason: 'success false' })
    expect(outcome(200, '\uFEFF{"success":false}\n').kind, 'behind a byte order mark').to.equal('refused')
  })

  it('a redirect and 5xx are failures, 4xx are refusals, 429 and 503 ask for patience', () => {
    expect(outcome(302)).to.include({ kind: 'failed', reason: 'redirect 302' })
    expect(outcome(304).kind).to.equal('failed')
    expect(outcome(500)).to.include({ kind: 'failed', reason: 'status 500' })
    expect(outcome(404)).to.include({ kind: 'refused', reason: 'status 404' })
    expect(outcome(410).kind).to.equal('refused')
    expect(outcome(429, '', '7')).to.include({ kind: 'throttled', retryAfter: 7_000 })
    expect(outcome(503)).to.include({ kind: 'throttled', retryAfter: undefined })
  })

  it('reads Retry-After as seconds or as a date, and takes nonsense for nothing', () => {
    const now = Date.UTC(2026, 0, 1, 0, 0, 0)
    expect(waitAsked('120', now)).to.equal(120_000)
    expect(waitAsked(' 0 ', now)).to.equal(0)
    expect(waitAsked('Thu, 01 Jan 2026 00:01:00 GMT', now)).to.equal(60_000)
    expect(waitAsked('Wed, 31 Dec 2025 00:00:00 GMT', now)).to.equal(0)
    expect(waitAsked('99999999999999999999', now)).to.equal(86_400_000)
    for (const nonsense of [undefined, '', 'soon', '-5', '1.5', '2026-01-02', 'Thu, nonsense']) {
      expect(waitAsked(nonsense, now), String(nonsense)).to.equal(undefined)
    }
  })
})
