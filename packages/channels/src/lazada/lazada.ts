import { createSend } from '../http.ts'
import { type App, type CallBudget, type Channel, ChannelError } from '../port.ts'
import { createRest, createSellerCall } from './call.ts'
import { createOrders } from './orders.ts'
import { createReceive } from './receive.ts'
import { createShipping } from './shipping.ts'
import { createTokens } from './tokens.ts'

/**
 * Addresses of one platform on Lazada's engine (AliExpress runs on the same). `apiUrls` are by country, two lower-case letters,
 * each with `/rest`; `apiUrl` stands for every country that is not among them.
 */
export type LazadaUrls = {
  authorizeUrl: string
  authUrl: string
  apiUrls: Readonly<Record<string, string>>
  apiUrl?: string
}

export type LazadaOptions = {
  urls: LazadaUrls
  /** Our registrations, whose keys sign pushes; read each time, so that a new secret is seen. */
  apps: () => Promise<readonly App[]>
  budget: CallBudget
  /** Milliseconds since 1970. */
  clock?: () => number
  /** Milliseconds for one request, body included; 10 s unless said otherwise. */
  timeout?: number
}

const TIMEOUT = 10_000

/** Lazada as a channel. A seller is a store of one country; nothing is kept in memory. */
export function createLazada(options: LazadaOptions): Channel {
  const { urls, apps, budget, clock = Date.now } = options
  const send = createSend({ channel: 'lazada', name: 'Lazada', timeout: options.timeout ?? TIMEOUT })
  const rest = createRest({ send, budget, clock })
  const hostOf = (country: string) => urls.apiUrls[country.toLowerCase()] ?? urls.apiUrl ?? unknownCountry(country)
  const call = createSellerCall({ rest, hostOf })
  const { readItems, ...orders } = createOrders({ call })
  return {
    number: 4,
    name: 'Lazada',
    // 200 within half a second, or it counts as failed.
    webhook: { success: 200, deadline: 400 },
    // The stores of a seller in several countries consent together, and no refresh moves the day on which that ends.
    sharesGrants: true,
    deadlineStays: true,
    authorizeUrl: (app, { state }) => authorizeUrl(urls.authorizeUrl, app, state),
    ...createTokens({ url: urls.authUrl, rest, clock }),
    challenge: () => null,
    receive: createReceive({ apps }),
    ...orders,
    ...createShipping({ call, readItems }),
  }
}

function unknownCountry(country: string): never {
  throw new ChannelError(
    'CHANNEL_REQUEST_REFUSED',
    `Nothing says where the API of country '${country}' is: set qifu.eg.lazada.api-url in the configuration`,
    { remedy: 'person' },
  )
}

/** `redirect_uri` must be the console's callback address to the letter. */
function authorizeUrl(base: string, app: App, state: string): string {
  const url = new URL(base)
  const parameters = {
    response_type: 'code',
    force_auth: 'true',
    redirect_uri: app.redirectUri,
    client_id: app.clientId,
    state,
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}
