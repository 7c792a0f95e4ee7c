import type { AmazonOrder } from '@tributary/test/simulators/amazon'
import { expect } from 'chai'
import type { Channel, Shipment } from '../port.ts'
import { failureOf } from '../testing/failure-of.ts'
import { createAmazon } from './amazon.ts'
import { createStage, type Stage } from './testing/stage.ts'

const HOUR = 3_600_000

describe('Orders of Amazon', () => {
  let stage: Stage
  beforeEach(async () => {
    stage = await createStage()
  })
  afterEach(() => stage.simulator.close())

  const add = (change: Partial<AmazonOrder> = {}) => stage.simulator.market.addOrder(stage.sellerId, change)
  const get = (orderId: string, amazon: Channel = stage.amazon) => amazon.getOrder(stage.session, orderId, stage.signal)
  const all = async (window: { from: number; to: number }) => {
    const ids: string[] = []
    let page: string | null = null
    do {
      const result = await stage.amazon.listOrders(stage.session, window, page, stage.signal)
      ids.push(...result.orders.map(({ orderId }) => orderId))
      page = result.nextPage
    } while (page !== null)
    return ids
  }

  it('are listed to the last page, of this seller only, and only those of the window', async () => {
    const ids = Array.from({ length: 230 }, () => add().orderId)
    stage.simulator.market.addOrder(stage.simulator.market.addAccount().sellerId)
    add({ lastUpdatedTime: new Date(Date.now() - 3 * HOUR).toISOString() })
    expect(await all({ from: Date.now() - HOUR, to: Date.now() })).to.have.members(ids)
    expect(stage.simulator.calls.filter((call) => call === 'search')).to.have.length(3)
    // A window that ends where Amazon's own lag begins says where.
    expect(await all({ from: Date.now() - HOUR, to: Date.now() - 125_000 })).to.have.members(ids)
    expect(await all({ from: Date.now() - HOUR, to: Date.now() - 200_000 })).to.deep.equal([])
    expect(stage.amazon.lag).to.equal(120_000)
  })

  it('are read with the people that the roles allow, whether they are left out or refused', async () => {
    const { orderId } = add()
    const given = await get(orderId)
    expect(given.personal.receiver).to.include({ addressLine1: '1 Sample Street', countryCode: 'DE' })
    expect(given.problems).to.deep.equal([])
    for (const people of ['left-out', 'refused'] as const) {
      stage.simulator.people = people
      const order = await get(orderId)
      expect(order.personal.receiver, people).to.deep.equal({})
      expect(order.problems[0]?.field, people).to.match(/^recipient/)
      expect(order.order.digest).to.equal(given.order.digest)
    }
    // What was refused once is not asked for again for a while, also in a list.
    const before = stage.simulator.calls.length
    await get(orderId)
    await all({ from: Date.now() - HOUR, to: Date.now() })
    expect(stage.simulator.calls.length - before).to.equal(2)
  })

  it('are read with the people of one seller though the consent of another does not cover them', async () => {
    const { orderId } = add()
    const { sellerId, region } = stage.simulator.market.addAccount()
    const token = stage.simulator.market.issueAccessToken(sellerId)
    const session = { ...stage.session, sellerId, region, token: async () => token }
    const theirs = stage.simulator.market.addOrder(sellerId)
    stage.simulator.people = 'refused'
    expect((await get(orderId)).personal.receiver).to.deep.equal({})
    stage.simulator.people = 'given'
    const order = await stage.amazon.getOrder(session, theirs.orderId, stage.signal)
    expect(order.personal.receiver).to.include({ addressLine1: '1 Sample Street' })
  })

  it('are asked for once more with another token when the first has ended', async () => {
    const { orderId } = add()
    for (const token of stage.simulator.market.accessTokens.values()) token.expires = 0
    expect((await get(orderId)).orderId).to.equal(orderId)
    expect(stage.rejected).to.have.length(1)
  })

  it('are unknown when Amazon has none, also when a hint names what can be no order of its', async () => {
    expect(await failureOf(get('999-9999999-9999999'))).to.include({ code: 'CHANNEL_ORDER_UNKNOWN', remedy: 'retry' })
    for (const orderId of ['', '1', '../v0/orders', '202-1234567-8901234/items'])
      expect(await failureOf(get(orderId)), orderId).to.include({ code: 'CHANNEL_ORDER_UNKNOWN', remedy: 'bug' })
    expect(stage.simulator.calls.filter((call) => call === 'order')).to.have.length(1)
  })

  it('class what went wrong by what helps', async () => {
    const { orderId } = add()
    const table = [
      [{ kind: 'code', code: 'QuotaExceeded', status: 429 }, 'CHANNEL_BUDGET_SPENT', 'retry'],
      [{ kind: 'code', code: 'InternalFailure', status: 500 }, 'CHANNEL_UNAVAILABLE', 'retry'],
      [{ kind: 'status', status: 503 }, 'CHANNEL_UNAVAILABLE', 'retry'],
      [{ kind: 'code', code: 'InvalidInput', status: 400 }, 'CHANNEL_REQUEST_REFUSED', 'bug'],
      [{ kind: 'code', code: 'Unauthorized', status: 403, message: 'denied', times: 2 }, 'CHANNEL_SCOPE_MISSING', 'person'],
      [
        { kind: 'code', code: 'Unauthorized', status: 403, message: 'The access token has expired', times: 2 },
        'CHANNEL_UNAVAILABLE',
        'retry',
      ],
      [{ kind: 'half' }, 'CHANNEL_UNAVAILABLE', 'retry'],
      [{ kind: 'hang' }, 'CHANNEL_UNAVAILABLE', 'retry'],
    ] as const
    for (const [fault, code, remedy] of table) {
      stage.simulator.heal()
      stage.simulator.fail({ operation: 'order', ...fault })
      const failure = await failureOf(get(orderId, stage.other(fault.kind === 'hang' ? { timeout: 500 } : {})))
      expect(failure, JSON.stringify(fault)).to.include({ code, remedy })
    }
  })

  it('name the request in what went wrong, because Amazon asks for it, and what it said, but not the token', async () => {
    const { orderId } = add()
    stage.simulator.fail({ operation: 'order', kind: 'code', code: 'InvalidInput', status: 400, message: 'no such data set' })
    const { message } = (await failureOf(get(orderId))) as Error
    expect(message).to.match(/^Amazon answered 400 to getOrder \(request simulated-1\): InvalidInput no such data set$/)
  })

  it('stop for the seller whose calls are used up, and for nobody else', async () => {
    const { orderId } = add()
    stage.simulator.fail({ operation: 'search', kind: 'code', code: 'QuotaExceeded', status: 429 })
    const window = { from: Date.now() - HOUR, to: Date.now() }
    const first = await failureOf(stage.amazon.listOrders(stage.session, window, null, stage.signal))
    expect(first).to.include({ code: 'CHANNEL_BUDGET_SPENT' }).and.have.property('retryAfter').that.is.above(170_000)
    const calls = stage.simulator.calls.length
    expect(await failureOf(stage.amazon.listOrders(stage.session, window, null, stage.signal))).to.include({
      code: 'CHANNEL_BUDGET_SPENT',
    })
    expect(stage.simulator.calls).to.have.length(calls)
    expect((await get(orderId)).orderId).to.equal(orderId)
  })

  it('of a region without an address are asked of nobody, and it says what to do', async () => {
    const amazon = createAmazon({ urls: { tokenUrl: '', apiUrls: {} }, budget: { take: async () => {} } })
    const failure = await failureOf(get('202-1234567-8901234', amazon))
    expect(failure).to.include({ remedy: 'person' }).and.have.property('message').that.includes('qifu.eg.amazon.api-url')
  })
})

