import type { Parcel, Shipment, ShipmentAnswer, ShipmentState } from './shipment.ts'

export const SHIPMENT_COLUMNS = `shipment_id, channel, seller_id, order_id, request_digest, state, parcel, requested_by, requested_time,
  attempts, last_error, due_time, claimed_by, traceparent, outcome, settled_time`

/** A row with these columns. */
export type ShipmentRecord = {
  shipment_id: string
  channel: number
  seller_id: string
  order_id: string
  request_digest: Buffer | null
  state: ShipmentState
  parcel: string
  requested_by: string
  requested_time: number
  attempts: number
  last_error: string
  due_time: number | null
  claimed_by: string | null
  traceparent: string | null
  outcome: string | null
  settled_time: number | null
}

export const toShipment = (row: ShipmentRecord): Shipment => ({
  shipmentId: row.shipment_id,
  channel: row.channel,
  sellerId: row.seller_id,
  orderId: row.order_id,
  state: row.state,
  parcel: JSON.parse(row.parcel) as Parcel,
  requestedBy: row.requested_by,
  requestedTime: row.requested_time,
  attempts: row.attempts,
  lastError: row.last_error,
  nextTime: row.claimed_by === null ? row.due_time : null,
  answer: row.outcome === null ? null : (JSON.parse(row.outcome) as ShipmentAnswer),
  settledTime: row.settled_time,
  traceparent: row.traceparent,
})
