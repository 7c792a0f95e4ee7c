import type { OrderStatus } from '@tributary/events'

/** The raw values that decide an order's status; undefined when the order does not have them. */
export type EbayState = {
  cancelState: string | undefined
  paymentStatus: string | undefined
  fulfillmentStatus: string | undefined
  /** Whether the order or one of its lines carries a refund. */
  refunded: boolean
}

/** eBay's enumerations: CancelStateEnum, OrderPaymentStatusEnum, OrderFulfillmentStatus (Fulfillment API v1.20). */
export const CANCEL_STATES: ReadonlySet<string> = new Set(['NONE_REQUESTED', 'IN_PROGRESS', 'CANCELED'])
export const PAYMENT_STATUSES: ReadonlySet<string> = new Set([
  'FAILED',
  'FULLY_REFUNDED',
  'PAID',
  'PARTIALLY_REFUNDED',
  'PENDING',
])

const BY_FULFILLMENT: ReadonlyMap<string, OrderStatus> = new Map([
  ['NOT_STARTED', 'AWAITING_SHIPMENT'],
  ['IN_PROGRESS', 'PARTIALLY_SHIPPED'],
  ['FULFILLED', 'SHIPPED'],
])
export const FULFILLMENT_STATUSES: ReadonlySet<string> = new Set(BY_FULFILLMENT.keys())

/**
 * The normal status; the first rule that fits wins. A value that we don't know is never read as "may be shipped". FAILED and
 * PENDING speak of the payment only while nothing was refunded, else of the refund (eBay, OrderPaymentStatusEnum). eBay's
 * order never says that a parcel was delivered. A missing cancel state means that nobody asked for one.
 */
export function orderStatus({
  cancelState = 'NONE_REQUESTED',
  paymentStatus,
  fulfillmentStatus,
  refunded,
}: EbayState): OrderStatus {
  if (cancelState === 'CANCELED') return 'CANCELLED'
  if (paymentStatus === 'FULLY_REFUNDED') return 'REFUNDED'
  if (!refunded && paymentStatus === 'FAILED') return 'PAYMENT_FAILED'
  if (!refunded && paymentStatus === 'PENDING') return 'PENDING_PAYMENT'
  if (cancelState === 'IN_PROGRESS' && fulfillmentStatus !== 'FULFILLED') return 'CANCEL_REQUESTED'
  if (!CANCEL_STATES.has(cancelState) || !PAYMENT_STATUSES.has(paymentStatus ?? '')) return 'UNKNOWN'
  return BY_FULFILLMENT.get(fulfillmentStatus ?? '') ?? 'UNKNOWN'
}
