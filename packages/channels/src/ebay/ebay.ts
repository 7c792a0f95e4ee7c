import { createSend } from '../http.ts'
import type { App, CallBudget, Channel } from '../port.ts'
import { createAppTokens } from './app-token.ts'
import { authorizeUrl } from './authorize.ts'
import { answerChallenge } from './challenge.ts'
import { createKeyEndpoint } from './key-endpoint.ts'
import { createOrders } from './orders.ts'
import { createPublicKeys } from './public-keys.ts'
import { createReceive } from './receive.ts'
import { createSellerCall } from './seller-call.ts'
import { createShipping } from './shipping.ts'
import { createTokenEndpoint } from './token-endpoint.ts'
import { createCodeExchange, createRefresh } from './tokens.ts'

/** eBay's addresses. `shippingFulfillmentUrl` holds `{orderId}`, `publicKeyUrl` holds `{kid}`. */
export type EbayUrls = {
  authorizeUrl: string
  tokenUrl: string
  orderUrl: string
  shippingFulfillmentUrl: string
  publicKeyUrl: string
  /** getUser lives on another host than the rest: apiz.ebay.com (Commerce Identity API, servers). */
  userUrl: string
}

export type EbayOptions = {
  urls: EbayUrls
  challengeVerificationToken?: string
  /** The webhook's address as registered at eBay, byte for byte. */
  notificationEndpoint?: string
  /** Our registration at eBay, for calls that no seller stands behind; read each time, so that a new secret is seen. */
  app: () => Promise<App>
  budget: CallBudget
  /** Milliseconds since 1970. */
  clock?: () => number
  /** Milliseconds for one request, body included; 10 s unless said otherwise. */
  timeout?: number
}

const TIMEOUT = 10_000

/** eBay as a channel. It keeps tokens of the app and public keys in memory and nothing else. */
export function createEbay(options: EbayOptions): Channel {
  const { urls, budget, clock = Date.now } = options
  const send = createSend({ channel: 'ebay', name: 'eBay', timeout: options.timeout ?? TIMEOUT })
  const requestTokens = createTokenEndpoint({ url: urls.tokenUrl, send, budget, clock })
  const appTokens = createAppTokens({ app: options.app, requestTokens, clock })
  const fetchKey = createKeyEndpoint({ url: urls.publicKeyUrl, send, budget, appTokens, clock })
  const call = createSellerCall({ send, budget })
  const challengeOptions = {
    ...(options.challengeVerificationToken === undefined ? {} : { verificationToken: options.challengeVerificationToken }),
    ...(options.notificationEndpoint === undefined ? {} : { endpoint: options.notificationEndpoint }),
  }
  return {
    number: 1,
    name: 'eBay',
    // Any of 200, 201, 202 and 204 within three seconds.
    webhook: { success: 204, deadline: 2_500 },
    authorizeUrl: (app, consent) => authorizeUrl(urls.authorizeUrl, app, consent),
    exchangeCode: createCodeExchange({ userUrl: urls.userUrl, requestTokens, send, budget, clock }),
    refresh: createRefresh({ requestTokens, clock }),
    challenge: (query) => answerChallenge(query, challengeOptions),
    receive: createReceive({ findKey: createPublicKeys({ fetchKey, clock }).find }),
    ...createOrders({ url: urls.orderUrl, call, clock }),
    ...createShipping({ url: urls.shippingFulfillmentUrl, call, clock }),
  }
}
