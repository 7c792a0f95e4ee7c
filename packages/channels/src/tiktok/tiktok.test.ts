import { expect } from 'chai'
import type { Shipment } from '../port.ts'
import { failureOf } from '../testing/failure-of.ts'
import { createStage, type Stage } from './testing/stage.ts'

describe('TikTok Shop', () => {
  let stage: Stage
  beforeEach(async () => {
    stage = await createStage()
  })
  afterEach(() => stage.simulator.close())

  const all = async () => {
    const window = { from: Date.now() - 60_000, to: Date.now() + 1_000 }
    const ids: string[] = []
    let page: string | null = null
    do {
      const result = await stage.tiktok.listOrders(stage.session, window, page, stage.signal)
      ids.push(...result.orders.map(({ orderId }) => orderId))
      page = result.nextPage
    } while (page !== null)
    return ids
  }
  const parcel = (orderId: string, change: Partial<Shipment> = {}): Shipment => ({
    orderId,
    lines: [],
    carrier: 'ups',
    trackingNumber: '1Z999',
    shippedTime: Date.now(),
    ...change,
  })
  const ship = (shipment: Shipment) => stage.tiktok.ship(stage.session, shipment, stage.signal)

  it('sends a seller to the consent page of our service', () => {
    const url = new URL(stage.tiktok.authorizeUrl(stage.app, { state: 'a b' }))
    expect(Object.fromEntries(url.searchParams)).to.deep.equal({
      service_id: stage.simulator.credentials.serviceId,
      state: 'a b',
    })
  })

  it('turns a consent into a grant for each of its shops, with the moments that TikTok names', async () => {
    const other = stage.simulator.market.addShop('GB')
    const code = stage.simulator.market.issueCode([stage.shopId, other.id])
    const grants = await stage.tiktok.exchangeCode(stage.app, { code, query: new URLSearchParams() }, stage.signal)
    expect(grants.map(({ sellerId, region }) => [sellerId, region])).to.deep.equal([
      [stage.shopId, 'US'],
      [other.id, 'GB'],
    ])
    expect(new Set(grants.map(({ refreshToken }) => refreshToken)).size).to.equal(1)
    const [grant] = grants
    expect(grant?.access.expiresTime).to.be.closeTo(Date.now() + 7 * 86_400_000, 5_000)
    expect(grant?.refreshTokenExpiresTime).to.be.closeTo(Date.now() + 365 * 86_400_000, 5_000)
    expect(grant?.refreshTokenExpiresIn).to.be.closeTo(365 * 86_400, 5)
    expect(
      await failureOf(stage.tiktok.exchangeCode(stage.app, { code, query: new URLSearchParams() }, stage.signal)),
    ).to.include({
      code: 'CHANNEL_GRANT_REVOKED',
    })
  })

  it('refreshes, and tells when the refresh token was replaced', async () => {
    const token = stage.simulator.market.issueRefreshToken([stage.shopId])
    expect(await stage.tiktok.refresh(stage.app, token, stage.signal)).to.have.all.keys('access')
    stage.simulator.rotates = true
    const { rotated } = await stage.tiktok.refresh(stage.app, token, stage.signal)
    expect(rotated?.refreshToken).to.be.a('string').and.not.equal(token)
    expect(await failureOf(stage.tiktok.refresh(stage.app, token, stage.signal))).to.include({ remedy: 'reauthorize' })
    const wrong = { ...stage.app, clientSecret: 'wrong' }
    expect(await failureOf(stage.tiktok.refresh(wrong, token, stage.signal))).to.include({ code: 'CHANNEL_APP_REFUSED' })
  })

  it('takes no grant for ended when what is refused has nothing to do with it', async () => {
    const token = stage.simulator.market.issueRefreshToken([stage.shopId])
    const table = [
      [{ code: 36_009_033, message: 'The IP address is not in the allow list' }, 'CHANNEL_APP_REFUSED', 'person'],
      [{ code: 106_001, message: 'Invalid sign' }, 'CHANNEL_APP_REFUSED', 'person'],
      [{ code: 105_005, message: 'Access denied for the scope' }, 'CHANNEL_SCOPE_MISSING', 'person'],
      [{ code: 36_009_009, message: 'Invalid path' }, 'CHANNEL_REQUEST_REFUSED', 'bug'],
      [{ code: 36_009_004, message: 'Invalid timestamp' }, 'CHANNEL_REQUEST_REFUSED', 'bug'],
      [{ code: 36_009_004, message: 'Invalid app_key' }, 'CHANNEL_APP_REFUSED', 'person'],
      [{ code: 36_009_002, message: 'Too many requests' }, 'CHANNEL_RATE_LIMITED', 'retry'],
      [{ code: 36_009_004, message: 'Invalid refresh_token' }, 'CHANNEL_GRANT_REVOKED', 'reauthorize'],
      [{ code: 36_004_004, message: 'refresh_token is invalid or expired' }, 'CHANNEL_GRANT_REVOKED', 'reauthorize'],
    ] as const
    for (const [said, code, remedy] of table) {
      stage.simulator.fail({ operation: 'token', kind: 'code', ...said })
      const failure = await failureOf(stage.tiktok.refresh(stage.app, token, stage.signal))
      expect(failure, JSON.stringify(said)).to.include({ code, remedy })
    }
  })

  it('leaves a shop alone whose calls are too many, each time for longer, and no other', async () => {
    await stage.simulator.close()
    let now = Date.now()
    stage = await createStage({ clock: () => now })
    const { id } = stage.simulator.market.addOrder(stage.shopId)
    const get = () => stage.tiktok.getOrder(stage.session, id, stage.signal)
    const asked = () => stage.simulator.calls.filter((call) => call === 'detail').length
    const limits = [{ kind: 'code', code: 36_009_002 } as const, { kind: 'status', status: 429 } as const]
    for (const [wait, fault] of [
      [1_000, limits[0]],
      [2_000, limits[1]],
      [4_000, limits[0]],
    ] as const) {
      if (fault) stage.simulator.fail({ operation: 'detail', ...fault })
      expect(await failureOf(get())).to.include({ code: 'CHANNEL_BUDGET_SPENT', retriable: true, retryAfter: wait })
      const before = asked()
      now += wait - 1
      expect(await failureOf(get())).to.include({ code: 'CHANNEL_BUDGET_SPENT', retryAfter: 1 })
      expect(asked(), 'nothing is asked meanwhile').to.equal(before)
      now += 1
    }
    stage.simulator.fail({ operation: 'detail', kind: 'status', status: 429 })
    await failureOf(get())
    const other = stage.simulator.market.addShop()
    const { token } = stage.simulator.market.issueAccessToken([other.id])
    const session = { ...stage.session, sellerId: other.id, token: async () => token }
    const theirs = stage.simulator.market.addOrder(other.id)
    expect((await stage.tiktok.getOrder(session, theirs.id, stage.signal)).orderId).to.equal(theirs.id)
    now += 8_000
    expect((await get()).orderId).to.equal(id)
    stage.simulator.fail({ operation: 'detail', kind: 'status', status: 429 })
    expect(await failureOf(get()), 'it begins anew').to.include({ retryAfter: 1_000 })
    now -= 240_000
    expect((await get()).orderId, 'a clock that is set back').to.equal(id)
    stage.simulator.fail({ operation: 'detail', kind: 'status', status: 429, times: 2 })
    for (const failure of await Promise.all([failureOf(get()), failureOf(get())]))
      expect(failure, 'calls made together count as one').to.include({ retryAfter: 1_000 })
    now += 1_000
    stage.simulator.fail({ operation: 'detail', kind: 'status', status: 429 })
    expect(await failureOf(get())).to.include({ retryAfter: 2_000 })
  })

  it('lists every order of a window over many pages, and reads one as it was listed', async () => {
    const orders = Array.from({ length: 120 }, () => stage.simulator.market.addOrder(stage.shopId).id)
    const elsewhere = stage.simulator.market.addOrder(stage.simulator.market.addShop().id).id
    expect(await all()).to.have.members(orders)
    const order = await stage.tiktok.getOrder(stage.session, orders[7] ?? '', stage.signal)
    expect(order.orderId).to.equal(orders[7])
    expect(JSON.parse(order.personal.original)).to.deep.equal(stage.simulator.market.orders.get(orders[7] ?? '')?.order)
    expect(await failureOf(stage.tiktok.getOrder(stage.session, elsewhere, stage.signal))).to.include({
      code: 'CHANNEL_ORDER_UNKNOWN',
      retriable: true,
    })
    expect(stage.simulator.calls.filter((call) => call === 'shops')).to.have.length(1)
  })

  it('calls once more with another token when the first has ended', async () => {
    const { id } = stage.simulator.market.addOrder(stage.shopId)
    stage.simulator.market.accessTokens.clear()
    expect((await stage.tiktok.getOrder(stage.session, id, stage.signal)).orderId).to.equal(id)
    expect(stage.rejected).to.have.length(1)
  })

  it('reads the cipher of a shop anew when it has another, and asks once more', async () => {
    const orders = [1, 2, 3].map(() => stage.simulator.market.addOrder(stage.shopId).id)
    const get = (id: string) => stage.tiktok.getOrder(stage.session, id, stage.signal)
    const count = (operation: string) => stage.simulator.calls.filter((call) => call === operation).length
    await get(orders[0] ?? '')
    stage.simulator.market.renewCipher(stage.shopId)
    expect((await Promise.all(orders.map(get))).map(({ orderId }) => orderId)).to.deep.equal(orders)
    expect(await ship(parcel(orders[0] ?? ''))).to.include({ kind: 'confirmed' })
    expect(count('shops'), 'once for all that were refused').to.equal(2)
    expect(stage.rejected, 'the token is none the worse').to.deep.equal([])

    const before = { shops: count('shops'), detail: count('detail') }
    stage.simulator.fail({ operation: 'detail', kind: 'code', code: 106_011 })
    expect(await failureOf(get(orders[0] ?? '')), 'the same cipher').to.include({
      code: 'CHANNEL_APP_REFUSED',
      remedy: 'person',
    })
    expect({ shops: count('shops'), detail: count('detail') }).to.deep.equal({
      shops: before.shops + 1,
      detail: before.detail + 1,
    })
  })

  it('classes what went wrong by what helps', async () => {
    const { id } = stage.simulator.market.addOrder(stage.shopId)
    const table = [
      [{ kind: 'status', status: 503 }, 'CHANNEL_UNAVAILABLE', 'retry'],
      [{ kind: 'code', code: 36_009_003 }, 'CHANNEL_UNAVAILABLE', 'retry'],
      [{ kind: 'code', code: 10_002_014 }, 'CHANNEL_UNAVAILABLE', 'retry'],
      [{ kind: 'code', code: 105_005 }, 'CHANNEL_SCOPE_MISSING', 'person'],
      [{ kind: 'code', code: 101_000 }, 'CHANNEL_APP_REFUSED', 'person'],
      [{ kind: 'code', code: 106_001 }, 'CHANNEL_APP_REFUSED', 'person'],
      [{ kind: 'code', code: 106_013 }, 'CHANNEL_REQUEST_REFUSED', 'bug'],
      [{ kind: 'half' }, 'CHANNEL_UNAVAILABLE', 'retry'],
      [{ kind: 'hang' }, 'CHANNEL_UNAVAILABLE', 'retry'],
    ] as const
    for (const [fault, code, remedy] of table) {
      stage.simulator.fail({ operation: 'detail', ...fault })
      const tiktok = fault.kind === 'hang' ? stage.impatient : stage.tiktok
      const failure = await failureOf(tiktok.getOrder(stage.session, id, stage.signal))
      expect(failure, JSON.stringify(fault)).to.include({ code, remedy })
    }
  })

  it('ships once, however often it is asked to', async () => {
    const { id } = stage.simulator.market.addOrder(stage.shopId)
    expect(await ship(parcel(id))).to.deep.include({ kind: 'confirmed', existing: false })
    expect(await ship(parcel(id))).to.deep.include({ kind: 'confirmed', existing: true })
    expect(stage.simulator.shipments(id)).to.deep.equal([{ trackingNumber: '1Z999' }])
    expect(stage.simulator.calls.filter((call) => call === 'mark-shipped')).to.have.length(1)
    const other = await ship(parcel(id, { trackingNumber: 'other' }))
    expect(other).to.deep.include({ kind: 'refused', code: 'ALREADY_SHIPPED' })
  })

  it('looks again when the answer to a shipment was lost', async () => {
    const { id } = stage.simulator.market.addOrder(stage.shopId)
    stage.simulator.fail({ operation: 'mark-shipped', kind: 'lost' })
    expect(await ship(parcel(id))).to.deep.include({ kind: 'confirmed', existing: false })
    const second = stage.simulator.market.addOrder(stage.shopId)
    stage.simulator.fail({ operation: 'mark-shipped', kind: 'status', status: 500 })
    expect(await failureOf(ship(parcel(second.id)))).to.include({ code: 'CHANNEL_UNAVAILABLE', retriable: true })
    expect(await ship(parcel(second.id))).to.deep.include({ kind: 'confirmed', existing: false })
  })

  it('says no with a reason: a carrier that the shop does not know, a cancelled order, nothing to ship with', async () => {
    const { id } = stage.simulator.market.addOrder(stage.shopId)
    const unknown = await ship(parcel(id, { carrier: 'Pigeon' }))
    expect(unknown).to.deep.include({ kind: 'refused', code: 'CARRIER_UNKNOWN' })
    expect(unknown.kind === 'refused' && unknown.detail).to.contain('UPS')
    expect(await ship(parcel(id, { trackingNumber: '' }))).to.deep.include({ code: 'SHIPMENT_INCOMPLETE' })
    stage.simulator.market.change(id, { status: 'CANCELLED' })
    expect(await ship(parcel(id))).to.deep.include({ kind: 'refused', code: '21011041' })
  })

  it('ships exactly the lines that it is asked to, in whichever package they are', async () => {
    await stage.simulator.close()
    stage = await createStage({ region: 'TH' })
    const order = stage.simulator.market.addOrder(stage.shopId)
    const [line] = order.line_items
    if (!line) throw new Error('no line')
    order.packages = [{ id: '1' }, { id: '2' }]
    order.line_items = [
      { ...line, id: '11', package_id: '1' },
      { ...line, id: '21', package_id: '2' },
      { ...line, id: '22', package_id: '2' },
    ]
    const lines = (ids: string[]) => ({ lines: ids.map((lineItemId) => ({ lineItemId, quantity: 1 })) })
    expect(await ship(parcel(order.id, lines(['21'])))).to.include({ kind: 'refused', code: 'PACKAGE_LARGER' })
    expect(await ship(parcel(order.id, lines(['21', '99'])))).to.include({ kind: 'refused', code: 'LINES_UNKNOWN' })
    expect(await ship(parcel(order.id, lines(['21', '22'])))).to.include({ kind: 'confirmed', fulfillmentId: '2' })
    expect(order.line_items.map(({ tracking_number }) => tracking_number)).to.deep.equal(['', '1Z999', '1Z999'])
    // The rest, under a number of its own.
    expect(await ship(parcel(order.id, { trackingNumber: '2Z' }))).to.include({ kind: 'confirmed', existing: false })
    expect(order.line_items.map(({ tracking_number }) => tracking_number)).to.deep.equal(['2Z', '1Z999', '1Z999'])
  })

  it('goes no further than a package of which it does not know whether it left', async () => {
    const order = stage.simulator.market.addOrder(stage.shopId, { shipping_type: 'TIKTOK' })
    const [line] = order.line_items
    if (!line) throw new Error('no line')
    order.packages = [{ id: '1' }, { id: '2' }]
    order.line_items = [
      { ...line, id: '11', package_id: '1' },
      { ...line, id: '21', package_id: '2' },
    ]
    stage.simulator.fail({ operation: 'ship-package', kind: 'code', code: 21_008_099 })
    expect(await ship(parcel(order.id, { carrier: '', trackingNumber: '' }))).to.include({ kind: 'refused', code: '21008099' })
    expect(order.line_items.map(({ tracking_number }) => tracking_number)).to.deep.equal(['', ''])
    expect(await ship(parcel(order.id, { carrier: '', trackingNumber: '' }))).to.include({ kind: 'confirmed', existing: false })
  })

  it('ships the package where the seller may not announce one, or where TikTok carries it', async () => {
    await stage.simulator.close()
    stage = await createStage({ region: 'TH' })
    const own = stage.simulator.market.addOrder(stage.shopId)
    expect(await ship(parcel(own.id))).to.deep.include({ kind: 'confirmed', existing: false })
    const carried = stage.simulator.market.addOrder(stage.shopId, { shipping_type: 'TIKTOK' })
    const outcome = await ship(parcel(carried.id, { carrier: '', trackingNumber: '' }))
    expect(outcome).to.deep.include({ kind: 'confirmed', trackingNumber: `TT${carried.packages[0]?.id}` })
    expect(stage.simulator.calls).to.include('ship-package').and.not.to.include('mark-shipped')
  })
})
