import type { OrderStatus } from '@tributary/events'

/** `FulfillmentStatus` of Orders API v2026-01-01. */
const STATUSES: ReadonlyMap<string, OrderStatus> = new Map([
  ['PENDING_AVAILABILITY', 'PENDING_PAYMENT'],
  // Neither address nor prices yet.
  ['PENDING', 'PENDING_PAYMENT'],
  ['UNSHIPPED', 'AWAITING_SHIPMENT'],
  ['PARTIALLY_SHIPPED', 'PARTIALLY_SHIPPED'],
  ['SHIPPED', 'SHIPPED'],
  ['CANCELLED', 'CANCELLED'],
  ['UNFULFILLABLE', 'UNFULFILLABLE'],
])

export const isKnownStatus = (status: string): boolean => STATUSES.has(status)

/** What decides an order's status. `delivered` says that every unit lies in a package that has arrived. */
export type AmazonState = {
  fulfillmentStatus: string | undefined
  fulfilledBy: string | undefined
  cancelAsked: boolean
  delivered: boolean
}

/**
 * The normal status. What Amazon's own warehouses send (AMAZON, once called AFN) must never leave ours, so its open orders wait to be
 * collected there; and neither may an order be shipped of which nothing says who sends it.
 */
export function orderStatus({ fulfillmentStatus, fulfilledBy, cancelAsked, delivered }: AmazonState): OrderStatus {
  const status = STATUSES.get(fulfillmentStatus ?? '') ?? 'UNKNOWN'
  if (status === 'SHIPPED') return delivered ? 'DELIVERED' : 'SHIPPED'
  if (status !== 'AWAITING_SHIPMENT' && status !== 'PARTIALLY_SHIPPED') return status
  if (cancelAsked) return 'CANCEL_REQUESTED'
  if (fulfilledBy === 'AMAZON') return 'AWAITING_COLLECTION'
  return fulfilledBy === 'MERCHANT' ? status : 'UNKNOWN'
}

/** In eBay's words, because Amazon has none for the order. */
export function cancelState(fulfillmentStatus: string | undefined, cancelAsked: boolean): string {
  if (fulfillmentStatus === 'CANCELLED') return 'CANCELED'
  return cancelAsked ? 'IN_PROGRESS' : 'NONE_REQUESTED'
}

/** Amazon's order says nothing of money but that it waits for it. */
export function paymentStatus(fulfillmentStatus: string | undefined): string {
  if (!STATUSES.has(fulfillmentStatus ?? '')) return ''
  return STATUSES.get(fulfillmentStatus ?? '') === 'PENDING_PAYMENT' ? 'PENDING' : 'PAID'
}
