import { randomBytes } from 'node:crypto'
import { createRandom } from '../../random.ts'

export type SimulatedStore = { sellerId: string; country: string }

/** As the API shows a line (/order/items/get), as far as anybody here reads it. */
export type LazadaLine = {
  order_item_id: string
  status: string
  name: string
  sku: string
  buyer_id: string
  package_id: string
  tracking_code: string
  shipment_provider: string
  updated_at: string
}

/** As the API shows an order (/orders/get). Ids are numbers there, some beyond 2^53. */
export type LazadaOrder = {
  order_id: string
  created_at: string
  updated_at: string
  payment_method: string
  customer_first_name: string
  customer_last_name: string
  buyer_note: string
  tax_code: string
  address_shipping: Record<string, string>
}

/**
 * `allocation`: TFS travels within the country, NTFS across borders. `late`: so many readings of the lines show them as they were
 * before they were packed. `isPassedOver`: its lines are left out where those of several orders are asked for.
 */
export type MarketOrder = {
  late?: { readings: number; lines: LazadaLine[] }
  isPassedOver?: boolean
  sellerId: string
  order: LazadaOrder
  lines: LazadaLine[]
  updated: number
  allocation: 'TFS' | 'NTFS'
}

/** The carriers that may be chosen; the first is Lazada's own choice. */
export const CARRIERS = [
  { name: 'Flash Express', provider_code: 'FM50' },
  { name: 'Kerry Express', provider_code: 'FM51' },
] as const

/** Stores, their consents and their orders; `clock` in milliseconds. */
export function createMarket({ seed, clock }: { seed: number; clock: () => number }) {
  const random = createRandom(seed)
  const stores = new Map<string, SimulatedStore>()
  const orders = new Map<string, MarketOrder>()
  const codes = new Map<string, readonly string[]>()
  const refreshTokens = new Map<string, readonly string[]>()
  const accessTokens = new Map<string, { stores: readonly string[]; expires: number }>()
  const { digits } = random
  let made = 0

  return {
    stores,
    orders,
    codes,
    refreshTokens,
    accessTokens,
    clock,
    addStore(country = 'th'): SimulatedStore {
      const store = { sellerId: `4005${digits(8)}`, country }
      stores.set(store.sellerId, store)
      return store
    },
    addOrder(sellerId: string, change: Partial<LazadaOrder> = {}, status = 'pending'): MarketOrder {
      made += 1
      const now = clock()
      const orderId = `97${String(made).padStart(5, '0')}${digits(9)}`
      const lines = Array.from(
        { length: 1 + random.below(2) },
        (_, index): LazadaLine => ({
          order_item_id: `96${String(made).padStart(5, '0')}${digits(8)}${index}`,
          status,
          name: `Sample product ${index + 1}`,
          sku: `SKU-${index + 1}`,
          buyer_id: `1001${digits(6)}`,
          package_id: '',
          tracking_code: '',
          shipment_provider: '',
          updated_at: written(now),
        }),
      )
      const order: LazadaOrder = {
        order_id: orderId,
        created_at: written(now - 60_000),
        updated_at: written(now),
        payment_method: 'MIXEDCARD',
        customer_first_name: 'ส***ง',
        customer_last_name: '',
        buyer_note: '',
        tax_code: '',
        address_shipping: {
          first_name: 'ส***ง',
          phone: '66********41',
          address1: '1 Sample Road',
          address3: 'กรุงเทพ/ Bangkok',
          address4: 'บางรัก/ Bang Rak',
          post_code: '10500',
          country: 'Thailand',
        },
        ...change,
      }
      const entry: MarketOrder = { sellerId, order, lines, updated: now, allocation: 'TFS' }
      orders.set(`${sellerId}:${orderId}`, entry)
      return entry
    },
    /** The time of the last update moves with every change. */
    touch(entry: MarketOrder): void {
      entry.updated = clock()
      entry.order.updated_at = written(entry.updated)
    },
    issueCode(sellerIds: readonly string[]): string {
      const code = `0_100001_${randomBytes(16).toString('base64url')}`
      codes.set(code, sellerIds)
      return code
    },
    issueRefreshToken(sellerIds: readonly string[]): string {
      const token = `50001${randomBytes(28).toString('hex')}`
      refreshTokens.set(token, sellerIds)
      return token
    },
    issueAccessToken(sellerIds: readonly string[], life = 864_000): string {
      const token = `50000${randomBytes(28).toString('hex')}`
      accessTokens.set(token, { stores: sellerIds, expires: clock() + life * 1000 })
      return token
    },
  }
}

export type Market = ReturnType<typeof createMarket>

/** As live answers write a moment, in Bangkok's time: `2018-10-31 10:18:27 +0700`. */
function written(time: number): string {
  return `${new Date(time + 7 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ')} +0700`
}
