import type { OrderStatus } from '@tributary/events'

/** What the status of a line means (orders/get, order/items/get), from the least advanced to the most. */
const LINE_STATUSES: ReadonlyMap<string, OrderStatus> = new Map<string, OrderStatus>([
  ['unpaid', 'PENDING_PAYMENT'],
  ...(['pending', 'topack', 'repacked'] as const).map((raw) => [raw, 'AWAITING_SHIPMENT'] as [string, OrderStatus]),
  ...(['packed', 'toship', 'ready_to_ship', 'ready_to_ship_pending'] as const).map(
    (raw) => [raw, 'AWAITING_COLLECTION'] as [string, OrderStatus],
  ),
  ...(['shipped', 'shipping'] as const).map((raw) => [raw, 'SHIPPED'] as [string, OrderStatus]),
  ['delivered', 'DELIVERED'],
  ['confirmed', 'COMPLETED'],
  ['canceled', 'CANCELLED'],
  ...(['returned', 'shipped_back', 'shipped_back_success', 'shipped_back_failed'] as const).map(
    (raw) => [raw, 'RETURNED'] as [string, OrderStatus],
  ),
  ...(
    ['failed', 'failed_delivery', 'lost', 'lost_by_3pl', 'damaged_by_3pl', 'package_scrapped', 'packed_scrapped'] as const
  ).map((raw) => [raw, 'DELIVERY_FAILED'] as [string, OrderStatus]),
])

const ADVANCE: readonly OrderStatus[] = [
  ...([
    'UNKNOWN',
    'PENDING_PAYMENT',
    'AWAITING_SHIPMENT',
    'AWAITING_COLLECTION',
    'DELIVERY_FAILED',
    'SHIPPED',
    'DELIVERED',
  ] as const),
  'COMPLETED',
]
const ON_THE_WAY: ReadonlySet<OrderStatus> = new Set(['SHIPPED', 'DELIVERED', 'COMPLETED'])
const NOT_YET: ReadonlySet<OrderStatus> = new Set(['AWAITING_SHIPMENT', 'AWAITING_COLLECTION'])

export const isKnownStatus = (raw: string): boolean => LINE_STATUSES.has(raw)

/**
 * The order has no status of its own: it is the least advanced of the lines that still stand. Some on the way and some not is
 * partly shipped; with all lines gone it is what they ended as. `cancelAsked` keeps it from being shipped.
 */
export function orderStatus(rawStatuses: readonly string[], cancelAsked: boolean): OrderStatus {
  const all = rawStatuses.map((raw) => LINE_STATUSES.get(raw) ?? 'UNKNOWN')
  const live = all.filter((status) => status !== 'CANCELLED' && status !== 'RETURNED')
  if (all.length === 0) return 'UNKNOWN'
  if (live.length === 0) return all.every((status) => status === 'CANCELLED') ? 'CANCELLED' : 'RETURNED'
  const least = live.reduce((one, other) => (ADVANCE.indexOf(other) < ADVANCE.indexOf(one) ? other : one))
  if (least !== 'AWAITING_SHIPMENT' && least !== 'AWAITING_COLLECTION') return least
  if (least === 'AWAITING_SHIPMENT' && cancelAsked) return 'CANCEL_REQUESTED'
  const isPartly = live.some((status) => ON_THE_WAY.has(status)) && live.some((status) => NOT_YET.has(status))
  return isPartly ? 'PARTIALLY_SHIPPED' : least
}

/** The raw status of the least advanced line that still stands, short enough for its column of 20 characters. */
export function fulfillmentStatus(rawStatuses: readonly string[]): string {
  const place = (raw: string) => {
    const status = LINE_STATUSES.get(raw) ?? 'UNKNOWN'
    return status === 'CANCELLED' || status === 'RETURNED' ? ADVANCE.length : ADVANCE.indexOf(status)
  }
  const [least = ''] = rawStatuses.toSorted((one, other) => place(one) - place(other))
  return least === 'ready_to_ship_pending' ? 'rts_pending' : least
}
