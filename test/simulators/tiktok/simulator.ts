import { randomBytes } from 'node:crypto'
import { setTimeout as after } from 'node:timers/promises'
import { signBody } from '@tributary/channels'
import type { TiktokUrls } from '@tributary/channels/tiktok'
import express from 'express'
import { consentPage } from '../consent-page.ts'
import { createFaults } from '../faults.ts'
import type { SimulatedMarketplace } from '../marketplace.ts'
import { postSigned, serve } from '../serving.ts'
import type { Fault, Operation } from './faults.ts'
import { createMarket, type Market } from './market.ts'
import { apiRoutes, type SimulatedApp, tokenRoutes } from './routes.ts'

/** A TikTok Shop that checks every signature and refuses as Partner Center says, over HTTP on loopback. */
export type TiktokSimulator = SimulatedMarketplace & {
  readonly urls: TiktokUrls
  readonly market: Market
  readonly credentials: SimulatedApp
  /** Every call that arrived, oldest first. */
  readonly calls: readonly Operation[]
  fail(fault: Fault): void
  heal(): void
  /** Whether a refresh replaces the refresh token. */
  rotates: boolean
  /** The body of a webhook of a type and how it is signed. */
  webhook(type: number, shopId: string, data: Record<string, unknown>): { body: Buffer; authorization: string }
  close(): Promise<void>
}

let notices = 0

/** Starts the simulator. `seed` repeats its orders; `clock` moves its time. */
export async function createTiktokMarketplace(options: { seed?: number; clock?: () => number } = {}): Promise<TiktokSimulator> {
  const clock = options.clock ?? Date.now
  const market = createMarket({ seed: options.seed ?? 1, clock })
  const faults = createFaults<Operation>()
  const calls: Operation[] = []
  const credentials: SimulatedApp = {
    key: '6simulated0001',
    secret: randomBytes(20).toString('hex'),
    serviceId: '7480000000000000001',
  }
  let gateway = ''
  const world = { market, app: credentials, faults, calls, rotates: () => simulator.rotates }
  const application = express()
  application.use(express.text({ type: () => true, limit: '4mb' }))
  application.use(consentPage('/open/authorize', 'TikTok Shop', () => simulator))
  application.use(tokenRoutes(world))
  application.use(apiRoutes(world))
  const { origin, close } = await serve(application)

  function webhook(type: number, shopId: string, data: Record<string, unknown>) {
    notices += 1
    const id = `7327${String(notices).padStart(15, '0')}`
    const envelope = { type, tts_notification_id: id, shop_id: shopId, timestamp: Math.floor(clock() / 1000), data }
    const body = Buffer.from(JSON.stringify(envelope))
    return { body, authorization: signBody({ key: credentials.key, secret: credentials.secret }, body) }
  }

  const post = (message: { body: Buffer; authorization: string }) => postSigned(`${gateway}/open/order/callback/2`, message)

  const simulator: TiktokSimulator = {
    channel: 2,
    origin,
    urls: { authorizeUrl: `${origin}/open/authorize`, authUrl: origin, apiUrl: origin },
    market,
    credentials,
    calls,
    rotates: false,
    fail: faults.add,
    heal: faults.clear,
    webhook,
    configuration: () => ({ 'authorize-url': `${origin}/open/authorize`, 'auth-url': origin, 'api-url': origin }),
    app: {
      clientId: credentials.key,
      clientSecret: credentials.secret,
      developerId: credentials.serviceId,
      scopes: ['seller.order.info', 'seller.fulfillment.basic', 'seller.authorization.info'],
      redirectUri: '',
      attachInfo: {},
    },
    connect(gatewayUrl) {
      gateway = gatewayUrl
    },
    addSeller: () => ({ sellerId: market.addShop().id }),
    async consent(authorizeUrl, sellerId) {
      const { searchParams } = new URL(authorizeUrl)
      if (searchParams.get('service_id') !== credentials.serviceId) throw new Error('The consent names another service')
      const state = searchParams.get('state') ?? ''
      const query = new URLSearchParams({
        app_key: credentials.key,
        code: market.issueCode([sellerId]),
        locale: 'en-GB',
        state,
      })
      return `${gateway}/open/order/oauth/callback/2?${query}`
    },
    addOrder(sellerId) {
      const order = market.addOrder(sellerId)
      return { orderId: order.id, lines: order.line_items.length }
    },
    async notify(orderId, { attempts, pause }) {
      const entry = market.orders.get(orderId)
      if (!entry) throw new Error('There is no such order')
      const { status: order_status, update_time } = entry.order
      const message = webhook(1, entry.shopId, { order_id: orderId, order_status, is_on_hold_order: false, update_time })
      for (let attempt = 1; attempt <= attempts; attempt += 1) {
        if ((await post(message)) === 200) return
        await after(pause)
      }
    },
    shipments(orderId) {
      const numbers = market.orders.get(orderId)?.order.line_items.map((line) => line.tracking_number) ?? []
      return [...new Set(numbers.filter((number) => number !== ''))].map((trackingNumber) => ({ trackingNumber }))
    },
    close,
  }
  return simulator
}
