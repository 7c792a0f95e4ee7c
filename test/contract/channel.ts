import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { App, Channel, Grant, Reception, Session } from '@tributary/channels'
import type { SimulatedMarketplace } from '@tributary/test/marketplace'
import { expect } from 'chai'

/** A channel that talks to a simulated marketplace. `unarmed` is the same channel while no app of ours has a secret, where it needs one. */
export type Opened = { channel: Channel; marketplace: SimulatedMarketplace; app: App; unarmed?: Channel }

type Request = { headers: Record<string, string>; body: Buffer }

/** What every channel promises behind its port, whichever marketplace it speaks to. */
export function channelContract(name: string, open: () => Promise<Opened>): void {
  describe(`The channel contract: ${name}`, () => {
    let signal: AbortSignal
    let opened: Opened
    let gateway: Awaited<ReturnType<typeof openGateway>>
    let sellerId: string
    let grant: Grant
    let session: Session

    beforeEach(async () => {
      signal = AbortSignal.timeout(20_000)
      opened = await open()
      gateway = await openGateway(opened.channel)
      const { channel, marketplace, app } = opened
      marketplace.connect(gateway.url)
      sellerId = marketplace.addSeller().sellerId
      const back = new URL(await marketplace.consent(channel.authorizeUrl(app, { state: 'a state' }), sellerId))
      expect(back.searchParams.get('state')).to.equal('a state')
      const code = back.searchParams.get(channel.codeParameter ?? 'code') ?? ''
      const grants = await channel.exchangeCode(app, { code, query: back.searchParams }, signal)
      grant = grants.find((one) => one.sellerId === sellerId) ?? expect.fail('no grant for the seller who consented')
      const { token } = grant.access
      session = { app, sellerId, region: grant.region, token: async () => token, rejected: async () => {} }
    })
    afterEach(async () => {
      await gateway.close()
      await opened.marketplace.close()
    })

    const list = async () => {
      const now = Date.now()
      return await opened.channel.listOrders(session, { from: now - 86_400_000, to: now }, null, signal)
    }

    it('finds a new order in the list, and reads it alone as it was listed', async () => {
      const { orderId, lines } = opened.marketplace.addOrder(sellerId)
      const listed = (await list()).orders.find((order) => order.orderId === orderId)
      const alone = await opened.channel.getOrder(session, orderId, signal)
      expect(alone.order.digest).to.equal(listed?.order.digest)
      expect(alone.order).to.deep.equal(listed?.order)
      expect(alone.order.lines).to.have.length(lines)
    })

    it('accepts what the marketplace tells of an order, refuses it changed, and puts it off without a secret', async () => {
      const { orderId } = opened.marketplace.addOrder(sellerId)
      await opened.marketplace.notify(orderId, { attempts: 1, pause: 1 })
      const [told] = gateway.told
      expect(told?.reception).to.have.nested.property('notification.kind', 'order')
      expect(told?.reception).to.have.nested.property('notification.orderIds').that.includes(orderId)
      if (!told) throw new Error('nothing was told')
      const tampered = { ...told.request, body: Buffer.from(told.request.body.toString().replace(orderId, '1')) }
      const refused = await opened.channel.receive(tampered, signal)
      expect(refused).to.include({ kind: 'refused' }).and.have.property('status').that.is.within(400, 499)
      if (opened.unarmed) expect(await opened.unarmed.receive(told.request, signal)).to.include({ status: 503 })
    })

    it('announces a shipment once, however often it is called', async () => {
      const { orderId } = opened.marketplace.addOrder(sellerId)
      const { order } = await opened.channel.getOrder(session, orderId, signal)
      const lines = order.lines.map(({ lineItemId, quantity }) => ({ lineItemId, quantity }))
      const parcel = { carrier: 'UPS', trackingNumber: '1Z999AA10123456784', shippedTime: Date.now() }
      const shipment = { orderId, lines, ...parcel }
      expect(await opened.channel.ship(session, shipment, signal)).to.include({ kind: 'confirmed', existing: false })
      expect(await opened.channel.ship(session, shipment, signal)).to.include({ kind: 'confirmed', existing: true })
      expect(opened.marketplace.shipments(orderId)).to.have.length(1)
    })

    it('says that an order is unknown', async () => {
      const { orderId } = opened.marketplace.addOrder(sellerId)
      const other = `${orderId.slice(0, -3)}${orderId.endsWith('000') ? '001' : '000'}`
      expect(await failureOf(opened.channel.getOrder(session, other, signal))).to.include({ code: 'CHANNEL_ORDER_UNKNOWN' })
    })

    it('gets another token by refreshing, and says when the consent has ended', async () => {
      const { access } = await opened.channel.refresh(opened.app, grant.refreshToken, signal)
      expect(access.token).not.to.equal(grant.access.token)
      expect(await failureOf(opened.channel.refresh(opened.app, 'no-such-token', signal))).to.include({
        code: 'CHANNEL_GRANT_REVOKED',
        remedy: 'reauthorize',
      })
    })
  })
}

const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'no failure',
    (error: unknown) => error,
  )

/** Takes what a marketplace sends as a gateway would, and keeps what the channel made of it. */
async function openGateway(channel: Channel) {
  const told: { request: Request; reception: Reception }[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const headers = Object.fromEntries(Object.entries(request.headers).map(([key, value]) => [key, String(value)]))
    const taken = { headers, body: Buffer.concat(chunks) }
    const reception = await channel.receive(taken, AbortSignal.timeout(20_000))
    told.push({ request: taken, reception })
    response.writeHead(reception.kind === 'accepted' ? channel.webhook.success : reception.status).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    told,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
