import { expect } from 'chai'
import { createLogger } from '../logger.ts'
import type { HealthReport } from '../service.ts'
import { createReporter } from './health-reports.ts'

describe('the report of a service', () => {
  const logger = createLogger({ level: 'error', format: 'json', destination: { write: () => {} } })
  const ok: HealthReport = { name: 'worker', status: 'ok', details: { lag: 0 } }

  /** A service that answers as told; `answer` is undefined while it says nothing. */
  const worker = () => {
    const state = { now: 0, asked: 0, answer: undefined as (() => Promise<HealthReport>) | undefined }
    const health = () => {
      state.asked += 1
      return state.answer?.() ?? new Promise<HealthReport>(() => {})
    }
    const service = { name: 'worker', start: async () => {}, stop: async () => {}, health }
    return { state, report: createReporter(service, logger, { slowest: 10, clock: () => state.now }) }
  }

  it('is what it said last, and degraded at best, when it says nothing, and down once that is a minute old', async () => {
    const { state, report } = worker()
    state.answer = async () => ok
    expect(await report()).to.deep.equal(ok)
    state.answer = undefined
    state.now = 59_000
    const reason = 'It did not report within 0.01 s; 59 s ago it was ok'
    expect(await report()).to.deep.equal({ name: 'worker', status: 'degraded', reason })
    state.now = 61_000
    expect(await report()).to.deep.equal({ name: 'worker', status: 'down', reason: 'It did not report within 0.01 s.' })
  })

  it('is down when it was down, and when it has never said anything', async () => {
    const { state, report } = worker()
    expect(await report()).to.have.property('status', 'down')
    state.now = 60_000
    state.answer = async () => ({ name: 'worker', status: 'down', reason: 'It stands still.' })
    await report()
    state.answer = async () => Promise.reject(new Error('hunter2'))
    const reason = 'It could not report; the log has the error; 0 s ago it was down: It stands still.'
    expect(await report()).to.deep.equal({ name: 'worker', status: 'down', reason })
  })

  it('is asked for once for all who want it at the same time, and anew after a minute without an answer', async () => {
    const { state, report } = worker()
    await Promise.all([report(), report(), report()])
    await report()
    expect(state.asked).to.equal(1)
    state.now = 60_000
    state.answer = async () => ok
    expect(await Promise.all([report(), report()])).to.deep.equal([ok, ok])
    expect(state.asked).to.equal(2)
  })
})
