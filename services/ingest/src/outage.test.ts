import { expect } from 'chai'
import { orderMessageOf } from './testing/events.ts'
import { type IngestUnderTest, prepareIngest } from './testing/ingest-under-test.ts'

/**
 * Marketplaces give up after three seconds. What fails here would take ten and more, or for ever, if nothing were done about it,
 * milliseconds; what a slow machine adds must not decide.
 */
const WITHOUT_DEADLINE = 8_000

describe('taking in notifications while something else is down', () => {
  let its: IngestUnderTest
  before(async () => {
    its = await prepareIngest()
  })
  after(() => its.close())
  beforeEach(() => its.reset())
  const orderMessage = () => orderMessageOf(its)

  const expectNotKept = async () => {
    const { message } = orderMessage()
    const body = Buffer.from(JSON.stringify(message))
    const header = its.ebay.keys.header(body, its.ebay.keys.current)
    const started = performance.now()
    const answer = await fetch(its.callback, { method: 'POST', body, headers: { 'X-EBAY-SIGNATURE': header } })
    expect(answer.status).to.equal(503)
    expect(Number(answer.headers.get('retry-after'))).to.be.greaterThan(0)
    expect(await answer.json()).to.include({ code: 'NOT_KEPT' })
    expect(performance.now() - started).to.be.lessThan(WITHOUT_DEADLINE)
    return message
  }
  const expectHealth = async (status: string) => {
    const [report] = ((await (await fetch(`${its.server.url}/healthz`)).json()) as { services: { status: string }[] }).services
    expect(report?.status).to.equal(status)
  }

  it('says yes to nothing while the database is away, and keeps it when it is sent again', async () => {
    await its.ebay.notifications.send(its.callback, orderMessage().message)
    its.relay.cut()
    const message = await expectNotKept()
    await expectHealth('degraded')
    its.relay.heal()
    expect(await its.ebay.notifications.send(its.callback, message, { attempts: 5 })).to.include(204)
    expect(await its.events()).to.have.length(2)
    await expectHealth('ok')
  })

  it('does not let a sender wait for a database that does not answer', async () => {
    await its.ebay.notifications.send(its.callback, orderMessage().message)
    its.relay.stall()
    const message = await expectNotKept()
    its.relay.heal()
    expect(await its.ebay.notifications.send(its.callback, message, { attempts: 5 })).to.include(204)
    expect(await its.events()).to.have.length(2)
  })

  it('does not wait for the database when it seals or erases, either', async () => {
    const { accountDeletion, message, send } = its.ebay.notifications
    await send(its.callback, orderMessage().message)
    its.relay.stall()
    const started = performance.now()
    const stalled = [message('FEEDBACK_LEFT', { userId: 'SYNuser9' }), accountDeletion({ username: 'x', userId: 'y' })]
    const statuses = await Promise.all(stalled.map((one) => send(its.callback, one)))
    expect(statuses).to.deep.equal([[503], [503]])
    expect(performance.now() - started).to.be.lessThan(WITHOUT_DEADLINE)
  })

  it('says yes to nothing when the log is closed', async () => {
    await its.log.close()
    await expectNotKept()
  })

  it('says yes to nothing once it is told to stop', async () => {
    await its.ingest.stop()
    await expectNotKept()
    expect(await its.events()).to.deep.equal([])
  })

  for (const fault of [
    { kind: 'status', status: 500 },
    { kind: 'rate-limited' },
    { kind: 'reset' },
    { kind: 'hang' },
  ] as const) {
    for (const operation of ['getPublicKey', 'token'] as const) {
      it(`answers 503 when eBay's ${operation} fails by ${fault.kind}, and keeps it once eBay is back`, async () => {
        const { message } = orderMessage()
        const { send } = its.ebay.notifications
        its.ebay.fail({ operation, ...fault, times: 9 })
        const started = performance.now()
        expect(await send(its.callback, message)).to.deep.equal([503])
        expect(performance.now() - started).to.be.lessThan(WITHOUT_DEADLINE)
        expect(await its.events()).to.deep.equal([])
        its.ebay.heal()
        await its.restart()
        expect(await send(its.callback, message)).to.deep.equal([204])
      })
    }
  }
})
