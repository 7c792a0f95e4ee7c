import { randomBytes } from 'node:crypto'
import type { EbayUrls } from '@tributary/channels/ebay'
import express from 'express'
import { serve } from '../serving.ts'
import { createFaults, type Fault, type OperationName } from './faults.ts'
import { fulfillmentRoutes } from './fulfillment-routes.ts'
import { createOrderGenerator } from './generator.ts'
import { keyRoutes } from './key-routes.ts'
import { createMarket, type Market, type SimulatedApp } from './market.ts'
import { createNotifications, type Notifications } from './notifications.ts'
import { consentUrl, oauthRoutes } from './oauth-routes.ts'
import { createOperations, type RequestRecord } from './operations.ts'
import { orderRoutes } from './order-routes.ts'
import { createSigningKeys, type SigningKeys } from './signing-keys.ts'

/** A marketplace that plays eBay over HTTP on loopback. */
export type EbaySimulator = {
  /** For the channel's configuration. */
  urls: EbayUrls
  /** What eBay calls our keyset: client id and secret (made at start), RuName, and where a browser goes after consent. */
  app: SimulatedApp
  /** What an order, a seller and a grant are here; change it to make things happen. */
  market: Market
  notifications: Notifications
  keys: SigningKeys
  /** Every call that arrived, oldest first; the last 10,000. */
  requests: RequestRecord[]
  /** How often a call arrived. */
  count(operation: OperationName): number
  /** Makes a later call go wrong. */
  fail(fault: Fault): void
  /** No more faults. */
  heal(): void
  /** Follows a consent as a browser would: the address it is sent to afterwards, with `code` and `state`, or `error`. */
  consent(authorizeUrl: string, decision: { userId: string; accept: boolean }): Promise<string>
  /** A refresh token without the way through a browser. */
  grant(userId: string, scopes?: readonly string[]): string
  close(): Promise<void>
}

/** The scopes our product asks for. */
export const EBAY_SCOPES = [
  'https://api.ebay.com/oauth/api_scope/sell.fulfillment',
  'https://api.ebay.com/oauth/api_scope/commerce.notification.subscription',
  'https://api.ebay.com/oauth/api_scope/commerce.identity.readonly',
] as const

/** Starts the simulator. `seed` repeats its orders; `port` 0 or none takes a free one; `clock` moves its time. */
export async function createEbaySimulator(
  options: { seed?: number; port?: number; clock?: () => number } = {},
): Promise<EbaySimulator> {
  const clock = options.clock ?? Date.now
  const faults = createFaults()
  const requests: RequestRecord[] = []
  const market = createMarket({ generate: createOrderGenerator(options.seed ?? 1), clock })
  const keys = createSigningKeys()
  const operation = createOperations({ faults, requests, clock })

  const application = express()
  application.use(express.text({ type: () => true, limit: '16mb' }))
  application.use(oauthRoutes(market, operation))
  application.use(orderRoutes(market, operation))
  application.use(fulfillmentRoutes(market, operation))
  application.use(keyRoutes(market, keys, operation))

  const { origin: base, close } = await serve(application, options.port)

  const app: SimulatedApp = {
    clientId: 'Simulated-Tributary-SBX',
    clientSecret: randomBytes(18).toString('hex'),
    ruName: 'Simulated_Tributary-RuName',
    acceptUrl: `${base}/accepted`,
    rejectUrl: `${base}/declined`,
  }
  market.apps.set(app.clientId, app)

  return {
    urls: {
      authorizeUrl: `${base}/oauth2/authorize`,
      tokenUrl: `${base}/identity/v1/oauth2/token`,
      orderUrl: `${base}/sell/fulfillment/v1/order`,
      shippingFulfillmentUrl: `${base}/sell/fulfillment/v1/order/{orderId}/shipping_fulfillment`,
      publicKeyUrl: `${base}/commerce/notification/v1/public_key/{kid}`,
      userUrl: `${base}/commerce/identity/v1/user/`,
    },
    app,
    market,
    notifications: createNotifications(market, keys),
    keys,
    requests,
    count: (name) => requests.filter((request) => request.operation === name).length,
    fail: faults.add,
    heal: faults.clear,
    async consent(authorizeUrl, decision) {
      const response = await fetch(consentUrl(authorizeUrl, decision), { redirect: 'manual' })
      const location = response.headers.get('location')
      if (!location) throw new Error(`The simulated consent was answered with ${response.status}`)
      return location
    },
    grant: (userId, scopes = EBAY_SCOPES) => market.issueGrant({ clientId: app.clientId, userId, scopes: [...scopes] }),
    close,
  }
}
