import { createEvent, timeOrderedEventId } from '@tributary/events'
import { until } from '@tributary/test/servers'
import type { EbayOrder } from '@tributary/test/simulators/ebay'
import { expect } from 'chai'
import { listOrderReads } from './order-read-operations.ts'
import { EBAY, type OrderSyncUnderTest, startUnderTest } from './testing/order-sync-under-test.ts'

const OFTEN = { pollIntervalSeconds: 0.2 }

describe('polling the orders of sellers', () => {
  let its: OrderSyncUnderTest
  let seller: string
  before(async () => {
    its = await startUnderTest()
  })
  beforeEach(async () => {
    its.ebay.market.revoke(seller)
    await its.database.query('DELETE FROM eg_order_app_seller')
    await its.database.query('DELETE FROM tributary_poll')
    seller = await its.addSeller()
    first = its.ebay.requests.length
  })
  afterEach(() => its.rest())
  after(() => its.close())

  let first = 0
  const calls = (operation: string) => its.ebay.requests.slice(first).filter((request) => request.operation === operation)
  const ofSeller = async () => (await its.events('OrderReceived')).filter(({ data }) => data.sellerId === seller)
  const areReceived = (count: number) => until(`${count} orders were received`, async () => (await ofSeller()).length >= count)
  const cursor = async () => {
    const [row] = await its.database.query<{ cursor_time: number; success_time: number; last_error: string }[]>(
      'SELECT cursor_time, success_time, last_error FROM tributary_poll WHERE seller_id = ?',
      [seller],
    )
    return row
  }
  /** Nothing reads for the seller any more, and nothing is due: what a poll under way finds by itself would be taken for the answer. */
  const isPolled = () =>
    until('the polls came to their end', async () => {
      const rows = await its.database.query(
        `SELECT 1 FROM tributary_poll WHERE seller_id = ? AND success_time > 0 AND claimed_by IS NULL AND due_time > ?`,
        [seller, Date.now()],
      )
      return rows.length > 0
    })
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString()
  const addOrders = (count: number, change: (index: number) => Partial<EbayOrder> = () => ({})) =>
    Array.from({ length: count }, (_, index) => {
      const time = minutesAgo(1000 - index / 1000)
      return its.ebay.market.addOrder(seller, { creationDate: time, lastModifiedDate: time, ...change(index) })
    })

  it('finds every order, page by page, and moves its cursor behind the last', async () => {
    const orders = addOrders(205)
    const { service } = await its.run()
    await isPolled()
    expect(await service.health()).to.deep.include({ name: 'order-sync', status: 'ok' })
    const events = await ofSeller()
    expect(new Set(events.map(({ data }) => data.orderId))).to.deep.equal(new Set(orders.map(({ orderId }) => orderId)))
    expect(events).to.have.length(205)
    expect(new Set(events.map(({ data }) => data.origin))).to.deep.equal(new Set(['poll']))
    const to = /\.\.(.*)\]/.exec(calls('getOrders')[0]?.query['filter'] ?? '')?.[1] ?? ''
    expect((await cursor())?.cursor_time).to.equal(Date.parse(to))
  })

  it('reads on from its cursor with the overlap, and appends nothing that has not changed', async () => {
    addOrders(3, () => ({ creationDate: minutesAgo(2), lastModifiedDate: minutesAgo(2) }))
    await its.run({ configuration: { ...OFTEN, overlapSeconds: 300 } })
    await until('it was polled thrice', () => calls('getOrders').length >= 3)
    expect(await ofSeller()).to.have.length(3)
    const windows = calls('getOrders').map(
      ({ query }) =>
        /\[(.*)\.\.(.*)\]/
          .exec(query['filter'] ?? '')
          ?.slice(1)
          .map(Date.parse) ?? [],
    )
    for (const [index, [from = 0]] of windows.slice(1).entries()) expect(from).to.equal((windows[index]?.[1] ?? 0) - 300_000)
  })

  it('reads from far back again when a clock that was ahead has moved its cursor', async () => {
    const [order] = addOrders(1)
    await its.run()
    await isPolled()
    await its.rest()
    const missed = addOrders(1)
    const now = Date.now()
    await its.database.query('UPDATE tributary_poll SET cursor_time = ?, success_time = 0, due_time = 0', [now + 86_400_000])
    await its.run()
    await isPolled()
    expect((await ofSeller()).map(({ data }) => data.orderId)).to.have.members([order, ...missed].map((one) => one?.orderId))
    expect((await cursor())?.cursor_time).to.be.within(now - 60_000, Date.now())
  })

  it('polls a new seller at once, and one that nobody announced when the interval is over', async () => {
    await its.run({ configuration: { pollIntervalSeconds: 0.5 } })
    const quiet = its.ebay.market.addSeller().userId
    const order = its.ebay.market.addOrder(quiet)
    await (await its.consent(quiet)).show()
    await until('its order was received', async () => (await its.received(order.orderId)).length === 1)
    await its.database.query('DELETE FROM tributary_poll WHERE seller_id = ?', [quiet])
    await until('it has its turn again', async () => {
      const rows = await its.database.query('SELECT 1 FROM tributary_poll WHERE seller_id = ? AND success_time > 0', [quiet])
      return rows.length > 0
    })
  })

  it('sees every order although some move between the pages', async () => {
    const orders = addOrders(205)
    const moved = Promise.withResolvers<void>()
    its.ebay.fail({ operation: 'getOrders', kind: 'late', until: () => moved.promise })
    await its.run({ timeout: 30_000 })
    await until('the first page is on its way', () => calls('getOrders').length === 1)
    // They leave the window, and those behind them move over the edge of the first page.
    for (const { orderId } of orders.slice(10, 15)) its.ebay.market.updateOrder(orderId, {})
    moved.resolve()
    await isPolled()
    const seen = new Set((await ofSeller()).map(({ data }) => data.orderId))
    expect(orders.filter(({ orderId }) => !seen.has(orderId))).to.deep.equal([])
  })

  it('reads a window with very many orders in parts, oldest first', async function () {
    this.timeout(30_000)
    const orders = addOrders(1_050, (index) => ({ lastModifiedDate: minutesAgo(1200 - index), lineItems: [] }))
    await its.run({ timeout: 5_000 })
    await isPolled()
    expect(new Set((await ofSeller()).map(({ data }) => data.orderId)).size).to.equal(orders.length)
    const windows = [...new Set(calls('getOrders').map(({ query }) => query['filter']))]
    expect(windows).to.have.length(3)
    expect(windows.slice(1)).to.deep.equal(windows.slice(1).sort())
  })

  it('leaves the cursor where it is when a page fails, and reads on later without appending anything twice', async () => {
    addOrders(150)
    await its.run({ timeout: 300, configuration: OFTEN })
    await areReceived(150)
    await isPolled()
    const before = (await cursor())?.cursor_time ?? 0
    addOrders(120)
    for (const kind of ['half-body', 'hang'] as const) its.ebay.fail({ operation: 'getOrders', kind })
    its.ebay.fail({ operation: 'getOrders', kind: 'status', status: 500 })
    await until('a poll failed', async () => (await cursor())?.last_error !== '')
    expect((await cursor())?.cursor_time).to.be.at.least(before)
    await its.rest()
    await its.database.query('UPDATE tributary_poll SET cursor_time = ?, due_time = 0', [before - 86_400_000])
    await its.run({ configuration: OFTEN })
    await areReceived(270)
    await until('it was polled again', async () => ((await cursor())?.cursor_time ?? 0) > before)
    expect(await ofSeller()).to.have.length(270)
  })

  it('reads open orders again each night, for a shipment may not move the time of modification', async () => {
    const [order] = addOrders(1)
    if (!order) throw new Error('no order')
    await its.run({ configuration: { ...OFTEN, overlapSeconds: 0 }, pace: { sweep: 400 } })
    await areReceived(1)
    its.ebay.market.updateOrder(order.orderId, {
      orderFulfillmentStatus: 'FULFILLED',
      lastModifiedDate: order.lastModifiedDate,
    })
    await areReceived(2)
    const events = await ofSeller()
    expect(events.map(({ data }) => data.order.status)).to.deep.equal(['AWAITING_SHIPMENT', 'SHIPPED'])
    const swept = calls('getOrder').length
    await until('it was polled some more', () => calls('getOrders').length > 8)
    expect(calls('getOrder').length).to.be.at.most(swept + 1)
  })

  it('leaves the rest of the day’s calls to notifications', async () => {
    const [order] = addOrders(1)
    if (!order) throw new Error('no order')
    const day = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/Los_Angeles' }).format(Date.now())
    const shape = 'REPLACE INTO tributary_call_budget (channel, operation, day, used) VALUES (?, ?, ?, ?)'
    await its.database.query(shape, [EBAY, 'order', day, 85_000])
    await its.run({ configuration: OFTEN })
    await until('the poll was put off', async () => ((await cursor())?.last_error ?? '').includes('CHANNEL_BUDGET_SPENT'))
    await its.notify(seller, order.orderId)
    await areReceived(1)
    expect(calls('getOrders')).to.have.length(0)
    await its.database.query(shape, [EBAY, 'order', day, 0])
  })

  it('keeps an order that can be no event in sight, and goes on with the others', async () => {
    await its.run({ configuration: OFTEN })
    const orders = addOrders(3, () => ({ lastModifiedDate: minutesAgo(0.01) }))
    const entry = its.ebay.market.orders.get(orders[1]?.orderId ?? '')
    if (entry)
      entry.text = JSON.stringify({
        ...entry.order,
        lineItems: [{ lineItemId: 'x', quantity: 1, title: '', sku: '' }],
        orderId: 'bad\u0007id',
      })
    const parkedReads = () => listOrderReads(its.database, { state: 'parked' })
    await until('both others are there', async () => (await ofSeller()).length === 2 && (await parkedReads()).length > 0)
    const [parked] = await parkedReads()
    expect(parked?.orderId).to.equal('bad\u0007id')
    expect(parked?.lastError).to.contain('EVENT_INVALID')
  })

  describe('in two processes', () => {
    it('polls each seller once an interval, whoever does it', async () => {
      const sellers = [seller, await its.addSeller(), await its.addSeller()]
      await Promise.all([
        its.run({ configuration: { pollIntervalSeconds: 0.4 } }),
        its.run({ configuration: { pollIntervalSeconds: 0.4 } }),
      ])
      const requestsOf = () => Map.groupBy(calls('getOrders'), ({ authorization }) => authorization)
      await until('each was polled eight times', () => {
        const times = [...requestsOf().values()]
        return times.length === sellers.length && times.every((requests) => requests.length >= 8)
      })
      for (const requests of requestsOf().values()) {
        const elapsed = (requests[7]?.time ?? 0) - (requests[0]?.time ?? 0)
        // Twice an interval would be eight polls in half the time; a busy machine only makes it longer.
        expect(elapsed).to.be.at.least(5 * 400)
      }
      expect(calls('token')).to.have.length(sellers.length)
    })
  })

  describe('when a grant ends', () => {
    const ended = () => its.events('SellerDeauthorized')
    const ofThis = async () => (await ended()).filter(({ data }) => data.sellerId === seller)
    const notice = (topic = 'AUTHORIZATION_REVOCATION') =>
      createEvent({
        id: timeOrderedEventId(),
        type: 'NotificationReceived',
        source: '/test',
        subject: `sellers/${EBAY}/${seller}`,
        time: Date.now(),
        partitionkey: `${EBAY}:${seller}`,
        data: {
          channel: EBAY,
          topic,
          notificationId: timeOrderedEventId(),
          notifiedTime: Date.now(),
          sellerId: seller,
          subject: 'nobody',
          sealed: null,
        },
      })

    it('says so once, stops asking, and names the seller, until there is a new consent', async () => {
      const { service } = await its.run({ configuration: OFTEN })
      await isPolled()
      its.ebay.market.revoke(seller)
      await until('its end is in the log', async () => (await ofThis()).length === 1)
      const tokens = calls('token').length
      const polls = calls('getOrders').length
      await until('an interval has passed', async () => ((await cursor())?.last_error ?? '').includes('CHANNEL_GRANT_REVOKED'))
      const health = await service.health()
      expect(health.status).to.equal('degraded')
      expect(health.details?.['mustConsentAgain']).to.deep.equal([seller])
      await until('more intervals have passed', async () => {
        const [row] = await its.database.query<{ failures: number }[]>(
          'SELECT failures FROM tributary_poll WHERE seller_id = ?',
          [seller],
        )
        return (row?.failures ?? 0) > 3
      })
      expect([calls('token').length, calls('getOrders').length]).to.deep.equal([tokens, polls])
      expect((await ofThis()).map(({ data }) => data.reason)).to.deep.equal(['refused'])
      await (await its.consent(seller)).show()
      await until('it is polled again', () => calls('getOrders').length > polls)
      expect((await service.health()).details?.['mustConsentAgain']).to.deep.equal([])
    })

    it('believes a notice of revocation only when eBay refuses the grant', async () => {
      await its.run()
      await isPolled()
      const tokens = calls('token').length
      await its.append(notice())
      await until('the grant was tried', () => calls('token').length === tokens + 1)
      // A poll that still reads would find out by itself.
      await until('the notice is settled, and the poll has ended', async () => {
        const [row] = await its.database.query<{ revocation_time: number; claimed_by: string | null }[]>(
          'SELECT revocation_time, claimed_by FROM tributary_poll WHERE seller_id = ?',
          [seller],
        )
        return row?.revocation_time === 0 && row.claimed_by === null
      })
      expect(await ofThis()).to.have.length(0)
      its.ebay.market.revoke(seller)
      await its.append(notice())
      await until('its end is in the log', async () => (await ofThis()).length === 1)
      expect((await ofThis())[0]?.data.reason).to.equal('revoked')
    })

    it('looks into a notice at once, whatever a marketplace calls it', async () => {
      await its.run()
      await isPolled()
      its.ebay.market.revoke(seller)
      await its.append(notice('SELLER_DEAUTHORIZATION'))
      await until('its end is in the log', async () => (await ofThis()).length === 1)
      expect((await ofThis())[0]?.data.reason).to.equal('revoked')
    })

    it('parks the orders of the seller, and reads them when it has consented again', async () => {
      await its.run()
      await isPolled()
      its.ebay.market.revoke(seller)
      const order = its.ebay.market.addOrder(seller, { creationDate: minutesAgo(9000), lastModifiedDate: minutesAgo(9000) })
      await its.notify(seller, order.orderId)
      await until('the order is parked', async () =>
        (await listOrderReads(its.database, { state: 'parked' })).some(({ orderId }) => orderId === order.orderId),
      )
      await (await its.consent(seller)).show()
      await until('it is received', async () => (await its.received(order.orderId)).length === 1)
    })

    it('looks again soon when it heard of a consent before the row of the seller shows it', async () => {
      await its.run()
      await isPolled()
      its.ebay.market.revoke(seller)
      const order = its.ebay.market.addOrder(seller, { creationDate: minutesAgo(9000), lastModifiedDate: minutesAgo(9000) })
      await its.notify(seller, order.orderId)
      const readsIn = async (state: 'parked' | 'waiting') =>
        (await listOrderReads(its.database, { state })).filter(({ orderId }) => orderId === order.orderId)
      await until('the order is parked', async () => (await readsIn('parked')).length === 1)
      const consent = await its.consent(seller)
      await until('it was tried in vain', async () => (await readsIn('waiting')).some(({ attempts }) => attempts > 0))
      await consent.show()
      await until('it is received', async () => (await its.received(order.orderId)).length === 1)
    })
  })
})
