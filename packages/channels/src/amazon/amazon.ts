import { createSend } from '../http.ts'
import { type CallBudget, type Channel, ChannelError } from '../port.ts'
import { createAttempt, createSellerCall } from './call.ts'
import { createAuthorizeUrl } from './consent.ts'
import { createOrders, LAG, PAGES_LAST } from './orders.ts'
import { createProvesSeller } from './prove-seller.ts'
import { type AmazonQueueOptions, createQueue } from './queue.ts'
import { createRates } from './rates.ts'
import { createReceive } from './receive.ts'
import { createRegionSearch } from './region-search.ts'
import { REGIONS } from './regions.ts'
import { createShipping } from './shipping.ts'
import { createTokens } from './tokens.ts'

/** Amazon's addresses. `apiUrls` are by region (na, eu, fe); `apiUrl` stands for all of them, `authorizeUrl` for the consent pages of all countries. */
export type AmazonUrls = {
  authorizeUrl?: string
  tokenUrl: string
  apiUrls: Readonly<Record<string, string>>
  apiUrl?: string
}

export type AmazonOptions = {
  urls: AmazonUrls
  /** Whether the app is not published yet: Amazon has another consent page for those. */
  draft?: boolean
  /** The topics whose messages the webhook takes, by ARN. */
  topics?: readonly string[]
  /** Where Amazon puts its notifications, if there is such a queue. */
  queue?: AmazonQueueOptions
  /** Where SNS is reached instead of the host that a message names; for a simulated one. */
  snsOrigin?: string
  budget: CallBudget
  /** Milliseconds since 1970. */
  clock?: () => number
  /** Milliseconds for one request, body included; 10 s unless said otherwise. */
  timeout?: number
}

const TIMEOUT = 10_000
/** Login with Amazon refuses every call of an app whose secret is older ("Rotate your application's client secret"). */
const SECRET_LIFE = 180 * 86_400_000

/** Amazon's Selling Partner API as a channel. A seller is an account of one region; buckets of calls and certificates are kept in memory. */
export function createAmazon(options: AmazonOptions): Channel {
  const { urls, budget, clock = Date.now } = options
  const send = createSend({ channel: 'amazon', name: 'Amazon', timeout: options.timeout ?? TIMEOUT })
  const hostOf = (region: string) => urls.apiUrl ?? urls.apiUrls[region] ?? unknownRegion(region)
  const attempt = createAttempt({ send, budget, rates: createRates({ clock }), hostOf, clock })
  const call = createSellerCall(attempt)
  const orders = createOrders({ call, clock })
  const regions = urls.apiUrl === undefined ? Object.keys(urls.apiUrls) : ['']
  return {
    number: 3,
    name: 'Amazon',
    // SNS waits 15 s.
    webhook: { success: 200, deadline: 5_000 },
    // An authorization ends a year after it was given.
    deadlineStays: true,
    secretLife: SECRET_LIFE,
    codeParameter: 'spapi_oauth_code',
    lag: LAG,
    pagesLast: PAGES_LAST,
    ...(options.queue === undefined ? {} : { queue: createQueue(options.queue) }),
    authorizeUrl: createAuthorizeUrl({
      draft: options.draft ?? false,
      ...(urls.authorizeUrl === undefined ? {} : { page: urls.authorizeUrl }),
    }),
    ...createTokens({ url: urls.tokenUrl, send, budget, clock, findRegion: createRegionSearch({ attempt, regions, clock }) }),
    ...createProvesSeller({ attempt, clock }),
    challenge: () => null,
    receive: createReceive({ send, topics: options.topics ?? [], clock, origin: options.snsOrigin }),
    ...orders,
    ...createShipping({ call, getOrder: orders.getOrder, clock }),
  }
}

function unknownRegion(region: string): never {
  const message = `Nothing says where the API of region '${region}' is (known: ${REGIONS.join(', ')}). Set qifu.eg.amazon.api-url, or let the seller consent again`
  throw new ChannelError('CHANNEL_REQUEST_REFUSED', message, { remedy: 'person' })
}
