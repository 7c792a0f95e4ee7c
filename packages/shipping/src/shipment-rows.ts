import type { Connection, Database, WriteResult } from '@tributary/database'
import type { EventData } from '@tributary/events'
import type { OrderName, Parcel, Shipment, ShipmentAnswer } from './shipment.ts'
import { SHIPMENT_COLUMNS, type ShipmentRecord, toShipment } from './shipment-record.ts'

/** More than one, because others look at the same ones. */
const CANDIDATES = 8

/** A new shipment; its row takes the idempotency key. `digest` is of what was asked for. */
export type NewShipment = OrderName & {
  shipmentId: string
  digest: Buffer
  parcel: Parcel
  requestedBy: string
  requestedTime: number
}

/** Writes the row of a new shipment unless its id is taken, and answers the row that stands. Throws DatabaseError. */
export async function takeShipment(
  connection: Connection,
  shipment: NewShipment,
): Promise<Shipment & { digest: Buffer | null }> {
  const { shipmentId, digest, channel, sellerId, orderId, parcel, requestedBy, requestedTime } = shipment
  await connection.query(
    `INSERT IGNORE INTO tributary_shipment
       (shipment_id, channel, seller_id, order_id, request_digest, state, parcel, requested_by, requested_time) VALUES (?)`,
    [[shipmentId, channel, sellerId, orderId, digest, 'asked', JSON.stringify(parcel), requestedBy, requestedTime]],
  )
  const row = await findShipment(connection, shipmentId)
  if (!row) throw new Error('The row of a shipment was not there right after it was written.')
  return row
}

/** A shipment by its id. Throws DatabaseError. */
export async function findShipment(
  connection: Connection,
  shipmentId: string,
): Promise<(Shipment & { digest: Buffer | null }) | undefined> {
  const [row] = await connection.query<ShipmentRecord[]>(
    `SELECT ${SHIPMENT_COLUMNS} FROM tributary_shipment WHERE shipment_id = ?`,
    [shipmentId],
  )
  return row && { ...toShipment(row), digest: row.request_digest }
}

/** The shipments of an order, in the order in which they were asked for. Throws DatabaseError. */
export async function shipmentsOf(connection: Connection, order: OrderName): Promise<Shipment[]> {
  const rows = await connection.query<ShipmentRecord[]>(
    `SELECT ${SHIPMENT_COLUMNS} FROM tributary_shipment WHERE channel = ? AND seller_id = ? AND order_id = ? ORDER BY sequence`,
    [order.channel, order.sellerId, order.orderId],
  )
  return rows.map(toShipment)
}

/** The log has these requests: they are due now, unless they are further already. Throws DatabaseError. */
export async function queueShipments(
  connection: Connection,
  requests: readonly { data: EventData<'ShipmentRequested'>; time: number; traceparent: string | undefined }[],
  now: number,
): Promise<void> {
  if (requests.length === 0) return
  await connection.query(
    `INSERT INTO tributary_shipment
       (shipment_id, channel, seller_id, order_id, request_digest, state, parcel, requested_by, requested_time, due_time, traceparent)
     VALUES ?
     ON DUPLICATE KEY UPDATE
       due_time = IF(state = 'asked', VALUES(due_time), due_time),
       traceparent = IF(state = 'asked', VALUES(traceparent), traceparent),
       state = IF(state = 'asked', 'waiting', state)`,
    [
      requests.map(({ data, time, traceparent }) => [
        data.shipmentId,
        data.channel,
        data.sellerId,
        data.orderId,
        null,
        'waiting',
        JSON.stringify(parcelOf(data)),
        data.requestedBy,
        time,
        now,
        traceparent ?? null,
      ]),
    ],
  )
}

const parcelOf = ({ carrier, trackingNumber, lines, shippedTime }: EventData<'ShipmentRequested'>): Parcel => ({
  carrier,
  trackingNumber,
  lines,
  shippedTime,
})

/** The marketplace's word; the first that is written stays. Throws DatabaseError. */
export async function settleShipment(
  connection: Connection,
  shipmentId: string,
  answer: ShipmentAnswer,
  now: number,
): Promise<void> {
  await connection.query(
    `UPDATE tributary_shipment
     SET state = ?, outcome = ?, settled_time = ?, due_time = NULL, claimed_by = NULL, last_error = ''
     WHERE shipment_id = ? AND settled_time IS NULL`,
    [answer.kind, JSON.stringify(answer), now, shipmentId],
  )
}

/** A shipment in somebody's hand, and until when, milliseconds since 1970. */
export type ClaimedShipment = Shipment & { claimedUntil: number }

/**
 * Claims the shipment that has been due longest until `until`. Of one order only the first that is not settled can be
 * claimed, under the locks of all of them: two packages of an order never leave side by side, since a marketplace tells
 * them apart by looking at the order. Throws DatabaseError.
 */
