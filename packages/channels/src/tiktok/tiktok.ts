import { createSend } from '../http.ts'
import type { App, CallBudget, Channel } from '../port.ts'
import { createOpenApi } from './call.ts'
import { createLimits } from './limits.ts'
import { createOrders } from './orders.ts'
import { createReceive } from './receive.ts'
import { createShipping } from './shipping.ts'
import { createReadShops, createShopCall } from './shops.ts'
import { createTokens } from './tokens.ts'

/** TikTok's addresses. `authorizeUrl` differs between the United States and the rest of the world. */
export type TiktokUrls = { authorizeUrl: string; authUrl: string; apiUrl: string }

export type TiktokOptions = {
  urls: TiktokUrls
  /** Our registrations, whose keys sign webhooks; read each time, so that a new secret is seen. */
  apps: () => Promise<readonly App[]>
  budget: CallBudget
  /** Milliseconds since 1970. */
  clock?: () => number
  /** Milliseconds for one request, body included; 10 s unless said otherwise. */
  timeout?: number
}

const TIMEOUT = 10_000

/** TikTok Shop as a channel. A seller is a shop; the ciphers of shops are kept in memory and nothing else is. */
export function createTiktok(options: TiktokOptions): Channel {
  const { urls, apps, budget, clock = Date.now } = options
  const send = createSend({ channel: 'tiktok', name: 'TikTok Shop', timeout: options.timeout ?? TIMEOUT })
  const api = createOpenApi({ url: urls.apiUrl, send, budget, clock })
  const readShops = createReadShops(api)
  const call = createShopCall({ api, readShops, limits: createLimits({ clock }) })
  const orders = createOrders({ call })
  return {
    number: 2,
    name: 'TikTok Shop',
    // An empty 200 within three seconds; anything else is sent again four times and then dropped.
    webhook: { success: 200, deadline: 2_500 },
    statelessConsents: true,
    // The shops of a cross-border seller consent together.
    sharesGrants: true,
    authorizeUrl: (app, { state }) => authorizeUrl(urls.authorizeUrl, app, state),
    ...createTokens({ url: urls.authUrl, send, budget, readShops, clock }),
    challenge: () => null,
    receive: createReceive({ apps }),
    ...orders,
    ...createShipping({ call, getOrder: orders.getOrder }),
  }
}

/** The consent page knows an app by its service id, which `eg_order_app.developer_id` holds for this channel. */
function authorizeUrl(base: string, app: App, state: string): string {
  const url = new URL(base)
  url.searchParams.set('service_id', app.developerId)
  url.searchParams.set('state', state)
  return url.href
}
