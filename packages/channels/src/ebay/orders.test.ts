import type { EbayOrder, Fault } from '@tributary/test/simulators/ebay'
import { expect } from 'chai'
import { ChannelError, type OrderPage, type SourceOrder } from '../port.ts'
import { failureOf } from '../testing/failure-of.ts'
import { createSession, createStage, type Stage } from './testing/stage.ts'

const HOUR = 3_600_000

describe('Reading orders from eBay', () => {
  let stage: Stage

  beforeEach(async () => {
    stage = await createStage()
  })

  afterEach(async () => {
    await stage.simulator.close()
  })

  const window = () => ({ from: stage.time.now - HOUR, to: stage.time.now })
  const list = async (page: string | null = null, range = window(), ebay = stage.ebay) =>
    await ebay.listOrders(stage.session, range, page, stage.signal)
  const get = async (orderId: string) => await stage.ebay.getOrder(stage.session, orderId, stage.signal)
  const add = (count: number, change: Partial<EbayOrder> = {}) =>
    Array.from({ length: count }, () => stage.simulator.market.addOrder(stage.seller.userId, change).orderId)
  const ids = (orders: readonly SourceOrder[]) => orders.map(({ orderId }) => orderId)

  /** A buyer whom the list tells all about. */
  const fromHome = (countryCode = 'DE'): Partial<EbayOrder> => ({
    buyer: {
      username: 'buyer_home',
      taxAddress: { city: 'Berlin', countryCode },
      buyerRegistrationAddress: { contactAddress: { city: 'Berlin', countryCode } },
    },
    fulfillmentStartInstructions: [],
  })

  async function listAll(range = window(), between: (page: OrderPage) => void = () => {}): Promise<SourceOrder[]> {
    const orders: SourceOrder[] = []
    let next: string | null = null
    do {
      const page = await list(next, range)
      orders.push(...page.orders)
      next = page.nextPage
      between(page)
    } while (next !== null)
    return orders
  }

  it('finds every order of a window once, over all pages', async () => {
    const added = add(230, fromHome())
    const orders = await listAll()
    expect(ids(orders)).to.have.members(added)
    expect(stage.simulator.count('getOrders')).to.equal(3)
    expect(stage.taken).to.deep.equal(['token', 'order', 'order', 'order'])
  })

  it('asks by time of modification, both ends inclusive, in UTC with milliseconds', async () => {
    const { now } = stage.time
    const at = (time: number) => add(1, { ...fromHome(), lastModifiedDate: new Date(time).toISOString() })[0]
    at(now - HOUR - 1)
    const [first, last] = [at(now - HOUR), at(now)]
    expect(ids((await list()).orders)).to.have.members([first, last])
    expect(stage.simulator.requests.at(-1)?.query).to.deep.equal({
      filter: `lastmodifieddate:[${new Date(now - HOUR).toISOString()}..${new Date(now).toISOString()}]`,
      limit: '100',
      offset: '0',
    })
  })

  it('has no orders, no next page and a total of 0 for an empty window', async () => {
    expect(await list()).to.deep.equal({ orders: [], unreadable: [], total: 0, nextPage: null })
  })

  it('misses nothing when orders leave the window while it pages', async () => {
    const added = add(250, fromHome())
    const range = window()
    stage.time.now += 1000
    const gone = added.slice(0, 30)
    let pages = 0
    const orders = await listAll(range, () => {
      pages += 1
      if (pages === 1) for (const orderId of gone) stage.simulator.market.updateOrder(orderId, {})
    })
    expect(new Set(ids(orders))).to.deep.equal(new Set(added))
  })

  it('keeps the text of every order byte for byte, from a list and alone', async () => {
    const texts = [
      '{ "orderId" : "odd-1",\n\t"lastModifiedDate":"2026-01-01T00:00:00.000Z" , "total":1.0, "big":12345678901234567890 }',
      '{"orderId":"odd-2","note":"\\u00e9\\/ \\"]}","lineItems":[{"lineItemId":"1","quantity":1}],"2":0,"1":0}',
      `{"orderId":"odd-3","buyerCheckoutNotes":"${'🌻漢字 '.repeat(600)}","lineItems":[]}`,
    ]
    for (const [index, text] of texts.entries())
      stage.simulator.market.addOrderText(stage.seller.userId, text, { orderId: `odd-${index + 1}` })
    expect((await list()).orders.map(({ personal }) => personal.original)).to.deep.equal(texts)
    expect((await get('odd-1')).personal.original).to.equal(texts[0])
  })

  it('reads one order of five megabytes and a thousand lines', async () => {
    const line = (index: number) => ({ lineItemId: String(index), quantity: 1, title: `漢字 🌻 ${'x'.repeat(5000)}`, sku: 'S' })
    const text = JSON.stringify({ orderId: 'large', lineItems: Array.from({ length: 1000 }, (_, index) => line(index)) })
    expect(Buffer.byteLength(text)).to.be.above(5_000_000)
    stage.simulator.market.addOrderText(stage.seller.userId, text, { orderId: 'large' })
    const { orders } = await list()
    expect(orders[0]?.order.lines).to.have.length(1000)
    expect(orders[0]?.personal.original === text).to.equal(true)
  })

  it('asks for smaller pages when an answer is larger than it holds, and passes over what still is', async () => {
    const [before] = add(1, fromHome())
    const text = `{"orderId":"too-large","x":"${'x'.repeat(34_000_000)}"}`
    stage.simulator.market.addOrderText(stage.seller.userId, text, { orderId: '99-too-large' })
    const unreadable: unknown[] = []
    const orders = await listAll(window(), (page) => unreadable.push(...page.unreadable))
    expect(ids(orders)).to.deep.equal([before])
    expect(unreadable).to.deep.equal([{ field: 'orders[1]', problem: 'larger than 33554432 bytes' }])
  })

  it('reports elements of a page that are no orders, and keeps the others', async () => {
    const [kept] = add(1, fromHome())
    stage.simulator.market.addOrderText(stage.seller.userId, '{"noId":true}')
    stage.simulator.market.addOrderText(stage.seller.userId, 'null')
    const page = await list()
    expect(ids(page.orders)).to.deep.equal([kept])
    expect(page.unreadable.map(({ field }) => field)).to.have.members(['orders[1].orderId', 'orders[2].orderId'])
  })

  it('reads an order alone where the list tells less: Italian, Spanish and Guatemalan buyers and cancellations', async () => {
    const [home] = add(1, { ...fromHome(), itemLocation: { countryCode: 'IT' } })
    const taxed = ['IT', 'ES', 'GT'].flatMap((countryCode) => {
      const taxIdentifier = { taxpayerId: `TAX-${countryCode}`, taxIdentifierType: 'VATIN', issuingCountry: countryCode }
      return add(1, {
        ...fromHome(countryCode),
        buyer: { ...fromHome(countryCode).buyer, taxIdentifier } as EbayOrder['buyer'],
      })
    })
    const cancelRequests = [{ cancelRequestId: '5000000001' }]
    const [cancelled] = add(1, { ...fromHome(), cancelStatus: { cancelState: 'IN_PROGRESS', cancelRequests } })
    const orders = new Map((await list()).orders.map((order) => [order.orderId, order]))
    expect(taxed.map((orderId) => orders.get(orderId)?.personal.buyer.taxId)).to.deep.equal(['TAX-IT', 'TAX-ES', 'TAX-GT'])
    expect(orders.get(cancelled ?? '')?.personal.original).to.include('5000000001')
    const read = stage.simulator.requests
      .filter(({ operation }) => operation === 'getOrder')
      .map(({ path }) => path.split('/').at(-1))
    expect(read)
      .to.have.members([...taxed, cancelled])
      .and.not.include(home)
  })

  it('has the same digest for the listed and the whole form of an order', async () => {
    const [orderId = ''] = add(1)
    const { orders } = await list()
    expect(orders[0]?.order.digest).to.equal((await get(orderId)).order.digest)
  })

  it('keeps the listed form of an order that eBay then does not find, and fails when a detail read fails', async () => {
    add(6, fromHome('IT'))
    stage.simulator.fail({ operation: 'getOrder', kind: 'status', status: 404 })
    expect((await list()).orders).to.have.length(6)
    stage.simulator.fail({ operation: 'getOrder', kind: 'status', status: 500 })
    expect(await failureOf(list())).to.include({ code: 'CHANNEL_UNAVAILABLE', remedy: 'retry' })
  })

  it('says when eBay does not know an order, and escapes its id', async () => {
    expect(await failureOf(get('12-00000-00000'))).to.include({ code: 'CHANNEL_ORDER_UNKNOWN', remedy: 'retry' })
    expect(await failureOf(get('../user?x=#'))).to.include({ code: 'CHANNEL_ORDER_UNKNOWN', remedy: 'bug' })
    expect(stage.simulator.requests.at(-1)?.path).to.match(/\/order\/\.\.%2Fuser%3Fx%3D%23$/)
  })

  it('does not see the orders of another seller', async () => {
    const other = stage.simulator.market.addSeller()
    const { orderId } = stage.simulator.market.addOrder(other.userId, fromHome())
    expect((await list()).orders).to.deep.equal([])
    expect(await failureOf(get(orderId))).to.include({ code: 'CHANNEL_ORDER_UNKNOWN' })
  })

  it('gets another token when eBay refuses one before its time, and goes on', async () => {
    add(1, fromHome())
    await list()
    stage.simulator.market.expireAccess()
    expect((await list()).orders).to.have.length(1)
    expect(stage.simulator.count('token')).to.equal(2)
  })

  it('gives up for now when eBay refuses a fresh token, too', async () => {
    stage.simulator.fail({ operation: 'getOrders', kind: 'status', status: 401, times: 2 })
    expect(await failureOf(list())).to.include({ code: 'CHANNEL_UNAVAILABLE', remedy: 'retry' })
    expect([stage.simulator.count('getOrders'), stage.simulator.count('token')]).to.deep.equal([2, 2])
  })

  it('asks for a person when the consent has not the scope', async () => {
    const token = stage.simulator.grant(stage.seller.userId, [
      'https://api.ebay.com/oauth/api_scope/commerce.identity.readonly',
    ])
    const session = createSession(stage.ebay, stage.app, stage.seller.userId, token)
    const failure = await failureOf(stage.ebay.listOrders(session, window(), null, stage.signal))
    expect(failure).to.include({ code: 'CHANNEL_SCOPE_MISSING', remedy: 'person' })
  })

  it('asks for a new consent when the seller has revoked', async () => {
    await list()
    stage.simulator.market.revoke(stage.seller.userId)
    expect(await failureOf(list())).to.include({ code: 'CHANNEL_GRANT_REVOKED', remedy: 'reauthorize' })
  })

  it('refuses a window that ends in the future, and retries one that does so only for eBay', async () => {
    const { now } = stage.time
    expect(await failureOf(list(null, { from: now, to: now + 1 }))).to.include({
      code: 'CHANNEL_REQUEST_REFUSED',
      remedy: 'bug',
    })
    expect(await failureOf(list(null, { from: now, to: now - 1 }))).to.include({ remedy: 'bug' })
    expect(stage.simulator.requests).to.deep.equal([])
    stage.time.ahead = 5000
    const failure = await failureOf(list(null, { from: now, to: now + 4000 }))
    expect(failure)
      .to.include({ code: 'CHANNEL_REQUEST_REFUSED', remedy: 'retry' })
      .and.to.have.property('message')
      .that.includes('30850')
  })

  const APPLICATION =
    '{"errors":[{"errorId":30500,"category":"APPLICATION","message":"System error","parameters":[{"value":"SECRET"}]}]}'
  const REQUEST = '{"errors":[{"errorId":30700,"category":"REQUEST","message":"Invalid filter name","longMessage":"SECRET"}]}'
  /** Read when the file is loaded, so far ahead that no slow run comes near it. */
  const DAY = 24 * 60 * 60_000
  const later = new Date(Date.now() + DAY).toUTCString()
  const FAULTS: [string, Fault, { code: string; remedy: string }][] = [
    [
      '429 with a date',
      { operation: 'getOrders', kind: 'rate-limited', retryAfter: later },
      { code: 'CHANNEL_RATE_LIMITED', remedy: 'retry' },
    ],
    ['429', { operation: 'getOrders', kind: 'rate-limited' }, { code: 'CHANNEL_RATE_LIMITED', remedy: 'retry' }],
    [
      '502',
      { operation: 'getOrders', kind: 'status', status: 502, body: '<html>' },
      { code: 'CHANNEL_UNAVAILABLE', remedy: 'retry' },
    ],
    [
      'category APPLICATION',
      { operation: 'getOrders', kind: 'status', status: 400, body: APPLICATION },
      { code: 'CHANNEL_UNAVAILABLE', remedy: 'retry' },
    ],
    [
      'category REQUEST',
      { operation: 'getOrders', kind: 'status', status: 400, body: REQUEST },
      { code: 'CHANNEL_REQUEST_REFUSED', remedy: 'bug' },
    ],
    ['a hang', { operation: 'getOrders', kind: 'hang' }, { code: 'CHANNEL_UNAVAILABLE', remedy: 'retry' }],
    ['a reset', { operation: 'getOrders', kind: 'reset' }, { code: 'CHANNEL_UNAVAILABLE', remedy: 'retry' }],
    ['half a body', { operation: 'getOrders', kind: 'half-body' }, { code: 'CHANNEL_UNAVAILABLE', remedy: 'retry' }],
    [
      'half a JSON',
      { operation: 'getOrders', kind: 'status', status: 200, body: '{"orders":[{"ord' },
      { code: 'CHANNEL_ANSWER_UNREADABLE', remedy: 'retry' },
    ],
    [
      'no list',
      { operation: 'getOrders', kind: 'status', status: 200, body: '{"orders":{}}' },
      { code: 'CHANNEL_ANSWER_UNREADABLE', remedy: 'bug' },
    ],
  ]
  for (const [name, fault, expected] of FAULTS) {
    it(`classes ${name} as ${expected.code} (${expected.remedy}), and works again afterwards`, async () => {
      add(1, fromHome())
      stage.simulator.fail(fault)
      const failure = await failureOf(list(null, window(), fault.kind === 'hang' ? stage.impatient : stage.ebay))
      expect(failure).to.be.instanceOf(ChannelError).and.to.include(expected)
      expect(String(failure)).not.to.include('SECRET')
      if (fault.kind === 'rate-limited' && fault.retryAfter)
        expect(failure)
          .to.have.property('retryAfter')
          .that.is.within(DAY - 60 * 60_000, DAY)
      expect((await list()).orders).to.have.length(1)
    })
  }

  it('stops at once when the caller gives up', async () => {
    await stage.simulator.close()
    stage = await createStage({ timeout: 30_000 })
    stage.simulator.fail({ operation: 'getOrders', kind: 'hang' })
    const caller = new AbortController()
    const call = failureOf(stage.ebay.listOrders(stage.session, window(), null, caller.signal))
    while (stage.simulator.count('getOrders') === 0) await new Promise(setImmediate)
    caller.abort(new Error('shutting down'))
    expect(await call).to.have.property('message', 'shutting down')
  })
})
