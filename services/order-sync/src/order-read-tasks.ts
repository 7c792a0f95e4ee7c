import { type Connection, type Database, upsert, type WriteResult } from '@tributary/database'
import type { OrderName, SellerName } from './context.ts'

/** An order to read. `requested` grows with every request, so that one which comes during a read is not lost. */
export type OrderReadTask = OrderName & {
  origin: 'notification' | 'poll' | 'manual'
  requested: number
  attempts: number
  traceparent: string | null
  /** Of the newest notice, by the marketplace's clock; 0 when there is none, or it did not say. */
  notifiedTime: number
  /** Of the first request, milliseconds since 1970. */
  createdTime: number
}

/** `parked` needs a person but is tried now and then; `dropped` is only kept to be looked at. */
export const ORDER_READ_STATES = ['waiting', 'parked', 'dropped'] as const
export type OrderReadState = (typeof ORDER_READ_STATES)[number]

export type OrderReadRequest = OrderName & {
  origin: OrderReadTask['origin']
  /** By the marketplace's clock; 0 when it did not say. */
  notifiedTime: number
  dueTime: number
  traceparent?: string | undefined
}

/** How long a dropped task can be looked at. */
const KEEP_DROPPED = 30 * 24 * 60 * 60_000
/** More than one, because others look at the same ones. */
const CANDIDATES = 8
const OF_TASK = 'channel = ? AND seller_id = ? AND order_id = ?'
export const COLUMNS = `channel, seller_id, order_id, origin, requested, attempts, traceparent, state, last_error, notified_time,
  created_time, due_time`

/**
 * Notes that orders are to be read. A task that stands already is only marked as asked for once more: one in hand is then
 * read again after it, one that backs off keeps its time, a dropped one comes back to life.
 */
export async function requestOrderReads(
  connection: Connection,
  requests: readonly OrderReadRequest[],
  now: number,
): Promise<void> {
  if (requests.length === 0) return
  await connection.query(
    `INSERT INTO tributary_order_read
       (channel, seller_id, order_id, origin, notified_time, created_time, due_time, traceparent) VALUES ?
     ON DUPLICATE KEY UPDATE
       requested = requested + 1,
       notified_time = GREATEST(notified_time, VALUES(notified_time)),
       traceparent = COALESCE(VALUES(traceparent), traceparent),
       origin = IF(VALUES(origin) = 'poll', origin, VALUES(origin)),
       attempts = IF(state = 'dropped', 0, attempts),
       due_time = IF(claimed_by IS NULL AND attempts = 0, LEAST(due_time, VALUES(due_time)), due_time),
       state = IF(state = 'dropped', 'waiting', state)`,
    [
      requests.map((request) => [
        request.channel,
        request.sellerId,
        request.orderId,
        request.origin,
        request.notifiedTime,
        now,
        request.dueTime,
        request.traceparent ?? null,
      ]),
    ],
  )
}

/** Notes that an order was found but cannot become an event until a person acts; it is read again now and then. */
export async function parkOrderRead(
  connection: Connection,
  order: OrderName,
  options: { error: string; now: number; dueTime: number },
): Promise<void> {
  const shape = {
    table: 'tributary_order_read',
    primaryKey: ['channel', 'seller_id', 'order_id'],
    columns: 'channel seller_id order_id origin notified_time created_time due_time state attempts last_error'.split(' '),
    assign: ['state', 'attempts', 'last_error', 'due_time'],
  }
  const { now, dueTime, error } = options
  await upsert(connection, shape, [[order.channel, order.sellerId, order.orderId, 'poll', 0, now, dueTime, 'parked', 1, error]])
}

/**
 * Claims the task that has been due longest, of a seller that is not `busy`, until `until`. Candidates are read without a
 * lock and taken by primary key, so that processes never wait for each other over an index range; who comes second goes
 * on to the next candidate. The index is forced: a server that takes the primary key for the channels sorts every task.
 */
export async function claimOrderRead(
  connection: Connection,
  options: { owner: string; channels: readonly number[]; busy: readonly SellerName[]; now: number; until: number },
): Promise<OrderReadTask | undefined> {
  const { owner, channels, busy, now, until } = options
  const notBusy = busy.map(() => 'AND NOT (channel = ? AND seller_id = ?)').join(' ')
  const candidates = await connection.query<TaskRecord[]>(
    `SELECT ${COLUMNS} FROM tributary_order_read FORCE INDEX (idx_due_time)
     WHERE due_time <= ? AND state <> 'dropped' AND channel IN (?) ${notBusy} ORDER BY due_time LIMIT ${CANDIDATES}`,
    [now, channels, ...busy.flatMap(({ channel, sellerId }) => [channel, sellerId])],
  )
  for (const candidate of candidates) {
    const { affectedRows } = await connection.query<WriteResult>(
      `UPDATE tributary_order_read SET claimed_by = ?, due_time = ? WHERE ${OF_TASK} AND due_time <= ?`,
      [owner, until, candidate.channel, candidate.seller_id, candidate.order_id, now],
    )
    if (affectedRows === 1) return toTask(candidate)
  }
  return undefined
}

