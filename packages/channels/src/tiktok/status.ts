import type { OrderStatus } from '@tributary/events'

/** Get Order List (202309), `status`; webhooks write CANCEL where the API writes CANCELLED. */
const STATUSES: ReadonlyMap<string, OrderStatus> = new Map([
  ['UNPAID', 'PENDING_PAYMENT'],
  // About an hour in which the buyer may still change its mind: paid, and not to be shipped.
  ['ON_HOLD', 'ON_HOLD'],
  ['AWAITING_SHIPMENT', 'AWAITING_SHIPMENT'],
  ['PARTIALLY_SHIPPING', 'PARTIALLY_SHIPPED'],
  ['AWAITING_COLLECTION', 'AWAITING_COLLECTION'],
  ['IN_TRANSIT', 'SHIPPED'],
  ['DELIVERED', 'DELIVERED'],
  ['COMPLETED', 'COMPLETED'],
  ['CANCELLED', 'CANCELLED'],
  ['CANCEL', 'CANCELLED'],
])

const BEFORE_SHIPPING: ReadonlySet<OrderStatus> = new Set(['ON_HOLD', 'AWAITING_SHIPMENT', 'PARTIALLY_SHIPPED'])

export const isKnownStatus = (status: string): boolean => STATUSES.has(status)

/**
 * The normal status. A value that we don't know is never read as "may be shipped", and neither is an order whose buyer
 * asks to cancel it. A full refund ends in COMPLETED: only returns tell of it.
 */
export function orderStatus({ status, cancelAsked }: { status: string | undefined; cancelAsked: boolean }): OrderStatus {
  const normal = STATUSES.get(status ?? '') ?? 'UNKNOWN'
  return cancelAsked && BEFORE_SHIPPING.has(normal) ? 'CANCEL_REQUESTED' : normal
}
