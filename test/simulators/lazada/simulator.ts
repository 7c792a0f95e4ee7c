import { randomBytes } from 'node:crypto'
import { setTimeout as after } from 'node:timers/promises'
import { signBody } from '@tributary/channels'
import type { LazadaUrls } from '@tributary/channels/lazada'
import express from 'express'
import { consentPage } from '../consent-page.ts'
import { createFaults } from '../faults.ts'
import type { SimulatedMarketplace } from '../marketplace.ts'
import { postSigned, serve } from '../serving.ts'
import type { Fault, Operation } from './faults.ts'
import { createMarket, type Market, type MarketOrder } from './market.ts'
import { routes, type SimulatedApp } from './routes.ts'

/** A Lazada that checks every signature and refuses as its documentation says, over HTTP on loopback. */
export type LazadaSimulator = SimulatedMarketplace & {
  readonly urls: LazadaUrls
  readonly market: Market
  readonly credentials: SimulatedApp
  /** Every call that arrived, oldest first. */
  readonly calls: readonly Operation[]
  fail(fault: Fault): void
  heal(): void
  /** Whether its consents can be refreshed; those of some apps and sellers cannot. */
  refreshes: boolean
  /** The body of a push of a type, as text so that ids may be numbers of any length, and how it is signed. */
  push(text: string): { body: Buffer; authorization: string }
}

/** Starts the simulator. `seed` repeats its orders; `clock` moves its time. */
export async function createLazadaMarketplace(options: { seed?: number; clock?: () => number } = {}): Promise<LazadaSimulator> {
  const clock = options.clock ?? Date.now
  const market = createMarket({ seed: options.seed ?? 1, clock })
  const faults = createFaults<Operation>()
  const calls: Operation[] = []
  const credentials: SimulatedApp = { key: '100001', secret: randomBytes(16).toString('hex') }
  let gateway = ''
  const application = express()
  application.use(express.text({ type: () => true, limit: '4mb' }))
  application.use(consentPage('/oauth/authorize', 'Lazada', () => simulator))
  application.use(routes({ market, app: credentials, faults, calls, refreshes: () => simulator.refreshes }))
  const { origin, close } = await serve(application)
  const app = {
    clientId: credentials.key,
    clientSecret: credentials.secret,
    developerId: '',
    scopes: ['order'],
    redirectUri: 'https://gateway.example/open/order/oauth/callback/4',
    attachInfo: {},
  }

  const push = (text: string) => {
    const body = Buffer.from(text)
    return { body, authorization: signBody({ key: credentials.key, secret: credentials.secret }, body) }
  }

  const post = (message: { body: Buffer; authorization: string }) => postSigned(`${gateway}/open/order/callback/4`, message)

  const find = (orderId: string): MarketOrder | undefined =>
    [...market.orders.values()].find(({ order }) => order.order_id === orderId)

  const simulator: LazadaSimulator = {
    channel: 4,
    origin,
    urls: { authorizeUrl: `${origin}/oauth/authorize`, authUrl: `${origin}/rest`, apiUrls: {}, apiUrl: `${origin}/rest` },
    market,
    credentials,
    calls,
    fail: faults.add,
    heal: faults.clear,
    refreshes: true,
    push,
    configuration: () => ({
      'authorize-url': `${origin}/oauth/authorize`,
      'auth-url': `${origin}/rest`,
      'api-url': `${origin}/rest`,
    }),
    app,
    connect(gatewayUrl) {
      gateway = gatewayUrl
    },
    addSeller: () => ({ sellerId: market.addStore().sellerId }),
    async consent(authorizeUrl, sellerId) {
      const { searchParams } = new URL(authorizeUrl)
      if (searchParams.get('client_id') !== credentials.key || searchParams.get('redirect_uri') !== app.redirectUri)
        throw new Error('The consent names another app or another address')
      const query = new URLSearchParams({ code: market.issueCode([sellerId]), state: searchParams.get('state') ?? '' })
      return `${gateway}/open/order/oauth/callback/4?${query}`
    },
    addOrder(sellerId) {
      const { order, lines } = market.addOrder(sellerId)
      return { orderId: order.order_id, lines: lines.length }
    },
    // One push for each line, as Lazada does.
    async notify(orderId, { attempts, pause }) {
      const entry = find(orderId)
      if (!entry) throw new Error('There is no such order')
      const seconds = Math.floor(clock() / 1000)
      for (const line of entry.lines) {
        const data = `{"order_status":"${line.status}","trade_order_id":"${orderId}","trade_order_line_id":"${line.order_item_id}","status_update_time":${seconds}}`
        const message = push(
          `{"seller_id":"${entry.sellerId}","message_type":0,"data":${data},"timestamp":${seconds},"site":"lazada_th"}`,
        )
        for (let attempt = 1; attempt <= attempts; attempt += 1) {
          if ((await post(message)) === 200) break
          await after(pause)
        }
      }
    },
    shipments(orderId) {
      const ready = find(orderId)?.lines.filter(({ status }) => status === 'ready_to_ship') ?? []
      return [...new Set(ready.map((line) => line.tracking_code))].map((trackingNumber) => ({ trackingNumber }))
    },
    close,
  }
  return simulator
}
