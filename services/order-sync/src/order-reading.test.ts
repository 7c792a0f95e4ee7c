import { addApp, listApps } from '@tributary/database'
import { orderHolder } from '@tributary/events'
import { startRelay, until } from '@tributary/test/servers'
import { expect } from 'chai'
import { listOrderReads } from './order-read-operations.ts'
import { EBAY, type OrderSyncUnderTest, startProcess, startUnderTest } from './testing/order-sync-under-test.ts'

describe('reading orders that a notification named', () => {
  let its: OrderSyncUnderTest
  let seller: string
  let gone: ReturnType<typeof its.ebay.market.orders.get>
  before(async () => {
    its = await startUnderTest()
  })
  beforeEach(async () => {
    seller = await its.addSeller()
    gone = undefined
  })
  afterEach(async () => {
    await its.rest()
    // What the process was stopped at would be read in the next test.
    await its.database.query('DELETE FROM tributary_order_read')
  })
  after(() => its.close())

  /** How often eBay was asked for an order in this test. */
  const asked = () => calls().length
  const calls = () =>
    its.ebay.requests.filter(({ operation, path }) => {
      const order = its.ebay.market.orders.get(path.split('/').at(-1) ?? '')
      return operation === 'getOrder' && (order ?? gone)?.userId === seller
    })
  const tasks = async () => (await listOrderReads(its.database)).filter(({ sellerId }) => sellerId === seller)
  const idle = () => until('no order is left to read', async () => (await tasks()).length === 0)
  const isReceived = (orderId: string, times = 1) =>
    until(`${orderId} was received ${times} times`, async () => (await its.received(orderId)).length === times)
  const readAgain = async (orderId: string) => {
    const before = asked()
    await its.notify(seller, orderId)
    await until('it was read once more', () => asked() > before)
    await idle()
  }
  /** An order that no first poll sees, because it is older than that reaches back. */
  const addOrder = (change: Parameters<typeof its.ebay.market.addOrder>[1] = {}) => {
    const order = its.ebay.market.addOrder(seller, change)
    const old = new Date(Date.now() - 3 * 86_400_000).toISOString()
    return its.ebay.market.updateOrder(order.orderId, { creationDate: old, lastModifiedDate: old })
  }
  const later = (orderId: string, minutes: number) => {
    const before = Date.parse(its.ebay.market.orders.get(orderId)?.order.lastModifiedDate ?? '')
    return new Date(before + minutes * 60_000).toISOString()
  }

  it('reads for an app that was added a moment ago, though those from before were just looked at', async () => {
    await its.run()
    const before = addOrder()
    await its.notify(seller, before.orderId)
    await isReceived(before.orderId)
    const [app] = await listApps(its.database)
    if (!app) throw new Error('no app')
    const appId = await addApp(its.database, { ...app, name: 'added later' })
    seller = its.ebay.market.addSeller().userId
    await its.addSellerOf({ channel: EBAY, sellerId: seller, region: '', refreshToken: its.ebay.grant(seller), appId })
    const order = addOrder()
    await its.notify(seller, order.orderId)
    await isReceived(order.orderId)
    await its.database.query('UPDATE eg_order_app SET deleted = id WHERE id = ?', [appId])
  })

  it('appends the order with its ids, its holder and what is personal sealed', async () => {
    await its.run()
    const order = addOrder()
    await its.notify(seller, order.orderId)
    await isReceived(order.orderId)
    const [event] = await its.received(order.orderId)
    if (!event) throw new Error('no event')
    expect(event.data).to.include({
      channel: EBAY,
      sellerId: seller,
      origin: 'notification',
      sourceTime: Date.parse(order.lastModifiedDate),
    })
    expect(event.data.order.status).to.equal('AWAITING_SHIPMENT')
    expect(Object.keys(event.data.rowIds.lines)).to.deep.equal(order.lineItems.map(({ lineItemId }) => lineItemId))
    const ids = [event.data.rowIds.order, event.data.rowIds.original, ...Object.values(event.data.rowIds.lines)]
    expect(new Set(ids).size).to.equal(2 + order.lineItems.length)
    expect(JSON.stringify(event)).not.to.contain(order.buyer.username)
    const personal = await its.personal(event)
    expect(personal?.buyer.id).to.equal(order.buyer.username)
    expect(JSON.parse(personal?.original ?? '{}')).to.deep.equal(order)
    const { holders } = await its.vault.destroy(event.data.subject)
    expect(holders).to.deep.equal([orderHolder(EBAY, seller, order.orderId, event.data.sellerRowId)])
  })

  it('carries the trace of the notification on', async () => {
    await its.run()
    const order = addOrder()
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await its.notify(seller, order.orderId, traceparent)
    await isReceived(order.orderId)
    expect((await its.received(order.orderId))[0]?.traceparent).to.equal(traceparent)
  })

  it('reads an order as soon as its notification is seen, without waiting to look for work', async () => {
    await its.run({ pace: { idle: { shortest: 3_600_000, longest: 3_600_000 } } })
    for (let round = 0; round < 3; round++) {
      const order = addOrder()
      await its.notify(seller, order.orderId)
      await isReceived(order.orderId)
    }
  })

  it('goes on by itself when the database was away', async () => {
    const relay = await startRelay(its.surroundings.databaseUrl)
    const { service, stop } = await startProcess({ ...its.surroundings, databaseUrl: relay.url }, { worker: 30 })
    try {
      const orders = Array.from({ length: 6 }, () => addOrder().orderId)
      const notifyAll = (orderIds: string[]) => Promise.all(orderIds.map((orderId) => its.notify(seller, orderId)))
      await notifyAll(orders.slice(0, 2))
      relay.cut()
      await notifyAll(orders.slice(2, 4))
      await until('it shows in health', async () => (await service.health()).status !== 'ok')
      relay.heal()
      await notifyAll(orders.slice(4))
      await Promise.all(orders.map((orderId) => isReceived(orderId)))
      await idle()
      expect((await Promise.all(orders.map(its.received))).map(({ length }) => length)).to.deep.equal([1, 1, 1, 1, 1, 1])
    } finally {
      relay.heal()
      await stop()
      await relay.close()
    }
  })

  it('appends nothing when a notification is repeated and the order has not changed', async () => {
    await its.run()
    const order = addOrder()
    for (let copy = 0; copy < 5; copy++) await its.notify(seller, order.orderId)
    await isReceived(order.orderId)
    await idle()
    await readAgain(order.orderId)
    expect(await its.received(order.orderId)).to.have.length(1)
  })

  it('appends each change of an order, also the one back to what it was before', async () => {
    await its.run()
    const order = addOrder()
    const notes = ['first', 'second', 'first']
    for (const [index, buyerCheckoutNotes] of notes.entries()) {
      // The time of modification stands still: some changes do not move it.
      its.ebay.market.updateOrder(order.orderId, { buyerCheckoutNotes, lastModifiedDate: order.lastModifiedDate })
      await its.notify(seller, order.orderId)
      await isReceived(order.orderId, index + 1)
      await idle()
    }
    const events = await its.received(order.orderId)
    const personal = await Promise.all(events.map((event) => its.personal(event)))
    expect(personal.map((part) => part?.buyer.remark)).to.deep.equal(notes)
  })

  it('does not append an answer that is older than the one before', async () => {
    await its.run()
    const order = addOrder()
    const older = structuredClone(order)
    its.ebay.market.updateOrder(order.orderId, {
      orderFulfillmentStatus: 'FULFILLED',
      lastModifiedDate: later(order.orderId, 5),
    })
    await its.notify(seller, order.orderId)
    await isReceived(order.orderId)
    await idle()
    its.ebay.market.updateOrder(order.orderId, older)
    await readAgain(order.orderId)
    expect((await its.received(order.orderId)).map(({ data }) => data.order.status)).to.deep.equal(['SHIPPED'])
  })

  it('takes personal data that has aged out for no change', async () => {
    await its.run()
    const order = addOrder()
    await its.notify(seller, order.orderId)
    await isReceived(order.orderId)
    await idle()
    its.ebay.market.updateOrder(order.orderId, (aged) => {
      aged.lastModifiedDate = order.lastModifiedDate
      aged.buyer = { ...aged.buyer, buyerRegistrationAddress: { contactAddress: { city: '', countryCode: '' } } }
      aged.fulfillmentStartInstructions = []
      delete aged.buyerCheckoutNotes
    })
    await readAgain(order.orderId)
    expect(await its.received(order.orderId)).to.have.length(1)
  })

  it('leaves out what is personal of a buyer who was erased, and does not take that for a change', async () => {
    await its.run()
    const order = addOrder()
    await its.vault.destroy(its.vault.subject('ebay:user', order.buyer.username))
    await its.notify(seller, order.orderId)
    await isReceived(order.orderId)
    await idle()
    its.ebay.market.updateOrder(order.orderId, {
      orderPaymentStatus: 'FULLY_REFUNDED',
      lastModifiedDate: later(order.orderId, 1),
    })
    for (let round = 0; round < 2; round++) {
      await readAgain(order.orderId)
    }
    const events = await its.received(order.orderId)
    expect(events.map(({ data }) => [data.order.status, data.sealed])).to.deep.equal([
      ['AWAITING_SHIPMENT', null],
      ['REFUNDED', null],
    ])
    const [seen] = await its.database.query<{ personal: string | null }[]>(
      'SELECT personal FROM tributary_order_seen WHERE order_id = ?',
      [order.orderId],
    )
    expect(seen?.personal).to.equal(null)
  })

  it('seals under the buyer it knows when an order does not name one any more', async () => {
    await its.run()
    const order = addOrder()
    await its.notify(seller, order.orderId)
    await isReceived(order.orderId)
    await idle()
    its.ebay.market.updateOrder(order.orderId, (nameless) => {
      nameless.lastModifiedDate = later(order.orderId, 1)
      nameless.buyer.username = ''
    })
    await its.notify(seller, order.orderId)
    await isReceived(order.orderId, 2)
    const [first, second] = await its.received(order.orderId)
    expect(second?.data.subject).to.equal(first?.data.subject)
  })

  describe('when eBay is in trouble', () => {
    for (const fault of [
      { kind: 'status', status: 503 },
      { kind: 'rate-limited' },
      { kind: 'hang' },
      { kind: 'reset' },
      { kind: 'half-body' },
      { kind: 'status', status: 200, body: '<html>' },
    ] as const)
      it(`tries again after ${fault.kind} ${'status' in fault ? fault.status : ''}, and keeps the order once`, async () => {
        // Only what hangs is to run into it: another call that does would be one more.
        await its.run({ timeout: fault.kind === 'hang' ? 1_000 : 30_000 })
        const order = addOrder()
        its.ebay.fail({ operation: 'getOrder', times: 2, ...fault })
        await its.notify(seller, order.orderId)
        await isReceived(order.orderId)
        await idle()
        expect(asked()).to.equal(3)
        expect(await its.received(order.orderId)).to.have.length(1)
      })

    it('waits as long as eBay asks, and so does every other call', async () => {
      await its.run({ configuration: { concurrency: 1 } })
      const [order, other] = [addOrder(), addOrder()]
      its.ebay.fail({ operation: 'getOrder', kind: 'rate-limited', retryAfter: '1' })
      await its.notify(seller, order.orderId)
      await until('eBay was asked', () => asked() === 1)
      await its.notify(seller, other.orderId)
      await isReceived(order.orderId)
      await isReceived(other.orderId)
      const [first, ...rest] = calls()
      expect(rest.every(({ time }) => time - (first?.time ?? 0) >= 1_000)).to.equal(true)
    })

    it('gives up on an order that eBay keeps not knowing, keeps a note of it, and takes it up when it is named again', async () => {
      await its.run()
      const { orderId } = addOrder()
      gone = its.ebay.market.orders.get(orderId)
      its.ebay.market.orders.delete(orderId)
      await its.notify(seller, orderId)
      await until('it was dropped', async () => (await tasks())[0]?.state === 'dropped')
      expect((await tasks())[0]?.lastError).to.contain('CHANNEL_ORDER_UNKNOWN')
      expect(asked()).to.equal(8)
      if (gone) its.ebay.market.orders.set(orderId, gone)
      await its.notify(seller, orderId)
      await isReceived(orderId)
    })

    it('keeps other orders going while one cannot be read', async () => {
      await its.run({ timeout: 60_000 })
      const [stuck, ...others] = Array.from({ length: 6 }, () => addOrder())
      its.ebay.fail({ operation: 'getOrder', kind: 'hang' })
      await its.notify(seller, stuck?.orderId ?? '')
      await until('eBay was asked', () => asked() === 1)
      for (const { orderId } of others) await its.notify(seller, orderId)
      for (const { orderId } of others) await isReceived(orderId)
      expect(await its.received(stuck?.orderId ?? '')).to.have.length(0)
    })
  })

  it('does not lose a notification that comes while the order is being read', async () => {
    await its.run({ timeout: 30_000 })
    const order = addOrder()
    const notified = Promise.withResolvers<void>()
    its.ebay.fail({ operation: 'getOrder', kind: 'late', until: () => notified.promise })
    await its.notify(seller, order.orderId)
    await until('eBay was asked', () => asked() === 1)
    its.ebay.market.updateOrder(order.orderId, {
      orderFulfillmentStatus: 'FULFILLED',
      lastModifiedDate: later(order.orderId, 1),
    })
    await its.notify(seller, order.orderId)
    notified.resolve()
    await isReceived(order.orderId, 2)
    expect((await its.received(order.orderId)).map(({ data }) => data.order.status)).to.deep.equal([
      'AWAITING_SHIPMENT',
      'SHIPPED',
    ])
  })

  it('keeps an order whose fields have wrong types, reports their paths, and goes on', async () => {
    const { service } = await its.run()
    const strange = addOrder()
    const entry = its.ebay.market.orders.get(strange.orderId)
    if (entry)
      entry.text = JSON.stringify({ ...strange, lineItems: { no: 'list' }, sellerId: 7, buyer: 'nobody', lastModifiedDate: 12 })
    const other = addOrder()
    await its.notify(seller, strange.orderId)
    await its.notify(seller, other.orderId)
    await isReceived(strange.orderId)
    await isReceived(other.orderId)
    // What is odd about an order is told once it is remembered.
    await idle()
    const [event] = await its.received(strange.orderId)
    expect(event?.data.problems.map(({ field }) => field)).to.include.members(['lineItems', 'buyer', 'lastModifiedDate'])
    expect(its.lines.some((line) => line.includes('undocumented fields') && line.includes('lineItems'))).to.equal(true)
    expect(its.lines.join('')).not.to.contain('nobody')
    expect((await service.health()).details).to.include({ problems: 1 })
    await readAgain(strange.orderId)
    expect(await its.received(strange.orderId)).to.have.length(1)
  })

  it('keeps an order of 5 MB and 1,000 lines', async () => {
    await its.run({ timeout: 5_000 })
    const order = addOrder((large) => {
      const [line] = large.lineItems
      if (!line) throw new Error('no line')
      large.lineItems = Array.from({ length: 1_000 }, (_, index) => ({
        ...line,
        lineItemId: String(10_000_000_000_000 + index),
        title: '漢字 🎁 '.repeat(500),
      }))
    })
    await its.notify(seller, order.orderId)
    await isReceived(order.orderId)
    const [event] = await its.received(order.orderId)
    expect(event?.data.order.lines).to.have.length(1_000)
    if (!event) throw new Error('no event')
    expect(Buffer.byteLength((await its.personal(event))?.original ?? '')).to.be.above(5_000_000)
  })

  it('parks an order that can be no event, and tells of it', async () => {
    const { service } = await its.run()
    const order = addOrder()
    const entry = its.ebay.market.orders.get(order.orderId)
    if (entry) entry.text = JSON.stringify({ ...order, orderId: 'x'.repeat(101) })
    await its.notify(seller, order.orderId)
    await until('it was parked', async () => (await tasks())[0]?.state === 'parked')
    expect((await tasks())[0]?.lastError).to.contain('EVENT_INVALID')
    const health = await service.health()
    expect(health.status).to.equal('degraded')
    expect(health.reason).to.contain('1 orders cannot be read')
  })

  it('waits for a seller that the projection does not show yet', async () => {
    await its.run()
    seller = its.ebay.market.addSeller().userId
    const order = its.ebay.market.addOrder(seller)
    await its.notify(seller, order.orderId)
    await until('it was tried', async () => (await tasks())[0]?.lastError.includes('SELLER_UNKNOWN') ?? false)
    await (await its.consent(seller)).show()
    await isReceived(order.orderId)
  })
})