/** The order has been read: the task ends, unless somebody asked again meanwhile; then it is due at once. */
export async function finishOrderRead(database: Database, task: OrderReadTask, owner: string, now: number): Promise<void> {
  const { affectedRows } = await database.query<WriteResult>(
    `DELETE FROM tributary_order_read WHERE ${OF_TASK} AND claimed_by = ? AND requested = ?`,
    [...nameOf(task), owner, task.requested],
  )
  if (affectedRows === 0)
    await putBackOrderRead(database, task, owner, { dueTime: now, attempts: 0, state: 'waiting', error: '' })
}

/** Ends a claim and says when to try again. A claim that another took over meanwhile is left alone. */
export async function putBackOrderRead(
  database: Database,
  task: OrderReadTask,
  owner: string,
  next: { dueTime: number; attempts: number; state: OrderReadState; error: string },
): Promise<void> {
  await database.query(
    `UPDATE tributary_order_read SET claimed_by = NULL, due_time = ?, attempts = ?, state = ?, last_error = ?
     WHERE ${OF_TASK} AND claimed_by = ?`,
    [next.dueTime, next.attempts, next.state, next.error, ...nameOf(task), owner],
  )
}

/** Ends the claims of an owner on all but these tasks: it claimed more than it has heard of. They are due at once. */
export async function releaseOrderReads(
  database: Database,
  owner: string,
  inHand: readonly OrderReadTask[],
  now: number,
): Promise<void> {
  const others = inHand.map(() => `AND NOT (${OF_TASK})`).join(' ')
  await database.query(`UPDATE tributary_order_read SET claimed_by = NULL, due_time = ? WHERE claimed_by = ? ${others}`, [
    now,
    owner,
    ...inHand.flatMap(nameOf),
  ])
}

/** Gives up on an order, keeping the task to be looked at; a request that came meanwhile is honoured instead. */
export async function dropOrderRead(
  database: Database,
  task: OrderReadTask,
  owner: string,
  options: { error: string; now: number },
): Promise<void> {
  const { affectedRows } = await database.query<WriteResult>(
    `UPDATE tributary_order_read SET claimed_by = NULL, state = 'dropped', last_error = ?, due_time = ?
     WHERE ${OF_TASK} AND claimed_by = ? AND requested = ?`,
    [options.error, options.now + KEEP_DROPPED, ...nameOf(task), owner, task.requested],
  )
  if (affectedRows === 0)
    await putBackOrderRead(database, task, owner, { dueTime: options.now, attempts: 0, state: 'waiting', error: '' })
}

/** Ends the claims of owners that are gone and removes what was dropped long ago. */
export async function tidyOrderReads(database: Database, gone: (owner: string) => boolean, now: number): Promise<void> {
  const owners = await database.query<{ claimed_by: string }[]>(
    'SELECT DISTINCT claimed_by FROM tributary_order_read WHERE claimed_by IS NOT NULL',
  )
  for (const { claimed_by: owner } of owners.filter((row) => gone(row.claimed_by)))
    await database.query('UPDATE tributary_order_read SET claimed_by = NULL, due_time = ? WHERE claimed_by = ?', [now, owner])
  await database.query("DELETE FROM tributary_order_read WHERE due_time <= ? AND state = 'dropped' LIMIT 1000", [now])
}

/** A row with these columns. */
export type TaskRecord = {
  channel: number
  seller_id: string
  order_id: string
  origin: OrderReadTask['origin']
  requested: number
  attempts: number
  traceparent: string | null
  state: OrderReadState
  last_error: string
  notified_time: number
  created_time: number
  due_time: number
}

export function toTask(row: TaskRecord): OrderReadTask {
  return {
    channel: row.channel,
    sellerId: row.seller_id,
    orderId: row.order_id,
    origin: row.origin,
    requested: row.requested,
    attempts: row.attempts,
    traceparent: row.traceparent,
    notifiedTime: row.notified_time,
    createdTime: row.created_time,
  }
}

const nameOf = ({ channel, sellerId, orderId }: OrderName): unknown[] => [channel, sellerId, orderId]
