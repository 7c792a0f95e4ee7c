import { join } from 'node:path'
import { ORDER_TOPIC } from '@tributary/events'
import { expect } from 'chai'
import { describeOnKafka, startKafka } from '../servers/index.ts'
import type { EbayOrder } from '../simulators/ebay/index.ts'
import type { Arrival } from '../simulators/spi/index.ts'
import { type CollectedSpan, createCollector, SPAN_KINDS } from './gateway/collector.ts'
import { eventually } from './gateway/eventually.ts'
import { knownOrder } from './gateway/known-order.ts'
import { deliveriesOf, orderRow } from './gateway/look.ts'
import { openWorld, type Seller, type World } from './gateway/world.ts'

const HOUR = 3_600_000

/** A log of one kind, for one suite. */
type TracedLog = { driver: string; open(): Promise<{ logUrl?: string; close(): Promise<void> }> }

const LOGS: readonly TracedLog[] = [
  { driver: 'mysql', open: async () => ({ close: async () => {} }) },
  {
    driver: 'kafka',
    // A broker of its own: on that of the other tests the topics of the product would hold events of other worlds.
    async open() {
      const broker = await startKafka({ folder: join(import.meta.dirname, '../../.local/traces-kafka') })
      return { logUrl: broker.url, close: () => broker.kill() }
    },
  },
]

