/** An order as the marketplace knows it. */
export type OrderName = { channel: number; sellerId: string; orderId: string }

/** Units of one line of an order. */
export type ParcelLine = { lineItemId: string; quantity: number }

/** What left. `carrier` and `trackingNumber` are empty where the marketplace chooses them; the time is in milliseconds since 1970. */
export type Parcel = { carrier: string; trackingNumber: string; lines: readonly ParcelLine[]; shippedTime: number }

/**
 * Where a shipment stands.
 *
 * `asked`: its row is there, so that its idempotency key is taken, but the log does not have the request for sure; nobody
 * works on it. `waiting`: the log has it; it is announced as soon as it is due. `parked`: only a person can mend what stops
 * it; it is tried now and then. `confirmed` and `refused` are the marketplace's word and final.
 */
export const SHIPMENT_STATES = ['asked', 'waiting', 'parked', 'confirmed', 'refused'] as const
export type ShipmentState = (typeof SHIPMENT_STATES)[number]

/** The marketplace's word on a shipment. */
export type ShipmentAnswer =
  | { kind: 'confirmed'; fulfillmentId: string; carrier: string; trackingNumber: string }
  | { kind: 'refused'; code: string; detail: string }

/** A shipment as its row has it. Times in milliseconds since 1970. */
export type Shipment = OrderName & {
  shipmentId: string
  state: ShipmentState
  parcel: Parcel
  requestedBy: string
  requestedTime: number
  attempts: number
  /** Why the last try did not work; empty when there was none. */
  lastError: string
  /** When it is tried next; null while it is being tried, and once it is settled. */
  nextTime: number | null
  answer: ShipmentAnswer | null
  settledTime: number | null
  traceparent: string | null
}
