import { type Connection, type Database, DatabaseError, upsert, writeRows } from '@tributary/database'
import type { OrderStatus } from '@tributary/events'
import type { OrderName, SellerName } from './context.ts'
import { DOUBTFUL, type SealedChange, type SeenOrder } from './order-changes.ts'

/** Statuses that a shipment ends; whether it moves the time of modification is not documented, so they are swept. */
const OPEN: ReadonlySet<OrderStatus> = new Set<OrderStatus>([
  'PENDING_PAYMENT',
  'ON_HOLD',
  'AWAITING_SHIPMENT',
  'PARTIALLY_SHIPPED',
  'CANCEL_REQUESTED',
  'UNKNOWN',
])

const KEY = ['channel', 'seller_id', 'order_id']
const COLUMNS = [...KEY, 'event_id', 'source_time', 'digest', 'subject', 'personal', 'open_since']

/** What was seen of some orders of one seller, by order id; nothing of an order that never became an event. */
export async function loadSeenOrders(
  connection: Connection,
  { channel, sellerId }: SellerName,
  orderIds: readonly string[],
): Promise<Map<string, SeenOrder>> {
  if (orderIds.length === 0) return new Map()
  const rows = await connection.query<SeenRecord[]>(
    `SELECT order_id, event_id, source_time, digest, subject, personal FROM tributary_order_seen
     WHERE channel = ? AND seller_id = ? AND order_id IN (?) AND event_id <> ''`,
    [channel, sellerId, orderIds],
  )
  return new Map(rows.map((row) => [row.order_id, toSeen(row)]))
}

/**
 * Remembers what was appended, and answers the orders of which another process appended something else meanwhile. What
 * the log holds of those depends on who came last, so they are remembered as doubtful: the next read appends for sure.
 */
export async function rememberOrders(
  database: Database,
  { channel, sellerId }: SellerName,
  changes: readonly SealedChange[],
): Promise<string[]> {
  if (changes.length === 0 || (await rememberNew(database, { channel, sellerId }, changes))) return []
  const orderIds = changes.map(({ order }) => order.orderId)
  return database.transaction(async (connection) => {
    // Rows must exist to be locked: READ COMMITTED locks no gaps.
    await connection.query('INSERT IGNORE INTO tributary_order_seen (channel, seller_id, order_id) VALUES ?', [
      orderIds.map((orderId) => [channel, sellerId, orderId]),
    ])
    const rows = await connection.query<Pick<SeenRecord, 'order_id' | 'event_id' | 'personal'>[]>(
      `SELECT order_id, event_id, personal FROM tributary_order_seen
       WHERE channel = ? AND seller_id = ? AND order_id IN (?) FOR UPDATE`,
      [channel, sellerId, orderIds],
    )
    const standing = new Map(rows.map((row) => [row.order_id, row]))
    const written = changes.map((change) => merged(change, standing.get(change.order.orderId)))
    const rowsToWrite = written.map(({ order, seen }) => rowOf(channel, sellerId, order, seen))
    await upsert(connection, { table: 'tributary_order_seen', primaryKey: KEY, columns: COLUMNS }, rowsToWrite)
    return written.filter(({ overtaken }) => overtaken).map(({ order }) => order.orderId)
  })
}

/** Remembers orders of which none was ever seen, as in a first import: nothing is locked before. False when one has a row. */
async function rememberNew(
  database: Database,
  { channel, sellerId }: SellerName,
  changes: readonly SealedChange[],
): Promise<boolean> {
  if (changes.some(({ previous }) => previous !== '')) return false
  const rows = changes.map(({ order, seen }) => rowOf(channel, sellerId, order, seen))
  try {
    const insert = `INSERT INTO tributary_order_seen (${COLUMNS.join(', ')}) VALUES ?`
    const write = (connection: Connection) => writeRows(connection, insert, { columns: COLUMNS }, rows)
    // A lone order is written by one statement, which needs no transaction.
    await (rows.length === 1 ? write(database) : database.transaction(write, { attempts: 1 }))
    return true
  } catch (error) {
    // Of a deadlock, too, the careful way makes the best.
    if (error instanceof DatabaseError && (error.code === 'DATABASE_DUPLICATE' || error.retriable)) return false
    throw error
  }
}

/** Forgets what orders said about people that were erased. */
export async function forgetPersonalData(
  connection: Connection,
  orders: readonly (OrderName & { subject: string })[],
): Promise<void> {
  for (const { channel, sellerId, orderId, subject } of orders)
    await connection.query(
      'UPDATE tributary_order_seen SET personal = NULL WHERE channel = ? AND seller_id = ? AND order_id = ? AND subject = ?',
      [channel, sellerId, orderId, subject],
    )
}

/**
 * Asks for all orders of a seller that are not shipped and were made after `since` to be read once more, spread over
 * `spread` milliseconds.
 */
export async function sweepOpenOrders(
  connection: Connection,
  { channel, sellerId }: SellerName,
  { since, now, spread }: { since: number; now: number; spread: number },
): Promise<void> {
  await connection.query(
    `INSERT INTO tributary_order_read (channel, seller_id, order_id, origin, notified_time, created_time, due_time)
     SELECT channel, seller_id, order_id, 'poll', 0, ?, ? + FLOOR(RAND() * ?) FROM tributary_order_seen
     WHERE channel = ? AND seller_id = ? AND open_since >= ?
     ON DUPLICATE KEY UPDATE requested = requested + 1`,
    [now, now, spread, channel, sellerId, since],
  )
}

type SeenRecord = {
  order_id: string
  event_id: string
  source_time: number
  digest: string
  subject: string
  personal: string | null
}

function toSeen(row: SeenRecord): SeenOrder {
  return {
    eventId: row.event_id,
    sourceTime: row.source_time,
    digest: row.digest,
    subject: row.subject,
    personal: row.personal === null ? null : JSON.parse(row.personal),
  }
}

/** What to write over the row as it stands now: an erasure that came meanwhile stays, and so does the doubt of an overtaken order. */
function merged(
  { order, previous, eventId, seen }: SealedChange,
  standing: Pick<SeenRecord, 'event_id' | 'personal'> | undefined,
) {
  const standingEvent = standing?.event_id ?? ''
  const overtaken = standingEvent !== previous && standingEvent !== eventId
  const erased = standingEvent !== '' && standing?.personal === null
  return {
    order,
    overtaken,
    seen: { ...seen, eventId, digest: overtaken ? DOUBTFUL : seen.digest, personal: erased ? null : seen.personal },
  }
}

function rowOf(channel: number, sellerId: string, { orderId, order }: SealedChange['order'], seen: SeenOrder): unknown[] {
  return [
    channel,
    sellerId,
    orderId,
    seen.eventId,
    seen.sourceTime,
    seen.digest,
    seen.subject,
    seen.personal === null ? null : JSON.stringify(seen.personal),
    OPEN.has(order.status) ? order.creationTime : null,
  ]
}