for (const { driver, open } of LOGS) {
  const suite = driver === 'kafka' ? describeOnKafka : describe
  suite(`the traces of an order over ${driver}`, function () {
    this.timeout(120_000)
    let log: Awaited<ReturnType<TracedLog['open']>>
    let collector: Awaited<ReturnType<typeof createCollector>>
    let world: World
    let order: EbayOrder
    let arrival: Arrival
    let trace: CollectedSpan[]

    before(async () => {
      collector = await createCollector()
      log = await open()
      const logUrl = log.logUrl === undefined ? {} : { logUrl: log.logUrl }
      world = await openWorld({ name: `traces_${driver}`, settings: { telemetry: { endpoint: collector.url } }, ...logUrl })
      const { seller } = await world.consent()
      order = await keptAtOnce(world, seller)
      const [delivered] = await deliveriesOf(world, 'warehouse', order.orderId)
      if (!delivered) throw new Error('The known order did not come through')
      arrival = delivered
      await orderRow(world, order.orderId)
      await consumersAreDone(world)
      // Spans that still wait to be exported are so when the process stops.
      expect(await world.gateway.stop()).to.include({ code: 0 })
      trace = collector.spans.filter(({ traceId }) => traceId === arrival.headers['traceparent']?.split('-')[1])
    })
    after(async () => {
      await world.close()
      await log.close()
      await collector.close()
    })

    /** The only span of the trace with this name and these attributes. */
    const only = (name: string, attributes: Record<string, unknown> = {}): CollectedSpan => {
      const found = trace.filter(
        (span) => span.name === name && Object.entries(attributes).every(([key, value]) => span.attributes[key] === value),
      )
      expect(found, `${name} ${JSON.stringify(attributes)} among ${trace.map((span) => span.name).join(', ')}`).to.have.length(
        1,
      )
      return found[0] as CollectedSpan
    }
    const childrenOf = ({ spanId }: CollectedSpan) => trace.filter(({ parentSpanId }) => parentSpanId === spanId)
    const namesUnder = (span: CollectedSpan) => childrenOf(span).map(({ name }) => name)

    const request = () => only('POST /open/order/callback/:channel')
    const append = `append ${ORDER_TOPIC}`
    const hint = () => trace.find((span) => span.name === append && span.parentSpanId === request().spanId) as CollectedSpan
    const read = () => only('read order')
    const snapshot = () => trace.find((span) => span.name === append && span.parentSpanId === read().spanId) as CollectedSpan
    const processing = (consumer: string, parent: CollectedSpan) =>
      childrenOf(parent).find(({ attributes }) => attributes['tributary.consumer'] === consumer) as CollectedSpan

    it('begin with the request of the marketplace and hang together', () => {
      expect(request()).to.include({ kind: SPAN_KINDS.server })
      expect(request().attributes).to.include({
        'http.request.method': 'POST',
        'http.route': '/open/order/callback/:channel',
        'http.response.status_code': 204,
        'url.path': '/open/order/callback/1',
      })
      const ids = new Set(trace.map(({ spanId }) => spanId))
      const withoutParent = trace.filter(({ parentSpanId }) => !parentSpanId || !ids.has(parentSpanId))
      expect(withoutParent.map(({ name }) => name)).to.deep.equal([request().name])
    })

    it('go through the append of the notification', () => {
      expect(hint()).to.include({ kind: SPAN_KINDS.producer })
      expect(hint().attributes).to.include({
        'messaging.system': driver,
        'messaging.operation.type': 'send',
        'messaging.destination.name': ORDER_TOPIC,
      })
    })

    if (driver === 'mysql')
      it('show the transaction in which the log made it durable', () => {
        const writing = childrenOf(hint()).find(({ name }) => name === `write ${ORDER_TOPIC}`) as CollectedSpan
        expect(namesUnder(writing)).to.include.members(['INSERT tributary_log_event', 'COMMIT'])
        for (const statement of childrenOf(writing)) {
          expect(statement).to.include({ kind: SPAN_KINDS.client })
          expect(statement.attributes).to.include({ 'db.system.name': 'mysql', 'db.query.summary': statement.name })
        }
      })

    it('go on with the read of the order at the marketplace, and the append of what was read', () => {
      const noticing = processing('tributaryOrderSync', hint())
      expect(noticing).to.include({ kind: SPAN_KINDS.consumer, name: `process ${ORDER_TOPIC}` })
      expect(namesUnder(noticing)).to.include.members(['UPDATE tributary_cursor', 'INSERT tributary_order_read'])
      expect(read().parentSpanId).to.equal(hint().spanId)
      const call = childrenOf(read()).find(({ attributes }) => attributes['tributary.call'] === 'getOrder') as CollectedSpan
      expect(call).to.include({ name: 'GET', kind: SPAN_KINDS.client })
      expect(call.attributes).to.include({ 'http.response.status_code': 200, 'server.address': '127.0.0.1' })
      expect(snapshot()).to.include({ kind: SPAN_KINDS.producer })
    })

    it('reach the rows', () => {
      const projecting = processing('orders', snapshot())
      expect(projecting.attributes).to.include({
        'messaging.operation.type': 'process',
        'messaging.consumer.group.name': 'tributaryProjectionOrders',
        'messaging.batch.message_count': 1,
      })
      const writing = childrenOf(projecting).find(({ name }) => name === 'apply') as CollectedSpan
      expect(namesUnder(writing)).to.include.members(['INSERT eg_order_order', 'INSERT eg_order_order_detail'])
      // The index of events commits with it, and either may be the first.
      const ids = new Set(childrenOf(snapshot()).map(({ spanId }) => spanId))
      const commits = trace.filter(({ name, parentSpanId }) => name === 'commit together' && ids.has(parentSpanId ?? ''))
      expect(commits.flatMap(namesUnder)).to.include.members(['UPDATE tributary_cursor', 'COMMIT'])
    })

    it('reach the receiver, whose request carries the span that sent it', () => {
      const sending = only('POST', { 'tributary.event.type': 'OrderReceived' })
      expect(sending).to.include({ kind: SPAN_KINDS.client, parentSpanId: snapshot().spanId })
      expect(sending.attributes).to.include({
        'http.request.method': 'POST',
        'http.response.status_code': 200,
        'tributary.endpoint': 'egOrderSpiConsumerGroup:warehouse',
        'tributary.event.type': 'OrderReceived',
      })
      expect(arrival.headers['traceparent']).to.equal(`00-${sending.traceId}-${sending.spanId}-01`)
    })

    it('hold no secret and nothing about people or their orders', () => {
      const text = JSON.stringify(collector.spans)
      expect(text).not.to.match(/Esempio|known_buyer|relay1@|5550199|门铃|77-00001-|MALLET/)
      const { clientSecret } = world.simulator.app
      const secrets = [
        clientSecret,
        world.gateway.masterKey.toString('base64'),
        world.gateway.challengeToken,
        'v^1.1#',
        'whsec_',
      ]
      expect(secrets.filter((secret) => text.includes(secret))).to.deep.equal([])
    })

    /** Starts the gateway, has something sent again, and answers the spans that came of it. */
    async function spansOfAgain(act: () => Promise<unknown>): Promise<CollectedSpan[]> {
      const before = collector.spans.length
      const arrivals = () => world.receivers['warehouse']?.record.arrivals.length ?? 0
      const arrived = arrivals()
      world.gateway.start()
      await world.gateway.ready()
      await act()
      await eventually('the order is delivered again', () => arrivals() > arrived)
      await consumersAreDone(world)
      expect(await world.gateway.stop()).to.include({ code: 0 })
      return collector.spans.slice(before)
    }

    /** Nothing joined the trace; what is told links to it, and the receiver got the trace of the new request. */
    function expectLinks(spans: readonly CollectedSpan[], names: readonly string[]): void {
      const traceId = trace[0]?.traceId
      expect(spans.filter((span) => span.traceId === traceId)).to.deep.equal([])
      const linking = spans.filter(({ links }) => links.some((link) => link.spanId === snapshot().spanId))
      expect(linking.map(({ name }) => name)).to.include.members(names)
      const again = world.receivers['warehouse']?.record.arrivals.at(-1)?.headers['traceparent']?.split('-')[1]
      expect(linking.find(({ name }) => name === 'POST')?.traceId).to.equal(again)
    }

    it('are linked to by a replay and not extended, however young the events are', async () => {
      const replay = ['replay', 'egOrderSpiConsumerGroup:warehouse', '--from', '0', '--yes']
      const spans = await spansOfAgain(async () => expect(await world.gateway.run(replay)).to.include({ code: 0 }))
      // The consumer that moves the cursor of the endpoint does not know why it does.
      expectLinks(
        spans.filter(({ name }) => name === 'POST'),
        ['POST'],
      )
    })

    // What tells a rebuild is when the log took an event, whichever log; only here can a test make that long ago.
    if (driver === 'mysql')
      it('are linked to by who reads old events again', async () => {
        const { database } = world
        await database.query('UPDATE tributary_log_event SET recorded_time = recorded_time - ?', [HOUR])
        await database.query("DELETE FROM tributary_cursor WHERE consumer = 'orders' OR consumer LIKE '%:warehouse'")
        const spans = await spansOfAgain(async () => {})
        expectLinks(spans, [`process ${ORDER_TOPIC}`, 'POST'])
      })
  })
}

