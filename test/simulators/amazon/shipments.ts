import { type Answer, refused } from './answering.ts'
import type { AmazonOrder, Market } from './market.ts'

type Confirmation = {
  marketplaceId?: string
  packageDetail?: {
    packageReferenceId?: string
    carrierCode?: string
    carrierName?: string
    trackingNumber?: string
    shipDate?: string
    orderItems?: { orderItemId: string; quantity: number }[]
  }
}

const ISO = /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/

/** Makes a package, or changes the one that has this reference, and refuses as the model's sandbox and its guide say. */
export function confirmShipment(market: Market, order: AmazonOrder, body: string): Answer {
  const { marketplaceId, packageDetail: detail } = JSON.parse(body) as Confirmation
  const problem = problemOf(order, marketplaceId, detail)
  if (problem !== undefined || !detail) return refused(400, 'InvalidInput', problem ?? 'packageDetail is missing')
  const reference = detail.packageReferenceId ?? ''
  const others = order.packages.filter(({ packageReferenceId }) => packageReferenceId !== reference)
  const packed = (id: string) =>
    others
      .flatMap(({ packageItems }) => packageItems)
      .reduce((sum, one) => sum + (one.orderItemId === id ? one.quantity : 0), 0)
  const items = detail.orderItems ?? []
  for (const { orderItemId, quantity } of items) {
    const item = order.orderItems.find((one) => one.orderItemId === orderItemId)
    if (!item || packed(orderItemId) + quantity > item.quantityOrdered)
      return refused(400, 'InvalidInput', 'Quantity exceeds the unshipped quantity')
  }
  const now = new Date(market.clock()).toISOString()
  const parcel = {
    packageReferenceId: reference,
    createdTime: now,
    packageStatus: { status: 'SHIPPED' },
    carrier: detail.carrierName ?? detail.carrierCode ?? '',
    shipTime: detail.shipDate ?? now,
    trackingNumber: detail.trackingNumber ?? '',
    packageItems: items,
  }
  order.packages = [...others, parcel]
  settle(order)
  market.touch(order)
  return { status: 204 }
}

function problemOf(
  order: AmazonOrder,
  marketplaceId: string | undefined,
  detail: Confirmation['packageDetail'],
): string | undefined {
  if (order.fulfillment.fulfilledBy !== 'MERCHANT') return 'Fulfillment by Amazon orders cannot be confirmed'
  if (['PENDING', 'CANCELLED'].includes(order.fulfillment.fulfillmentStatus)) return 'The order cannot be shipped'
  if (marketplaceId !== order.salesChannel.marketplaceId) return 'marketplaceId is wrong'
  if (!/^[1-9]\d*$/.test(detail?.packageReferenceId ?? '')) return 'packageReferenceId must be a positive number'
  if (!ISO.test(detail?.shipDate ?? '')) return 'shipDate is no ISO 8601 time'
  if (!detail?.trackingNumber || !detail.carrierCode) return 'trackingNumber and carrierCode are required'
  if (detail.carrierCode === 'Other' && !detail.carrierName) return 'carrierName is required'
  return (detail.orderItems ?? []).length === 0 ? 'orderItems is empty' : undefined
}

/** What the packages hold decides the status. */
function settle(order: AmazonOrder): void {
  for (const item of order.orderItems) {
    const shipped = order.packages
      .flatMap(({ packageItems }) => packageItems)
      .reduce((sum, one) => sum + (one.orderItemId === item.orderItemId ? one.quantity : 0), 0)
    item.fulfillment = { quantityFulfilled: shipped, quantityUnfulfilled: item.quantityOrdered - shipped }
  }
  const isWhole = order.orderItems.every(({ fulfillment }) => fulfillment.quantityUnfulfilled === 0)
  order.fulfillment.fulfillmentStatus = isWhole ? 'SHIPPED' : 'PARTIALLY_SHIPPED'
}
