import { randomBytes } from 'node:crypto'
import { createRandom } from '../../random.ts'

export type SimulatedShop = { id: string; name: string; region: string; cipher: string }

export type TiktokLine = {
  id: string
  product_name: string
  seller_sku: string
  sku_id: string
  display_status: string
  package_status: string
  package_id: string
  tracking_number: string
}

/** As the API shows it (Get Order List 202309), as far as anybody here reads it. */
export type TiktokOrder = {
  id: string
  status: string
  create_time: number
  update_time: number
  paid_time: number
  is_cod: boolean
  is_buyer_request_cancel: boolean
  user_id: string
  buyer_email: string
  buyer_message: string
  shipping_type: 'SELLER' | 'TIKTOK'
  delivery_option_id: string
  recipient_address: Record<string, unknown>
  packages: { id: string }[]
  line_items: TiktokLine[]
}

export type MarketOrder = { shopId: string; order: TiktokOrder }

/** The carriers of every simulated shop. */
export const PROVIDERS = [
  { id: '6617675021119438849', name: 'TT Virtual express' },
  { id: '6617675021119438850', name: 'UPS' },
] as const

/** Shops, their consents and their orders; `clock` in milliseconds. */
export function createMarket({ seed, clock }: { seed: number; clock: () => number }) {
  const random = createRandom(seed)
  const shops = new Map<string, SimulatedShop>()
  const orders = new Map<string, MarketOrder>()
  /** Shops behind a code, a refresh token or an access token. */
  const codes = new Map<string, readonly string[]>()
  const refreshTokens = new Map<string, readonly string[]>()
  const accessTokens = new Map<string, { shops: readonly string[]; expires: number }>()
  const seconds = () => Math.floor(clock() / 1000)
  const { digits } = random
  let made = 0

  function addOrder(shopId: string, change: Partial<TiktokOrder> = {}): TiktokOrder {
    made += 1
    const packageId = `115${digits(16)}`
    const lines = 1 + random.below(2)
    const order: TiktokOrder = {
      id: `5764${String(made).padStart(4, '0')}${digits(10)}`,
      status: 'AWAITING_SHIPMENT',
      create_time: seconds() - 60,
      update_time: seconds(),
      paid_time: seconds() - 30,
      is_cod: false,
      is_buyer_request_cancel: false,
      user_id: `7021${digits(15)}`,
      buyer_email: 'simulated@chat.seller.example',
      buyer_message: '',
      shipping_type: 'SELLER',
      delivery_option_id: '7091146663229654785',
      recipient_address: {
        name: 'Sample Person',
        phone_number: '(+1)213-555-0100',
        address_line1: '1 Sample Street',
        address_line2: '',
        address_detail: '1 Sample Street',
        full_address: '1 Sample Street, Sampletown',
        district_info: [{ address_level: 'L1', address_level_name: 'State', address_name: 'California' }],
        postal_code: '95110',
        region_code: 'US',
        post_town: 'Sampletown',
      },
      packages: [{ id: packageId }],
      line_items: Array.from({ length: lines }, (_, index) => ({
        id: `5770${digits(14)}`,
        product_name: `Sample product ${index + 1}`,
        seller_sku: `SKU-${index + 1}`,
        sku_id: `2729${digits(15)}`,
        display_status: 'AWAITING_SHIPMENT',
        package_status: 'TO_FULFILL',
        package_id: packageId,
        tracking_number: '',
      })),
      ...change,
    }
    orders.set(order.id, { shopId, order })
    return order
  }

  return {
    shops,
    orders,
    codes,
    refreshTokens,
    accessTokens,
    clock,
    addOrder,
    addShop(region = 'US'): SimulatedShop {
      const id = `7494${digits(15)}`
      const shop = { id, name: `Simulated shop ${shops.size + 1}`, region, cipher: `ROW_${randomBytes(12).toString('hex')}` }
      shops.set(id, shop)
      return shop
    },
    /** Gives a shop another cipher; the one before is refused from now on. */
    renewCipher(shopId: string): void {
      const shop = shops.get(shopId)
      if (shop) shop.cipher = `ROW_${randomBytes(12).toString('hex')}`
    },
    /** Changes an order as the marketplace would: the time of its last update moves. */
    change(orderId: string, change: Partial<TiktokOrder>): void {
      const found = orders.get(orderId)
      if (found) Object.assign(found.order, { update_time: seconds() }, change)
    },
    issueCode(shopIds: readonly string[]): string {
      const code = `ROW_${randomBytes(40).toString('base64url')}`
      codes.set(code, shopIds)
      return code
    },
    issueRefreshToken(shopIds: readonly string[]): string {
      const token = `ROW_${randomBytes(48).toString('hex')}`
      refreshTokens.set(token, shopIds)
      return token
    },
    issueAccessToken(shopIds: readonly string[]): { token: string; expires: number } {
      const token = `ROW_${randomBytes(60).toString('base64url')}`
      const expires = seconds() + 7 * 86_400
      accessTokens.set(token, { shops: shopIds, expires })
      return { token, expires }
    },
  }
}

export type Market = ReturnType<typeof createMarket>
