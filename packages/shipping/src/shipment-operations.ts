import { type Connection, knownConditions, type WriteResult } from '@tributary/database'
import type { OrderName, Shipment, ShipmentState } from './shipment.ts'
import { SHIPMENT_COLUMNS, type ShipmentRecord, toShipment } from './shipment-record.ts'

/**
 * Shipments for an operator to look at, newest first, of what is known of their order; `after` is the id of the one behind which the
 * list goes on. Throws DatabaseError.
 */
export async function listShipments(
  connection: Connection,
  options: Partial<OrderName> & { state?: ShipmentState; after?: string; limit?: number } = {},
): Promise<Shipment[]> {
  const { channel, sellerId, orderId, state, after, limit = 100 } = options
  const { text, values } = knownConditions([
    ['channel = ?', channel],
    ['seller_id = ?', sellerId],
    ['order_id = ?', orderId],
    ['state = ?', state],
    ['sequence < (SELECT sequence FROM tributary_shipment WHERE shipment_id = ?)', after],
  ])
  const rows = await connection.query<ShipmentRecord[]>(
    `SELECT ${SHIPMENT_COLUMNS} FROM tributary_shipment WHERE ${text} ORDER BY sequence DESC LIMIT ?`,
    [...values, limit],
  )
  return rows.map(toShipment)
}

/** Makes what did not work due again: of a seller after a new consent, or one that an operator names. Answers how many. */
export async function retryShipments(
  connection: Connection,
  which: { channel: number; sellerId: string } | { shipmentId: string },
  now: number,
): Promise<number> {
  const [condition, values] =
    'shipmentId' in which
      ? ['shipment_id = ?', [which.shipmentId]]
      : ['channel = ? AND seller_id = ?', [which.channel, which.sellerId]]
  const { affectedRows } = await connection.query<WriteResult>(
    `UPDATE tributary_shipment SET state = 'waiting', attempts = 0, due_time = ?
     WHERE ${condition} AND claimed_by IS NULL AND attempts > 0 AND due_time IS NOT NULL`,
    [now, ...values],
  )
  return affectedRows
}

/** How many shipments wait or are parked, and when the oldest of those that wait was asked for. Throws DatabaseError. */
export async function countShipments(
  connection: Connection,
): Promise<{ waiting: number; parked: number; oldest: number | null }> {
  const rows = await connection.query<{ state: ShipmentState; shipments: number; oldest: number }[]>(
    `SELECT state, COUNT(*) AS shipments, MIN(requested_time) AS oldest FROM tributary_shipment
     WHERE due_time IS NOT NULL GROUP BY state`,
  )
  const of = (state: ShipmentState) => rows.find((row) => row.state === state)
  return {
    waiting: Number(of('waiting')?.shipments ?? 0),
    parked: Number(of('parked')?.shipments ?? 0),
    oldest: of('waiting')?.oldest ?? null,
  }
}
