import { expect } from 'chai'
import type { Shipment } from '../port.ts'
import { failureOf } from '../testing/failure-of.ts'
import { createLazada } from './lazada.ts'
import { createStage, type Stage } from './testing/stage.ts'

describe('Lazada', () => {
  let stage: Stage
  beforeEach(async () => {
    stage = await createStage()
  })
  afterEach(() => stage.simulator.close())

  const all = async () => {
    const window = { from: Date.now() - 60_000, to: Date.now() }
    const ids: string[] = []
    let page: string | null = null
    do {
      const result = await stage.lazada.listOrders(stage.session, window, page, stage.signal)
      ids.push(...result.orders.map(({ orderId }) => orderId))
      page = result.nextPage
    } while (page !== null)
    return ids
  }
  const add = () => stage.simulator.market.addOrder(stage.sellerId)
  const parcel = (orderId: string, lines: string[] = []): Shipment => ({
    orderId,
    lines: lines.map((lineItemId) => ({ lineItemId, quantity: 1 })),
    carrier: '',
    trackingNumber: '',
    shippedTime: Date.now(),
  })
  const ship = (shipment: Shipment) => stage.lazada.ship(stage.session, shipment, stage.signal)
  const exchange = (code: string) => stage.lazada.exchangeCode(stage.app, { code, query: new URLSearchParams() }, stage.signal)

  it('turns a consent into a grant for each country, and names the day on which it ends', async () => {
    const other = stage.simulator.market.addStore('sg')
    const code = stage.simulator.market.issueCode([stage.sellerId, other.sellerId])
    const grants = await exchange(code)
    expect(grants.map(({ sellerId, region }) => [sellerId, region])).to.deep.equal([
      [stage.sellerId, 'th'],
      [other.sellerId, 'sg'],
    ])
    expect(grants[0]?.refreshTokenExpiresTime).to.be.closeTo(Date.now() + 4_320_000_000, 5_000)
    expect(grants[0]?.access.expiresTime).to.be.closeTo(Date.now() + 864_000_000, 5_000)
    expect(await failureOf(exchange(code))).to.include({ code: 'CHANNEL_GRANT_REVOKED', remedy: 'reauthorize' })
  })

  it('refreshes to a new pair, and a used refresh token needs a new consent', async () => {
    const token = stage.simulator.market.issueRefreshToken([stage.sellerId])
    const { access, rotated } = await stage.lazada.refresh(stage.app, token, stage.signal)
    expect(access.token).to.match(/^50000/)
    expect(rotated?.refreshToken).to.match(/^50001/)
    expect(await failureOf(stage.lazada.refresh(stage.app, token, stage.signal))).to.include({ code: 'CHANNEL_GRANT_REVOKED' })
    const wrong = { ...stage.app, clientSecret: 'wrong' }
    expect(await failureOf(stage.lazada.refresh(wrong, token, stage.signal))).to.include({ code: 'CHANNEL_APP_REFUSED' })
  })

  it('lists every order of a window with its lines, and reads one as it was listed', async () => {
    const orders = Array.from({ length: 120 }, add)
    const elsewhere = stage.simulator.market.addOrder(stage.simulator.market.addStore().sellerId)
    expect(await all()).to.have.members(orders.map(({ order }) => order.order_id))
    const [first] = orders
    if (!first) throw new Error('no order')
    const order = await stage.lazada.getOrder(stage.session, first.order.order_id, stage.signal)
    expect(order.orderId).to.equal(first.order.order_id)
    expect(order.order.lines.map(({ lineItemId }) => lineItemId)).to.deep.equal(first.lines.map((line) => line.order_item_id))
    expect(order.order).to.include({ status: 'AWAITING_SHIPMENT', paymentStatus: 'PAID', sellerName: stage.sellerId })
    expect(order.personal.receiver).to.include({ countryCode: 'TH', postalCode: '10500', addressLine1: '1 Sample Road' })
    expect(order.personal.receiver).not.to.have.property('name')
    expect(order.personal.buyer).not.to.have.any.keys('name', 'phone')
    expect(order.problems).to.deep.equal([])
    expect(await failureOf(stage.lazada.getOrder(stage.session, elsewhere.order.order_id, stage.signal))).to.include({
      code: 'CHANNEL_ORDER_UNKNOWN',
      retriable: true,
    })
  })

  it('reads again what slid over the edge of a page when an order left the window meanwhile', async () => {
    const orders = Array.from({ length: 60 }, add)
    const window = { from: Date.now() - 60_000, to: Date.now() }
    const list = (page: string | null) => stage.lazada.listOrders(stage.session, window, page, stage.signal)
    const first = await list(null)
    const [changed] = orders
    if (changed) changed.updated = Date.now() + 60_000
    const seen = first.orders.map(({ orderId }) => orderId)
    for (let page = first.nextPage; page !== null; ) {
      const next = await list(page)
      seen.push(...next.orders.map(({ orderId }) => orderId))
      page = next.nextPage
    }
    expect(seen).to.include.members(orders.map(({ order }) => order.order_id))
  })

  it('asks again for the lines of an order that were left out among those of others', async () => {
    add()
    const passedOver = add()
    passedOver.isPassedOver = true
    const window = { from: Date.now() - 60_000, to: Date.now() + 1_000 }
    const { orders } = await stage.lazada.listOrders(stage.session, window, null, stage.signal)
    const found = orders.find(({ orderId }) => orderId === passedOver.order.order_id)
    expect(found?.order).to.include({ status: 'AWAITING_SHIPMENT', linesComplete: true })
    expect(found?.problems).to.deep.equal([])
    expect(stage.simulator.calls.filter((call) => call === 'items')).to.have.length(2)
    stage.simulator.fail({ operation: 'items', kind: 'code', code: '16', after: 1 })
    const again = await stage.lazada.listOrders(stage.session, window, null, stage.signal)
    expect(again.orders, 'one that Lazada does not know all the same holds up no other').to.have.length(2)
  })

  it('keeps ids beyond 2^53 whole, though they come as numbers', async () => {
    const { order } = stage.simulator.market.addOrder(stage.sellerId, { order_id: '9007199254740993' })
    expect(order.order_id).to.equal('9007199254740993')
    const entry = [...stage.simulator.market.orders.values()][0]
    if (!entry) throw new Error('no order')
    stage.simulator.market.orders.set(`${stage.sellerId}:9007199254740993`, entry)
    expect((await stage.lazada.getOrder(stage.session, '9007199254740993', stage.signal)).orderId).to.equal('9007199254740993')
  })

  it('goes on from the time of the last order where Lazada answers no larger offset', async () => {
    const start = Date.now() - 50_000
    for (let count = 0; count < 5_200; count += 1) {
      const entry = add()
      entry.updated = start + Math.floor(count / 200) * 1_000
      entry.order.updated_at = new Date(entry.updated).toISOString().replace('Z', '+00:00')
    }
    const ids = await all()
    expect(new Set(ids).size).to.equal(5_200)
  }).timeout(30_000)

  it('gives a grant that ends with its access token where nothing can be refreshed, and takes it for ended then', async () => {
    stage.simulator.refreshes = false
    const code = stage.simulator.market.issueCode([stage.sellerId])
    const [grant] = await stage.lazada.exchangeCode(stage.app, { code, query: new URLSearchParams() }, stage.signal)
    expect(grant?.refreshTokenExpiresTime).to.equal(grant?.access.expiresTime)
    for (const refreshToken of ['', 'any'])
      expect(await failureOf(stage.lazada.refresh(stage.app, refreshToken, stage.signal)), refreshToken).to.include({
        code: 'CHANNEL_GRANT_REVOKED',
        remedy: 'reauthorize',
      })
  })

  it('calls once more with another token when the first has ended', async () => {
    const { order } = add()
    stage.simulator.market.accessTokens.clear()
    expect((await stage.lazada.getOrder(stage.session, order.order_id, stage.signal)).orderId).to.equal(order.order_id)
  })

  it('classes what went wrong by what helps', async () => {
    const { order } = add()
    const table = [
      [{ kind: 'code', code: 'ApiCallLimit' }, 'CHANNEL_RATE_LIMITED', 'retry'],
      [{ kind: 'code', code: 'ServiceTimeout' }, 'CHANNEL_UNAVAILABLE', 'retry'],
      [{ kind: 'code', code: 'AnyThing', type: 'SYSTEM' }, 'CHANNEL_UNAVAILABLE', 'retry'],
      [{ kind: 'status', status: 503 }, 'CHANNEL_UNAVAILABLE', 'retry'],
      [{ kind: 'code', code: 'SellerNotVerified' }, 'CHANNEL_APP_REFUSED', 'person'],
      [{ kind: 'code', code: 'MissingParameter' }, 'CHANNEL_REQUEST_REFUSED', 'bug'],
      [{ kind: 'half' }, 'CHANNEL_UNAVAILABLE', 'retry'],
      [{ kind: 'hang' }, 'CHANNEL_UNAVAILABLE', 'retry'],
    ] as const
    for (const [fault, code, remedy] of table) {
      stage.simulator.fail({ operation: 'order', ...fault })
      const lazada = fault.kind === 'hang' ? stage.impatient : stage.lazada
      const failure = await failureOf(lazada.getOrder(stage.session, order.order_id, stage.signal))
      expect(failure, JSON.stringify(fault)).to.include({ code, remedy })
    }
  })

  it('packs and readies once, however often it is asked to, and tells what Lazada chose', async () => {
    const { order } = add()
    const first = await ship(parcel(order.order_id))
    expect(first).to.deep.include({ kind: 'confirmed', existing: false, carrier: 'Flash Express' })
    expect(await ship(parcel(order.order_id))).to.deep.equal({ ...first, existing: true })
    expect(stage.simulator.calls.filter((call) => call === 'pack')).to.have.length(1)
    expect(stage.simulator.calls.filter((call) => call === 'ready')).to.have.length(1)
    expect(stage.simulator.shipments(order.order_id)).to.have.length(1)
  })

  it('packs as the order travels, within the country or across borders, and with the carrier that was asked for if it may', async () => {
    const abroad = add()
    abroad.allocation = 'NTFS'
    expect(await ship(parcel(abroad.order.order_id))).to.deep.include({ kind: 'confirmed', carrier: 'Flash Express' })
    const table = [
      ['Kerry Express', 'Kerry Express'],
      ['fm51', 'Kerry Express'],
      ['Pigeon', 'Flash Express'],
    ] as const
    for (const [carrier, chosen] of table)
      expect(await ship({ ...parcel(add().order.order_id), carrier }), carrier).to.deep.include({
        kind: 'confirmed',
        carrier: chosen,
      })
    const { order } = add()
    stage.simulator.fail({ operation: 'providers', kind: 'code', code: 'ApiCallLimit' })
    expect(await failureOf(ship(parcel(order.order_id)))).to.include({ code: 'CHANNEL_RATE_LIMITED' })
    expect(await ship(parcel(order.order_id))).to.include({ kind: 'confirmed' })
  })

  it('goes on where a lost answer left it', async () => {
    for (const operation of ['pack', 'ready'] as const) {
      const { order } = add()
      stage.simulator.fail({ operation, kind: 'lost' })
      expect(await failureOf(ship(parcel(order.order_id)))).to.include({ code: 'CHANNEL_UNAVAILABLE', retriable: true })
      expect(await ship(parcel(order.order_id))).to.deep.include({ kind: 'confirmed' })
    }
    expect(stage.simulator.calls.filter((call) => call === 'pack')).to.have.length(2)
    expect(stage.simulator.calls.filter((call) => call === 'ready')).to.have.length(2)
  })

  it('does not take what is packed and not shown yet for refused', async () => {
    for (const readings of [1, 2]) {
      const entry = add()
      entry.late = { readings, lines: [] }
      expect(await failureOf(ship(parcel(entry.order.order_id)))).to.include({ code: 'CHANNEL_UNAVAILABLE', retriable: true })
      expect(await ship(parcel(entry.order.order_id)), `${readings} readings`).to.include({ kind: 'confirmed' })
      expect(new Set(entry.lines.map(({ status }) => status))).to.deep.equal(new Set(['ready_to_ship']))
    }
  })

  it('ships nothing when one line of the parcel is unknown or cancelled', async () => {
    const { order, lines } = add()
    const [line] = lines
    if (!line) throw new Error('no line')
    expect(await ship(parcel(order.order_id, [line.order_item_id, '1']))).to.include({ code: 'LINES_UNKNOWN' })
    const other = { ...line, order_item_id: '961', status: 'canceled' }
    lines.push(other)
    expect(await ship(parcel(order.order_id, [line.order_item_id, '961']))).to.include({ code: 'NOT_SHIPPABLE' })
    expect(line.status).to.equal('pending')
  })

  it('asks nobody in the name of a store whose country has no address, and says what to do', async () => {
    const { apiUrl: _, ...urls } = stage.simulator.urls
    const lazada = createLazada({ urls, apps: async () => [stage.app], budget: { take: async () => {} } })
    const failure = await failureOf(lazada.getOrder({ ...stage.session, region: 'xx' }, '1', stage.signal))
    expect(failure).to.include({ remedy: 'person' }).and.have.property('message').that.includes('qifu.eg.lazada.api-url')
  })

  it('says no with a reason to lines that cannot be shipped', async () => {
    const entry = stage.simulator.market.addOrder(stage.sellerId, {}, 'unpaid')
    expect(await ship(parcel(entry.order.order_id))).to.deep.include({ kind: 'refused', code: 'NOT_SHIPPABLE' })
    expect(await ship(parcel(entry.order.order_id, ['1']))).to.deep.include({ kind: 'refused', code: 'LINES_UNKNOWN' })
    expect(await ship(parcel('12;drop'))).to.deep.include({ kind: 'refused', code: 'ID_MALFORMED' })
  })
})
