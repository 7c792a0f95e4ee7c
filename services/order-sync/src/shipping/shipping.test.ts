import { randomInt } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { createEvent, derivedEventId, type EventData, encodeEvent, ORDER_TOPIC, orderKey } from '@tributary/events'
import { claimShipment, findShipment, putBackShipment, queueShipments, shipmentsOf } from '@tributary/shipping'
import { until } from '@tributary/test/servers'
import { expect } from 'chai'
import fc from 'fast-check'
import { childProcesses } from '../testing/child-processes.ts'
import { EBAY, type OrderSyncUnderTest, startUnderTest } from '../testing/order-sync-under-test.ts'

describe('telling a marketplace of packages', () => {
  let its: OrderSyncUnderTest
  let seller: string
  const children = childProcesses(() => its.surroundings)
  before(async () => {
    its = await startUnderTest()
  })
  beforeEach(async () => {
    seller = await its.addSeller()
  })
  afterEach(async () => {
    await its.rest()
    await its.database.query('DELETE FROM tributary_shipment')
  })
  after(async () => {
    children.end()
    await its.close()
  })

  const addOrder = () => its.ebay.market.addOrder(seller)
  const parcels = (orderId: string) => its.ebay.market.orders.get(orderId)?.fulfillments ?? []
  const outcomes = async (shipmentId: string) => [
    ...(await its.events('ShipmentConfirmed')).filter(({ data }) => data.shipmentId === shipmentId),
    ...(await its.events('ShipmentRefused')).filter(({ data }) => data.shipmentId === shipmentId),
  ]
  const stateOf = async (shipmentId: string) => (await findShipment(its.database, shipmentId))?.state
  const reaches = (shipmentId: string, state: string) =>
    until(`shipment ${shipmentId} is ${state}`, async () => (await stateOf(shipmentId)) === state)

  function requestOf(orderId: string, trackingNumber: string, shippedTime = Date.now() - 1000): EventData<'ShipmentRequested'> {
    const lines = its.ebay.market.orders.get(orderId)?.order.lineItems ?? []
    return {
      ...{ channel: EBAY, sellerId: seller, orderId, shipmentId: derivedEventId('test', orderId, trackingNumber) },
      ...{ carrier: 'UPS', trackingNumber, shippedTime, requestedBy: 'test' },
      lines: lines.map(({ lineItemId, quantity }) => ({ lineItemId, quantity })),
    }
  }
  async function request(orderId: string, trackingNumber: string, shippedTime?: number): Promise<string> {
    const data = requestOf(orderId, trackingNumber, shippedTime)
    await its.append(
      createEvent({
        ...{ id: data.shipmentId, type: 'ShipmentRequested', source: '/test', subject: `orders/${orderId}`, time: Date.now() },
        ...{ partitionkey: orderKey(EBAY, seller, orderId), data },
      }),
    )
    return data.shipmentId
  }

  it('is forgotten long after it has ended', async () => {
    const shipmentId = await request(addOrder().orderId, '1Z-OLD')
    await its.run()
    await reaches(shipmentId, 'confirmed')
    await its.rest()
    await its.database.query('UPDATE tributary_shipment SET settled_time = 1 WHERE shipment_id = ?', [shipmentId])
    await its.run()
    await until('it is gone', async () => (await stateOf(shipmentId)) === undefined)
  })

  it('announces it once, appends what eBay said and reads the order again', async () => {
    await its.run()
    const { orderId, lineItems } = addOrder()
    const shipmentId = await request(orderId, '1Z1')
    await reaches(shipmentId, 'confirmed')
    expect(parcels(orderId).map((parcel) => parcel.shipmentTrackingNumber)).to.deep.equal(['1Z1'])
    const [outcome, ...others] = await outcomes(shipmentId)
    expect(others).to.deep.equal([])
    expect(outcome?.data).to.include({ orderId, shipmentId, fulfillmentId: '1Z1', carrier: 'UPS', trackingNumber: '1Z1' })
    expect(outcome?.data).to.have.property('lines').with.length(lineItems.length)
    await until('the order was read again', async () => (await its.received(orderId)).at(-1)?.data.order.status === 'SHIPPED')
  })

  it('finds the package there when the answer to the first try was lost', async () => {
    its.ebay.fail({ operation: 'createShippingFulfillment', kind: 'reset', when: 'after' })
    its.ebay.fail({ operation: 'getShippingFulfillments', kind: 'status', status: 500, when: 'after' })
    await its.run()
    const { orderId } = addOrder()
    await reaches(await request(orderId, '1Z1'), 'confirmed')
    expect(parcels(orderId)).to.have.length(1)
  })

  it("appends eBay's refusal with its reason, and does not ask again", async () => {
    await its.run()
    const { orderId } = addOrder()
    const shipmentId = await request(orderId, '1Z1', Date.now() + 86_400_000)
    await reaches(shipmentId, 'refused')
    expect((await outcomes(shipmentId)).map(({ data }) => data)).to.have.nested.property('[0].code', '32500')
    expect(await findShipment(its.database, shipmentId)).to.have.nested.property('answer.detail', 'Invalid shipped date')
    expect(parcels(orderId)).to.deep.equal([])
  })

  it('waits for a new consent when the grant has ended, and then goes on at once', async () => {
    const service = (await its.run()).service
    const { orderId } = addOrder()
    its.ebay.market.revoke(seller)
    const shipmentId = await request(orderId, '1Z1')
    await reaches(shipmentId, 'parked')
    expect((await service.health()).reason).to.contain('1 shipments cannot be announced until a person acts')
    await (await its.consent(seller)).show()
    await reaches(shipmentId, 'confirmed')
    expect(parcels(orderId)).to.have.length(1)
  })

  it('keeps the first outcome that the log took, whatever a second process heard', async () => {
    const { orderId } = addOrder()
    const shipmentId = await request(orderId, '1Z1')
    const { channel, sellerId } = requestOf(orderId, '1Z1')
    await its.log.append(ORDER_TOPIC, [
      encodeEvent(
        createEvent({
          ...{ id: derivedEventId('ShipmentOutcome', shipmentId), type: 'ShipmentRefused', source: '/test', subject: 'a' },
          ...{ time: Date.now(), partitionkey: orderKey(EBAY, seller, orderId) },
          data: { channel, sellerId, orderId, shipmentId, code: 'FIRST', detail: '', refusedTime: 1 },
        }),
      ),
    ])
    await its.run()
    await reaches(shipmentId, 'refused')
    expect(await outcomes(shipmentId)).to.have.length(1)
  })

  it('announces the packages of one order one after the other, in the order of their requests', async () => {
    const { orderId } = addOrder()
    const now = Date.now()
    const [first, second] = ['A1', 'B2'].map((number) => requestOf(orderId, number))
    if (!first || !second) throw new Error('two were made')
    for (const data of [first, second]) await queueShipments(its.database, [{ data, time: now, traceparent: undefined }], now)
    const claim = (at: number) => claimShipment(its.database, { owner: 'test', channels: [EBAY], now: at, until: at + 10_000 })
    expect((await claim(now))?.shipmentId).to.equal(first.shipmentId)
    expect(await claim(now)).to.equal(undefined)
    expect((await claim(now + 20_000))?.shipmentId, 'a claim that ran out').to.equal(first.shipmentId)
    await its.database.query('UPDATE tributary_shipment SET claimed_by = NULL, due_time = ?', [now])
    await its.run()
    await Promise.all([first, second].map(({ shipmentId }) => reaches(shipmentId, 'confirmed')))
    expect(parcels(orderId).map((parcel) => parcel.shipmentTrackingNumber)).to.deep.equal(['A1', 'B2'])
  })

  it('ends no claim but the one that it says, however late it is said', async () => {
    const data = requestOf(addOrder().orderId, '1Z-LATE')
    const now = Date.now()
    await queueShipments(its.database, [{ data, time: now, traceparent: undefined }], now)
    const claim = async (at: number) => {
      const claimed = await claimShipment(its.database, { owner: 'test', channels: [EBAY], now: at, until: at + 10_000 })
      if (!claimed) throw new Error('nothing to claim')
      return claimed
    }
    const before = await claim(now)
    const current = await claim(now + 10_000)
    const next = { dueTime: now, attempts: 1, state: 'waiting', error: 'late' } as const
    const holders = () => its.database.query('SELECT claimed_by FROM tributary_shipment')
    await putBackShipment(its.database, before, 'test', next)
    expect(await holders()).to.deep.equal([{ claimed_by: 'test' }])
    await putBackShipment(its.database, current, 'test', next)
    expect(await holders()).to.deep.equal([{ claimed_by: null }])
  })

  it('killed at random moments, ships each package once and says so once', async function () {
    this.timeout(60_000)
    const seed = Number(process.env['TRIBUTARY_TEST_SEED'] ?? randomInt(2 ** 31))
    const random = fc.sample(fc.double({ min: 0, max: 1, noNaN: true }), { seed, numRuns: 100 }).values()
    const fraction = () => random.next().value ?? 0
    const asked: { orderId: string; shipmentId: string }[] = []
    try {
      for (let kill = 0; kill < 3; kill++) {
        const child = await children.start({ worker: 1 + kill })
        for (let made = 0; made < 10; made++) {
          const { orderId } = addOrder()
          asked.push({ orderId, shipmentId: await request(orderId, `1Z${asked.length}`) })
          await pause(fraction() * 40)
        }
        await child.kill()
      }
      await its.run()
      for (const { shipmentId } of asked) await reaches(shipmentId, 'confirmed')
      for (const { orderId, shipmentId } of asked) {
        expect(parcels(orderId), `parcels of ${orderId}`).to.have.length(1)
        expect(await outcomes(shipmentId), `outcomes of ${shipmentId}`).to.have.length(1)
        expect(await shipmentsOf(its.database, { channel: EBAY, sellerId: seller, orderId })).to.have.length(1)
      }
    } catch (error) {
      throw new Error(`With TRIBUTARY_TEST_SEED=${seed}`, { cause: error })
    }
  })
})
