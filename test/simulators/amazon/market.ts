import { randomBytes } from 'node:crypto'
import { createRandom } from '../../random.ts'

export type SimulatedAccount = { sellerId: string; region: string }

export type AmazonItem = {
  orderItemId: string
  quantityOrdered: number
  product: { asin: string; title: string; sellerSku: string }
  cancellation?: Record<string, unknown>
  fulfillment: { quantityFulfilled: number; quantityUnfulfilled: number }
}

export type AmazonPackage = {
  packageReferenceId: string
  createdTime: string
  packageStatus: { status: string }
  carrier: string
  shipTime: string
  trackingNumber: string
  packageItems: { orderItemId: string; quantity: number }[]
}

/** As the API shows it (Orders API v2026-01-01), as far as anybody here reads it. */
export type AmazonOrder = {
  orderId: string
  createdTime: string
  lastUpdatedTime: string
  salesChannel: { channelName: string; marketplaceId: string; marketplaceName: string }
  buyer: Record<string, unknown>
  recipient: Record<string, unknown>
  fulfillment: { fulfillmentStatus: string; fulfilledBy: string; fulfillmentServiceLevel: string }
  orderItems: AmazonItem[]
  packages: AmazonPackage[]
  tax: Record<string, unknown>
}

export type MarketOrder = { sellerId: string; order: AmazonOrder }

/** What Amazon shows is about as old as this. */
const LAG = 150_000

/** Accounts, their consents and their orders; `clock` in milliseconds. */
export function createMarket({ seed, clock }: { seed: number; clock: () => number }) {
  const random = createRandom(seed)
  const accounts = new Map<string, SimulatedAccount>()
  const orders = new Map<string, MarketOrder>()
  const codes = new Map<string, string>()
  const refreshTokens = new Map<string, string>()
  const accessTokens = new Map<string, { sellerId: string; expires: number }>()
  const { digits } = random
  const written = (time: number) => new Date(time).toISOString()
  let made = 0

  function addOrder(sellerId: string, change: Partial<AmazonOrder> = {}): AmazonOrder {
    made += 1
    const updated = written(clock() - LAG)
    const order: AmazonOrder = {
      orderId: `${digits(3)}-${String(made).padStart(7, '0')}-${digits(7)}`,
      createdTime: written(clock() - LAG - 60_000),
      lastUpdatedTime: updated,
      salesChannel: { channelName: 'AMAZON', marketplaceId: 'A1PA6795UKMFR9', marketplaceName: 'Amazon.de' },
      buyer: { buyerName: 'Sample Buyer', buyerEmail: 'simulated@marketplace.example' },
      recipient: {
        deliveryAddress: {
          name: 'Sample Person',
          addressLine1: '1 Sample Street',
          city: 'Sampletown',
          stateOrRegion: 'Berlin',
          postalCode: '10115',
          countryCode: 'DE',
          phone: '+49 30 5550100',
        },
      },
      fulfillment: { fulfillmentStatus: 'UNSHIPPED', fulfilledBy: 'MERCHANT', fulfillmentServiceLevel: 'STANDARD' },
      orderItems: Array.from({ length: 1 + random.below(2) }, (_, index) => {
        const quantityOrdered = 1 + random.below(3)
        return {
          orderItemId: digits(14),
          quantityOrdered,
          product: { asin: `B0${digits(8)}`, title: `Sample product ${index + 1}`, sellerSku: `SKU-${index + 1}` },
          fulfillment: { quantityFulfilled: 0, quantityUnfulfilled: quantityOrdered },
        }
      }),
      packages: [],
      tax: {},
      ...change,
    }
    orders.set(order.orderId, { sellerId, order })
    return order
  }

  return {
    accounts,
    orders,
    codes,
    refreshTokens,
    accessTokens,
    clock,
    addOrder,
    addAccount(region = 'eu'): SimulatedAccount {
      const account = { sellerId: `A${digits(13)}`, region }
      accounts.set(account.sellerId, account)
      return account
    },
    /** The time of the last update moves with every change. */
    touch(order: AmazonOrder): void {
      order.lastUpdatedTime = written(clock())
    },
    issueCode(sellerId: string): string {
      const code = `AN${randomBytes(9).toString('hex')}`
      codes.set(code, sellerId)
      return code
    },
    /** As long as Amazon's may be: 2,048 bytes. */
    issueRefreshToken(sellerId: string): string {
      const token = `Atzr|${randomBytes(1_532).toString('base64url')}`
      refreshTokens.set(token, sellerId)
      return token
    },
    issueAccessToken(sellerId: string, life = 3_600): string {
      const token = `Atza|${randomBytes(270).toString('base64url')}`
      accessTokens.set(token, { sellerId, expires: clock() + life * 1000 })
      return token
    },
  }
}

export type Market = ReturnType<typeof createMarket>