export async function claimShipment(
  database: Database,
  options: { owner: string; channels: readonly number[]; now: number; until: number },
): Promise<ClaimedShipment | undefined> {
  const { owner, channels, now, until } = options
  const candidates = await database.query<ShipmentRecord[]>(
    `SELECT ${SHIPMENT_COLUMNS} FROM tributary_shipment FORCE INDEX (idx_due_time)
     WHERE due_time <= ? AND channel IN (?) ORDER BY due_time LIMIT ${CANDIDATES}`,
    [now, channels],
  )
  for (const candidate of candidates) {
    const claimed = await database.transaction(async (connection) => {
      const open = await connection.query<{ shipment_id: string; due_time: number; claimed_by: string | null }[]>(
        `SELECT shipment_id, due_time, claimed_by FROM tributary_shipment
         WHERE channel = ? AND seller_id = ? AND order_id = ? AND due_time IS NOT NULL ORDER BY sequence FOR UPDATE`,
        [candidate.channel, candidate.seller_id, candidate.order_id],
      )
      const [first, ...later] = open
      if (first?.shipment_id !== candidate.shipment_id || first.due_time > now) return false
      if (later.some(({ claimed_by, due_time }) => claimed_by !== null && due_time > now)) return false
      await connection.query('UPDATE tributary_shipment SET claimed_by = ?, due_time = ? WHERE shipment_id = ?', [
        ...[owner, until, candidate.shipment_id],
      ])
      return true
    })
    if (claimed) return { ...toShipment(candidate), claimedUntil: until }
  }
  return undefined
}

/**
 * Ends a claim and says when to try again. A claim that another took over meanwhile is left alone, and so is one that the same owner
 * made since, however late this is done: it is told by its end. Throws DatabaseError.
 */
export async function putBackShipment(
  connection: Connection,
  { shipmentId, claimedUntil }: ClaimedShipment,
  owner: string,
  next: { dueTime: number; attempts: number; state: 'waiting' | 'parked'; error: string },
): Promise<void> {
  await connection.query(
    `UPDATE tributary_shipment SET claimed_by = NULL, due_time = ?, attempts = ?, state = ?, last_error = ?
     WHERE shipment_id = ? AND claimed_by = ? AND due_time = ? AND settled_time IS NULL`,
    [next.dueTime, next.attempts, next.state, next.error, shipmentId, owner, claimedUntil],
  )
}

/**
 * Ends the claims of an owner on all but these, as far as they end by `until`: it claimed more than it has heard of. They are due at
 * once. A claim that is made later than this was asked for ends later, too: it is left alone, however late this is done. Throws DatabaseError.
 */
export async function releaseShipments(
  connection: Connection,
  { owner, now, until }: { owner: string; now: number; until: number },
  inHand: readonly Shipment[],
): Promise<void> {
  const others = inHand.map(() => 'AND shipment_id <> ?').join(' ')
  await connection.query(
    `UPDATE tributary_shipment SET claimed_by = NULL, due_time = ?
     WHERE claimed_by = ? AND due_time <= ? AND settled_time IS NULL ${others}`,
    [now, owner, until, ...inHand.map(({ shipmentId }) => shipmentId)],
  )
}

/** Ends the claims of owners that are gone. Throws DatabaseError. */
export async function releaseShipmentsOfGone(
  connection: Connection,
  gone: (owner: string) => boolean,
  now: number,
): Promise<void> {
  const owners = await connection.query<{ claimed_by: string }[]>(
    'SELECT DISTINCT claimed_by FROM tributary_shipment WHERE claimed_by IS NOT NULL AND due_time IS NOT NULL',
  )
  for (const { claimed_by: owner } of owners.filter((row) => gone(row.claimed_by)))
    await connection.query(
      'UPDATE tributary_shipment SET claimed_by = NULL, due_time = ? WHERE claimed_by = ? AND settled_time IS NULL',
      [now, owner],
    )
}

/** Rows that are deleted in one statement: replicas and others who write wait for no more. */
const DELETED_AT_ONCE = 1_000

/**
 * Forgets shipments, and their idempotency keys, that were settled before a time (milliseconds since 1970); those under way stay
 * however old. Answers how many. Throws DatabaseError.
 */
export async function dropSettledShipments(connection: Connection, before: number): Promise<number> {
  for (let dropped = 0; ; ) {
    const { affectedRows } = await connection.query<WriteResult>(
      'DELETE FROM tributary_shipment WHERE settled_time < ? ORDER BY settled_time LIMIT ?',
      [before, DELETED_AT_ONCE],
    )
    dropped += affectedRows
    if (affectedRows < DELETED_AT_ONCE) return dropped
  }
}

/** Forgets a shipment that was taken and never asked for in the log. Throws DatabaseError. */
export async function dropAskedShipment(connection: Connection, shipmentId: string): Promise<void> {
  await connection.query("DELETE FROM tributary_shipment WHERE shipment_id = ? AND state = 'asked'", [shipmentId])
}
