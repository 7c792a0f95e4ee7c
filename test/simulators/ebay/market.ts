import { randomBytes } from 'node:crypto'
import type { OrderGenerator } from './generator.ts'
import type { EbayOrder } from './order.ts'

export type SimulatedSeller = { userId: string; username: string; marketplaceId: string }

/** Our app as eBay's developer portal knows it. A decline goes to `rejectUrl`. */
export type SimulatedApp = { clientId: string; clientSecret: string; ruName: string; acceptUrl: string; rejectUrl: string }

export type SimulatedFulfillment = {
  fulfillmentId: string
  shipmentTrackingNumber: string
  shippingCarrierCode: string
  shippedDate: string
  lineItems: { lineItemId: string; quantity: number }[]
}

type Code = { clientId: string; userId: string; scopes: string[]; expires: number }
type Grant = { clientId: string; userId: string; scopes: string[] }
export type Access = { userId: string | null; scopes: readonly string[]; expires: number }

/** An order, and the exact text to answer with where a test wants one. */
export type MarketOrder = { userId: string; order: EbayOrder; text: string | null; fulfillments: SimulatedFulfillment[] }

/** What an order becomes: some of its members, or a change made in place. */
export type OrderChange = Partial<EbayOrder> | ((order: EbayOrder) => void)

/** Everything the simulated marketplace knows. Times in milliseconds since 1970 by its own clock. */
export type Market = ReturnType<typeof createMarket>

const CODE_LIFE = 299_000
export const ACCESS_LIFE = 7200
export const REFRESH_LIFE = 47_304_000

export function createMarket(options: { generate: OrderGenerator; clock: () => number }) {
  const { clock } = options
  const apps = new Map<string, SimulatedApp>()
  const sellers = new Map<string, SimulatedSeller>()
  const orders = new Map<string, MarketOrder>()
  const codes = new Map<string, Code>()
  const grants = new Map<string, Grant>()
  const accesses = new Map<string, Access>()

  function addSeller(seller: Partial<SimulatedSeller> = {}): SimulatedSeller {
    const number = sellers.size + 1
    const added = {
      userId: `SYNuser${String(number).padStart(4, '0')}`,
      username: `synthetic_seller_${number}`,
      marketplaceId: 'EBAY_US',
      ...seller,
    }
    sellers.set(added.userId, added)
    return added
  }

  function addOrder(userId: string, change: OrderChange = {}): EbayOrder {
    const seller = sellers.get(userId)
    if (!seller) throw new Error(`The simulated marketplace has no seller ${userId}`)
    const order = apply(options.generate(seller, clock()), change)
    orders.set(order.orderId, { userId, order, text: null, fulfillments: [] })
    return order
  }

  /** An order that is answered with exactly this text; `order` says when it was made and changed. */
  function addOrderText(userId: string, text: string, order: Partial<EbayOrder> = {}): EbayOrder {
    const added = addOrder(userId, order)
    orders.set(added.orderId, { userId, order: added, text, fulfillments: [] })
    return added
  }

  /** Changes an order and its time of modification, unless the change says another. */
  function updateOrder(orderId: string, change: OrderChange): EbayOrder {
    const entry = orders.get(orderId)
    if (!entry) throw new Error(`The simulated marketplace has no order ${orderId}`)
    entry.order = apply({ ...structuredClone(entry.order), lastModifiedDate: new Date(clock()).toISOString() }, change)
    return entry.order
  }

  /** A code for a consent. It holds `^` and `#`, as eBay's do. */
  function issueCode(clientId: string, userId: string, scopes: string[]): string {
    const code = `v^1.1#i^1#f^0#r^1#p^3#I^3#t^${randomBytes(24).toString('base64')}`
    codes.set(code, { clientId, userId, scopes, expires: clock() + CODE_LIFE })
    return code
  }

  /** Null when the code is unknown, used, too old or another app's. */
  function redeemCode(clientId: string, code: string): Grant | null {
    const entry = codes.get(code)
    codes.delete(code)
    return entry && entry.clientId === clientId && clock() < entry.expires ? entry : null
  }

  function issueGrant(grant: Grant): string {
    const refreshToken = `v^1.1#i^1#p^3#r^1#I^3#f^0#t^Ul4x${randomBytes(36).toString('base64')}`
    grants.set(refreshToken, { clientId: grant.clientId, userId: grant.userId, scopes: grant.scopes })
    return refreshToken
  }

  /** About as long as eBay's user tokens. */
  function issueAccess(userId: string | null, scopes: readonly string[]): string {
    const token = `v^1.1#i^1#t^${randomBytes(1400).toString('base64')}`
    accesses.set(token, { userId, scopes, expires: clock() + ACCESS_LIFE * 1000 })
    return token
  }

  function accessOf(token: string): Access | null {
    const access = accesses.get(token)
    return access && clock() < access.expires ? access : null
  }

  /** The user takes back the consent: refreshes fail with invalid_grant, tokens die at once. */
  function revoke(userId: string): void {
    for (const [token, grant] of grants) if (grant.userId === userId) grants.delete(token)
    expireAccess(userId)
  }

  /** Access tokens of a seller (or all, the app's too) die before their time. */
  function expireAccess(userId?: string): void {
    for (const [token, access] of accesses) if (userId === undefined || access.userId === userId) accesses.delete(token)
  }

  return {
    apps,
    sellers,
    orders,
    grants,
    clock,
    addSeller,
    addOrder,
    addOrderText,
    updateOrder,
    issueCode,
    redeemCode,
    issueGrant,
    issueAccess,
    accessOf,
    revoke,
    expireAccess,
  }
}

function apply(order: EbayOrder, change: OrderChange): EbayOrder {
  if (typeof change === 'object') return { ...order, ...change }
  change(order)
  return order
}
