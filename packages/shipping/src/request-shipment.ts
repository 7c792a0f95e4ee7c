import { hash } from 'node:crypto'
import type { Database } from '@tributary/database'
import type { EventLog } from '@tributary/event-log'
import { createStoredEvent, derivedEventId, ORDER_TOPIC, orderKey } from '@tributary/events'
import type { OrderName, Parcel, ParcelLine, Shipment } from './shipment.ts'
import { dropAskedShipment, findShipment, takeShipment } from './shipment-rows.ts'
import { findShippableOrder, type ShippableOrder } from './shippable-order.ts'

/** What a caller asks for. Without `lines` everything that the order holds; without `shippedTime` it left just now. */
export type ShipmentRequest = OrderName & {
  /** The caller's own name for this package of this order: a repetition with the same one asks for nothing new. */
  idempotencyKey: string
  carrier: string
  trackingNumber: string
  lines?: readonly ParcelLine[]
  shippedTime?: number
  requestedBy: string
}

/** `accepted` means that the log has it. Every other answer means that nothing was kept. */
export type ShipmentReception =
  | { kind: 'accepted'; shipment: Shipment; existing: boolean }
  | { kind: 'order-unknown' }
  | { kind: 'not-shippable'; status: string }
  | { kind: 'lines-needed' }
  | { kind: 'line-unknown'; lineItemId: string }
  | { kind: 'quantity-too-large'; lineItemId: string; ordered: number }
  | { kind: 'key-reused' }

/** Only these may be shipped (column `status`). */
const SHIPPABLE: ReadonlySet<string> = new Set(['AWAITING_SHIPMENT', 'PARTIALLY_SHIPPED'])

/**
 * Takes a request to tell a marketplace of a package. The row takes the idempotency key, then the log takes the request;
 * only then is it accepted. A crash in between leaves a row that nobody works on and that the caller's repetition completes,
 * with what the first call fixed: its lines and its time. Throws DatabaseError, EventLogError.
 */
export async function requestShipment(
  { database, log }: { database: Database; log: EventLog },
  request: ShipmentRequest,
): Promise<ShipmentReception> {
  const { channel, sellerId, orderId } = request
  const shipmentId = derivedEventId('ShipmentRequested', channel, sellerId, orderId, request.idempotencyKey)
  const digest = digestOf(request)
  const known = await findShipment(database, shipmentId)
  if (known) return await repeat({ database, log }, known, digest)
  const order = await findShippableOrder(database, request)
  if (!order) return { kind: 'order-unknown' }
  const lines = linesOf(order, request)
  if ('kind' in lines) return lines
  const now = Date.now()
  const parcel: Parcel = {
    carrier: request.carrier,
    trackingNumber: request.trackingNumber,
    lines,
    shippedTime: request.shippedTime ?? now,
  }
  const { requestedBy } = request
  const taken = await takeShipment(database, {
    ...{ shipmentId, digest, channel, sellerId, orderId, parcel, requestedBy },
    requestedTime: now,
  })
  const reception = await repeat({ database, log }, taken, digest)
  return reception.kind === 'accepted' ? { ...reception, existing: false } : reception
}

async function repeat(
  { database, log }: { database: Database; log: EventLog },
  shipment: Shipment & { digest: Buffer | null },
  digest: Buffer,
): Promise<ShipmentReception> {
  if (shipment.digest !== null && !shipment.digest.equals(digest)) return { kind: 'key-reused' }
  if (shipment.state === 'asked' && !(await isAskedInLog(log, shipment))) {
    await dropAskedShipment(database, shipment.shipmentId)
    return { kind: 'key-reused' }
  }
  return { kind: 'accepted', shipment, existing: true }
}

/**
 * Appends the request of a shipment unless the log has it. False when what the log has under this id is the request of another
 * one: the key stood for a package so long ago that its row is gone, and the log, which forgets no id, would take no second request.
 */
async function isAskedInLog(log: EventLog, shipment: Shipment): Promise<boolean> {
  const request = requestedEvent(shipment)
  const [place] = await log.append(ORDER_TOPIC, [request])
  if (!place || place.appended) return true
  const { events } = await log.read(ORDER_TOPIC, place.partition, place.position, { limit: 1 })
  return events[0]?.event.time === request.time
}

function linesOf(order: ShippableOrder, { lines }: ShipmentRequest): readonly ParcelLine[] | ShipmentReception {
  if (!SHIPPABLE.has(order.status)) return { kind: 'not-shippable', status: order.status }
  if (lines === undefined && order.status === 'PARTIALLY_SHIPPED') return { kind: 'lines-needed' }
  // Of a line that was cancelled, as Amazon shows it, no unit is ordered: nothing of it is in a package.
  if (lines === undefined) return order.lines.filter(({ quantity }) => quantity > 0)
  for (const { lineItemId, quantity } of lines) {
    const ordered = order.lines.find((line) => line.lineItemId === lineItemId)?.quantity
    if (ordered === undefined) return { kind: 'line-unknown', lineItemId }
    if (quantity > ordered) return { kind: 'quantity-too-large', lineItemId, ordered }
  }
  return lines
}

function digestOf({ carrier, trackingNumber, lines, shippedTime }: ShipmentRequest): Buffer {
  const listed = lines?.map(({ lineItemId, quantity }) => [lineItemId, quantity]).sort()
  return hash('sha256', JSON.stringify([carrier, trackingNumber, listed ?? null, shippedTime ?? null]), 'buffer')
}

function requestedEvent({ shipmentId, channel, sellerId, orderId, parcel, requestedBy, requestedTime }: Shipment) {
  return createStoredEvent({
    id: shipmentId,
    type: 'ShipmentRequested',
    source: '/tributary/shipping',
    subject: `orders/${channel}/${sellerId}/${orderId}`,
    time: requestedTime,
    partitionkey: orderKey(channel, sellerId, orderId),
    data: { channel, sellerId, orderId, shipmentId, ...parcel, lines: [...parcel.lines], requestedBy },
  })
}
