import type { EbayOrder, Fault } from '@tributary/test/simulators/ebay'
import { expect } from 'chai'
import type { Shipment } from '../port.ts'
import { failureOf } from '../testing/failure-of.ts'
import { createStage, type Stage } from './testing/stage.ts'

describe('Announcing a shipment to eBay', () => {
  let stage: Stage
  let order: EbayOrder

  beforeEach(async () => {
    stage = await createStage()
    const lineItems = ['10080000000001', '10080000000002'].map((lineItemId) => ({
      lineItemId,
      legacyItemId: '280000000001',
      title: 'Example',
      quantity: 2,
      lineItemCost: { value: '1.0', currency: 'USD' },
      total: { value: '1.0', currency: 'USD' },
      lineItemFulfillmentStatus: 'NOT_STARTED',
      refunds: [],
    }))
    order = stage.simulator.market.addOrder(stage.seller.userId, { lineItems })
  })

  afterEach(async () => {
    await stage.simulator.close()
  })

  const shipment = (change: Partial<Shipment> = {}): Shipment => ({
    orderId: order.orderId,
    lines: order.lineItems.map(({ lineItemId, quantity }) => ({ lineItemId, quantity })),
    carrier: 'UPS',
    trackingNumber: '1Z 0000-0001',
    shippedTime: stage.time.now - 1000,
    ...change,
  })
  const ship = async (change: Partial<Shipment> = {}, ebay = stage.ebay) =>
    await ebay.ship(stage.session, shipment(change), stage.signal)
  const parcels = () => stage.simulator.market.orders.get(order.orderId)?.fulfillments ?? []

  it('writes it once, with the tracking number reduced to letters and digits', async () => {
    expect(await ship()).to.deep.equal({ kind: 'confirmed', fulfillmentId: '1Z00000001', existing: false })
    expect(parcels()).to.deep.equal([
      {
        fulfillmentId: '1Z00000001',
        shipmentTrackingNumber: '1Z00000001',
        shippingCarrierCode: 'UPS',
        shippedDate: new Date(stage.time.now - 1000).toISOString(),
        lineItems: [
          { lineItemId: '10080000000001', quantity: 2 },
          { lineItemId: '10080000000002', quantity: 2 },
        ],
      },
    ])
    expect(stage.simulator.market.orders.get(order.orderId)?.order.orderFulfillmentStatus).to.equal('FULFILLED')
  })

  it('writes nothing when eBay already has the parcel, however its number is spelt', async () => {
    await ship()
    for (const trackingNumber of ['1Z00000001', '1z 00000001', '1Z-0000-0001'])
      expect(await ship({ trackingNumber })).to.deep.equal({ kind: 'confirmed', fulfillmentId: '1Z00000001', existing: true })
    expect(parcels()).to.have.length(1)
  })

  it('does not mind capitals in a tracking number', async () => {
    await ship({ trackingNumber: 'abc1' })
    expect(await ship({ trackingNumber: 'ABC1' })).to.deep.equal({ kind: 'confirmed', fulfillmentId: 'abc1', existing: true })
  })

  it('writes another parcel of the same order, and only the lines a parcel lacks', async () => {
    const [first, second] = shipment().lines
    if (!first || !second) throw new Error('the order has two lines')
    await ship({ lines: [first] })
    await ship({ lines: [{ ...first, quantity: 1 }], trackingNumber: 'OTHER1' })
    await ship({ lines: [first, second] })
    expect(
      parcels().map(({ shipmentTrackingNumber, lineItems }) => [
        shipmentTrackingNumber,
        lineItems.map((line) => line.lineItemId),
      ]),
    ).to.deep.equal([
      ['1Z00000001', ['10080000000001']],
      ['OTHER1', ['10080000000001']],
      ['1Z00000001', ['10080000000002']],
    ])
  })

  const DOUBTS: [string, Fault][] = [
    ['a time-out', { operation: 'createShippingFulfillment', kind: 'hang', when: 'after' }],
    ['a reset', { operation: 'createShippingFulfillment', kind: 'reset', when: 'after' }],
    ['500', { operation: 'createShippingFulfillment', kind: 'status', status: 500, when: 'after' }],
    ['409', { operation: 'createShippingFulfillment', kind: 'status', status: 409, when: 'after' }],
    ['201 without a Location', { operation: 'createShippingFulfillment', kind: 'status', status: 201, when: 'after' }],
  ]
  const channelFor = ({ kind }: Fault) => (kind === 'hang' ? stage.impatient : stage.ebay)
  for (const [name, fault] of DOUBTS) {
    it(`finds a write that arrived although the answer was ${name}`, async () => {
      stage.simulator.fail(fault)
      expect(await ship({}, channelFor(fault))).to.deep.equal({
        kind: 'confirmed',
        fulfillmentId: '1Z00000001',
        existing: false,
      })
      expect(await ship()).to.include({ existing: true })
      expect(parcels()).to.have.length(1)
    })

    it(`fails for now when the write did not arrive and the answer was ${name}, and the same call works later`, async () => {
      stage.simulator.fail({ ...fault, when: 'before' })
      expect(await failureOf(ship({}, channelFor(fault)))).to.include({ code: 'CHANNEL_UNAVAILABLE', remedy: 'retry' })
      expect(parcels()).to.have.length(0)
      expect(await ship()).to.include({ kind: 'confirmed', existing: false })
      expect(parcels()).to.have.length(1)
    })
  }

  it('writes nothing when it can not look first', async () => {
    stage.simulator.fail({ operation: 'getShippingFulfillments', kind: 'status', status: 503 })
    expect(await failureOf(ship())).to.include({ code: 'CHANNEL_UNAVAILABLE', remedy: 'retry' })
    expect(stage.simulator.count('createShippingFulfillment')).to.equal(0)
  })

  it('waits when eBay says so', async () => {
    stage.simulator.fail({ operation: 'createShippingFulfillment', kind: 'rate-limited', retryAfter: '3' })
    expect(await failureOf(ship())).to.include({ code: 'CHANNEL_RATE_LIMITED', retryAfter: 3000 })
  })

  it("hands on eBay's reason for a refusal", async () => {
    const strange = await ship({ lines: [{ lineItemId: '1', quantity: 1 }] })
    expect(strange).to.deep.equal({ kind: 'refused', code: '32200', detail: 'Invalid line item id: 1' })
    const tomorrow = await ship({ shippedTime: stage.time.now + 86_400_000 })
    expect(tomorrow).to.deep.equal({ kind: 'refused', code: '32500', detail: 'Invalid shipped date' })
    const unknown = await ship({ orderId: '12-00000-00000' })
    expect(unknown).to.include({ kind: 'refused', code: '32100' })
    expect(parcels()).to.have.length(0)
  })

  it('refuses itself what has no carrier or no usable number', async () => {
    for (const change of [{ carrier: '' }, { trackingNumber: '' }, { trackingNumber: ' -- ' }])
      expect(await ship(change)).to.include({ kind: 'refused', code: 'SHIPMENT_INCOMPLETE' })
    expect(stage.simulator.requests).to.deep.equal([])
  })

  it('gets another token for a write whose token died, and writes once', async () => {
    stage.simulator.fail({ operation: 'createShippingFulfillment', kind: 'status', status: 401 })
    expect(await ship()).to.include({ kind: 'confirmed', existing: false })
    expect(parcels()).to.have.length(1)
    expect(stage.taken).to.deep.equal(['token', 'order', 'order', 'token', 'order'])
  })

  it('takes a parcel that reads back without lines for the whole', async () => {
    const body = '{"total":1,"fulfillments":[{"fulfillmentId":"7","shipmentTrackingNumber":"1Z00000001"}]}'
    stage.simulator.fail({ operation: 'getShippingFulfillments', kind: 'status', status: 200, body })
    expect(await ship()).to.deep.equal({ kind: 'confirmed', fulfillmentId: '7', existing: true })
  })
})