describe('Announcing a shipment to Amazon', () => {
  let stage: Stage
  beforeEach(async () => {
    stage = await createStage()
  })
  afterEach(() => stage.simulator.close())

  const twoLines = () => {
    const order = stage.simulator.market.addOrder(stage.sellerId)
    const [line] = order.orderItems
    if (!line) throw new Error('no line')
    const unshipped = { quantityFulfilled: 0, quantityUnfulfilled: 2 }
    order.orderItems = [
      { ...line, orderItemId: '11', quantityOrdered: 2, fulfillment: unshipped },
      { ...line, orderItemId: '22', quantityOrdered: 1, fulfillment: { ...unshipped, quantityUnfulfilled: 1 } },
    ]
    return order
  }
  const parcel = (orderId: string, change: Partial<Shipment> = {}): Shipment => ({
    orderId,
    lines: [],
    carrier: 'DHL',
    trackingNumber: '00340434161094000001',
    shippedTime: Date.now(),
    ...change,
  })
  const ship = (shipment: Shipment, amazon = stage.amazon) => amazon.ship(stage.session, shipment, stage.signal)
  const confirmations = () => stage.simulator.calls.filter((call) => call === 'confirm').length

  it('makes one package, however often it is called, and says when it was there', async () => {
    const order = twoLines()
    const first = await ship(parcel(order.orderId))
    expect(first).to.deep.include({ kind: 'confirmed', existing: false })
    expect(await ship(parcel(order.orderId, { trackingNumber: '0034 0434-161094000001' }))).to.deep.equal({
      ...first,
      existing: true,
    })
    expect(confirmations()).to.equal(1)
    expect(order.packages.map(({ packageItems }) => packageItems)).to.deep.equal([
      [
        { orderItemId: '11', quantity: 2 },
        { orderItemId: '22', quantity: 1 },
      ],
    ])
    expect(order.fulfillment.fulfillmentStatus).to.equal('SHIPPED')
  })

  it('is the same package on a try whose answer was lost, also when the order does not show it yet', async () => {
    const order = twoLines()
    stage.simulator.fail({ operation: 'confirm', kind: 'lost' })
    expect(await ship(parcel(order.orderId))).to.deep.include({ kind: 'confirmed', existing: false })
    expect(confirmations()).to.equal(1)
    const late = twoLines()
    stage.simulator.fail({ operation: 'confirm', kind: 'hang' })
    const unanswered = ship(parcel(late.orderId), stage.other({ timeout: 500 }))
    expect(await failureOf(unanswered)).to.include({ code: 'CHANNEL_UNAVAILABLE', retriable: true })
    const reference = async () => {
      const outcome = await ship(parcel(late.orderId))
      return outcome.kind === 'confirmed' ? outcome.fulfillmentId : outcome.code
    }
    const first = await reference()
    // Amazon's view of an order is about two minutes old: the package is there, and is not shown.
    const shown = late.packages.splice(0)
    Object.assign(late.fulfillment, { fulfillmentStatus: 'UNSHIPPED' })
    expect(await reference()).to.equal(first)
    expect(shown.map(({ packageReferenceId }) => packageReferenceId)).to.deep.equal([first])
  })

  it('announces the units that it names, others under the same number, and then the rest, and overwrites none of them', async () => {
    const order = twoLines()
    const [first, second] = ['11', '22'].map((lineItemId) => parcel(order.orderId, { lines: [{ lineItemId, quantity: 1 }] }))
    if (!first || !second) throw new Error('no parcels')
    expect(await ship(first)).to.include({ existing: false })
    expect(order.fulfillment.fulfillmentStatus).to.equal('PARTIALLY_SHIPPED')
    expect(await ship(second)).to.include({ existing: false })
    expect([await ship(first), await ship(second)].map((outcome) => 'existing' in outcome && outcome.existing)).to.deep.equal([
      true,
      true,
    ])
    expect(await ship(parcel(order.orderId, { trackingNumber: 'REST' }))).to.include({ kind: 'confirmed', existing: false })
    expect(order.packages.flatMap(({ packageItems }) => packageItems)).to.deep.equal([
      { orderItemId: '11', quantity: 1 },
      { orderItemId: '22', quantity: 1 },
      { orderItemId: '11', quantity: 1 },
    ])
    expect(new Set(order.packages.map(({ packageReferenceId }) => packageReferenceId))).to.have.property('size', 3)
    expect(order.fulfillment.fulfillmentStatus).to.equal('SHIPPED')
  })

  it('writes a carrier that Amazon has no code for by its name', async () => {
    const order = twoLines()
    await ship(parcel(order.orderId, { carrier: 'Other: Pigeon Post' }))
    expect(order.packages[0]?.carrier).to.equal('Pigeon Post')
  })

  it('says no with a reason: what Amazon sends itself, what is not open, lines of nobody, too many units, nothing to ship with', async () => {
    const order = twoLines()
    const refusals: [Partial<Shipment>, string][] = [
      [{ carrier: ' ' }, 'SHIPMENT_INCOMPLETE'],
      [{ trackingNumber: '--' }, 'SHIPMENT_INCOMPLETE'],
      [{ lines: [{ lineItemId: '33', quantity: 1 }] }, 'LINES_UNKNOWN'],
      [{ lines: [{ lineItemId: '11', quantity: 3 }] }, 'InvalidInput'],
    ]
    for (const [change, code] of refusals)
      expect(await ship(parcel(order.orderId, change))).to.include({ kind: 'refused', code })
    for (const fulfillmentStatus of ['PENDING', 'CANCELLED', 'UNFULFILLABLE', 'SHIPPED', 'NEW_STATE']) {
      Object.assign(order.fulfillment, { fulfillmentStatus })
      expect(await ship(parcel(order.orderId)), fulfillmentStatus).to.include({ kind: 'refused', code: 'NOT_SHIPPABLE' })
    }
    Object.assign(order.fulfillment, { fulfillmentStatus: 'UNSHIPPED', fulfilledBy: 'AMAZON' })
    expect(await ship(parcel(order.orderId))).to.include({ kind: 'refused', code: 'NOT_SHIPPABLE' })
    expect(confirmations()).to.equal(1)
    expect(order.packages).to.deep.equal([])
  })
})
