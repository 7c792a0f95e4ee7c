import { createVerify } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { createOrderGenerator } from './generator.ts'
import { createEbaySimulator, EBAY_SCOPES, type EbaySimulator } from './simulator.ts'

const ORDERS = '/sell/fulfillment/v1/order'
const DAY = 86_400_000

describe('The eBay simulator', () => {
  let simulator: EbaySimulator
  let userId: string
  const now = Date.parse('2026-11-23T12:00:00.000Z')

  beforeEach(async () => {
    simulator = await createEbaySimulator({ clock: () => now })
    userId = simulator.market.addSeller().userId
  })

  afterEach(async () => {
    await simulator.close()
  })

  async function get(query: string): Promise<{ status: number; body: Record<string, unknown> }> {
    const authorization = `Bearer ${simulator.market.issueAccess(userId, EBAY_SCOPES)}`
    const response = await fetch(new URL(`${ORDERS}${query}`, simulator.urls.orderUrl), { headers: { authorization } })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  it('makes the same orders from the same seed, and others from another', () => {
    const first = (seed: number) => {
      const generate = createOrderGenerator(seed)
      return Array.from({ length: 20 }, () => generate({ username: 'seller' }, now))
    }
    expect(first(5)).to.deep.equal(first(5))
    expect(first(5)).not.to.deep.equal(first(6))
    expect(new Set(first(5).map(({ orderId }) => orderId))).to.have.length(20)
  })

  const time = (offset: number) => new Date(now + offset).toISOString()
  const REFUSED: [string, number][] = [
    ['?filter=color:{RED}', 30700],
    ['?filter=orderfulfillmentstatus:{NOT_STARTED}', 30800],
    ['?filter=lastmodifieddate:yesterday', 30800],
    ['?filter=lastmodifieddate:[yesterday..]', 30810],
    [`?filter=lastmodifieddate:[..${time(0)}]`, 30820],
    [`?filter=creationdate:[${time(-800 * DAY)}..${time(0)}]`, 30830],
    [`?filter=creationdate:[${time(0)}..${time(-1)}]`, 30840],
    [`?filter=lastmodifieddate:[${time(-DAY)}..${time(1)}]`, 30850],
    [`?orderIds=${Array.from({ length: 51 }, (_, index) => index).join(',')}`, 30900],
    ['?offset=-1', 31000],
    ['?limit=201', 31100],
    ['?limit=0', 31100],
    ['?fieldGroups=ALL', 32800],
  ]
  for (const [query, errorId] of REFUSED) {
    it(`refuses ${query.slice(0, 70)} with ${errorId}`, async () => {
      const { status, body } = await get(encodeURI(query))
      expect(status).to.equal(400)
      expect((body['errors'] as { errorId: number }[])[0]?.errorId).to.equal(errorId)
    })
  }

  it('pages oldest first, and filters by time, status and id', async () => {
    const ids = [3, 1, 2].map((age) => simulator.market.addOrder(userId, { creationDate: time(-age * DAY) }).orderId)
    const listed = async (query: string) => (await get(encodeURI(query))).body
    const orderIds = (body: Record<string, unknown>) => (body['orders'] as { orderId: string }[]).map(({ orderId }) => orderId)
    const first = await listed('?limit=2')
    expect(orderIds(first)).to.deep.equal([ids[0], ids[2]])
    expect(first).to.include({ total: 3, limit: 2, offset: 0 }).and.to.have.property('next')
    const next = await listed(String(first['next']).slice(simulator.urls.orderUrl.length))
    expect(orderIds(next)).to.deep.equal([ids[1]])
    expect(next).not.to.have.property('next')
    expect(orderIds(await listed(`?filter=creationdate:[${time(-2 * DAY)}..${time(-DAY)}]`))).to.deep.equal([ids[2], ids[1]])
    simulator.market.updateOrder(ids[0] ?? '', { orderFulfillmentStatus: 'FULFILLED' })
    const filter = `?filter=lastmodifieddate:[${time(-DAY)}..],orderfulfillmentstatus:{FULFILLED|IN_PROGRESS}`
    expect(orderIds(await listed(filter))).to.deep.equal([ids[0]])
    expect(orderIds(await listed(`?orderIds=${ids[1]},${ids[2]}&limit=900`))).to.have.length(2)
  })

  it('leaves the tax identifier and cancel requests out of lists', async () => {
    const { orderId } = simulator.market.addOrder(userId, (order) => {
      order.buyer.taxIdentifier = { taxpayerId: 'TAX', taxIdentifierType: 'VATIN', issuingCountry: 'IT' }
      order.cancelStatus = { cancelState: 'IN_PROGRESS', cancelRequests: [{ cancelRequestId: 'REQUEST' }] }
    })
    expect(JSON.stringify((await get('')).body)).not.to.match(/TAX|REQUEST/)
    expect(JSON.stringify((await get(`/${orderId}`)).body))
      .to.match(/TAX/)
      .and.match(/REQUEST/)
  })

  it('lets a person agree or decline on a page, and sends the browser back with our state', async () => {
    const query = new URLSearchParams({
      client_id: simulator.app.clientId,
      redirect_uri: simulator.app.ruName,
      response_type: 'code',
      scope: EBAY_SCOPES.join(' '),
      state: 'x y',
    })
    const page = await fetch(`${simulator.urls.authorizeUrl}?${query}`)
    expect(await page.text())
      .to.include('synthetic_seller_1')
      .and.include('decision=decline')
    const authorizeUrl = `${simulator.urls.authorizeUrl}?${query}`
    const accepted = new URL(await simulator.consent(authorizeUrl, { userId, accept: true }))
    expect([accepted.pathname, accepted.searchParams.get('state'), accepted.searchParams.has('code')]).to.deep.equal([
      '/accepted',
      'x y',
      true,
    ])
    const declined = new URL(await simulator.consent(authorizeUrl, { userId, accept: false }))
    expect([declined.pathname, declined.searchParams.get('error')]).to.deep.equal(['/declined', 'access_denied'])
    expect((await fetch(`${simulator.urls.authorizeUrl}?client_id=somebody`)).status).to.equal(400)
  })

  describe('sending notifications', () => {
    let receiver: Server
    let endpoint: string
    let received: { signature: string; body: string }[]
    let statuses: number[]

    beforeEach(async () => {
      received = []
      statuses = []
      receiver = createServer(async (request: IncomingMessage, response) => {
        const chunks: Buffer[] = []
        for await (const chunk of request) chunks.push(chunk as Buffer)
        received.push({ signature: String(request.headers['x-ebay-signature'] ?? ''), body: Buffer.concat(chunks).toString() })
        response.writeHead(statuses.shift() ?? 204).end()
      })
      receiver.listen(0, '127.0.0.1')
      await once(receiver, 'listening')
      endpoint = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/callback`
    })

    afterEach(() => {
      receiver.close()
      receiver.closeAllConnections()
    })

    const idOf = (body: string) =>
      (JSON.parse(body) as { notification: { notificationId: string } }).notification.notificationId

    function verifies({ signature, body }: { signature: string; body: string }): boolean {
      const header = JSON.parse(Buffer.from(signature, 'base64').toString()) as { kid: string; signature: string }
      const key = simulator.keys.publicKey(header.kid)?.key
      if (!key) return false
      const pem = key.replace('KEY-----', 'KEY-----\n').replace('-----END', '\n-----END')
      return createVerify('sha1').update(body).verify(pem, header.signature, 'base64')
    }

    it('signs what it sends so that the published key verifies it, unless asked to do it wrong', async () => {
      const message = simulator.notifications.orderConfirmation(simulator.market.addOrder(userId).orderId)
      for (const signature of ['right', 'wrong', 'stale', 'missing'] as const)
        expect(await simulator.notifications.send(endpoint, message, { signature })).to.deep.equal([204])
      const [right, wrong, stale, missing] = received
      if (!right || !wrong || !stale || !missing) throw new Error('four were sent')
      expect([right, wrong, stale].map(verifies)).to.deep.equal([true, false, false])
      expect(missing.signature).to.equal('')
    })

    it('sends twice, repeats until it is heard, and shuffles', async () => {
      const messages = Array.from({ length: 8 }, () => simulator.notifications.message('LISTING', {}))
      const [first] = messages
      if (!first) throw new Error('eight were made')
      expect(await simulator.notifications.send(endpoint, first, { copies: 2 })).to.deep.equal([204, 204])
      statuses = [503, 500]
      expect(await simulator.notifications.send(endpoint, first, { attempts: 5, pause: 1 })).to.deep.equal([503, 500, 204])
      const counts = received.map(({ body }) => (JSON.parse(body) as typeof first).notification.publishAttemptCount)
      expect(counts).to.deep.equal([1, 1, 1, 2, 3])
      received = []
      await simulator.notifications.sendShuffled(endpoint, messages, 3)
      const sent = messages.map(({ notification }) => notification.notificationId)
      const arrived = received.map(({ body }) => idOf(body))
      expect(arrived).to.have.members(sent).and.not.deep.equal(sent)
    })
  })
})