/**
 * An order whose first notification was kept in time. A machine that has much else to do may be late, and then asks the sender
 * to come again, as it should; but here one request is to be followed, so the next order is tried once nothing of it is left.
 */
function keptAtOnce(world: World, seller: Seller): Promise<EbayOrder> {
  let tried = 0
  return eventually('a notification is kept at once', async () => {
    await consumersAreDone(world)
    tried += 1
    const orderId = `77-00001-${String(tried).padStart(5, '0')}`
    const order = world.simulator.market.addOrder(seller.userId, { ...knownOrder(seller.username, Date.now()), orderId })
    const [status] = await world.notify(orderId)
    return status === 204 && order
  })
}

/** Consumers with a cursor in every partition: hints, the index of events, orders, sellers and the endpoint. */
const CONSUMERS = 5

/** Every consumer has had every event, so that its spans have ended. */
async function consumersAreDone({ database, log }: World): Promise<void> {
  await eventually('every consumer has come to the end of the log', async () => {
    const ends = await log.ends(ORDER_TOPIC)
    const cursors = await database.query<{ partition: number; next: number }[]>(
      'SELECT partition_no AS `partition`, next_position AS next FROM tributary_cursor WHERE topic = ?',
      [ORDER_TOPIC],
    )
    return cursors.length >= CONSUMERS * ends.length && cursors.every(({ partition, next }) => next >= (ends[partition] ?? 0))
  })
}
