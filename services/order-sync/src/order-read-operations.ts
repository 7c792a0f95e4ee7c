import { type Condition, type Connection, knownConditions, type WriteResult } from '@tributary/database'
import { keyParts, orderKey } from '@tributary/events'
import type { OrderName } from './context.ts'
import { COLUMNS, type OrderReadState, type OrderReadTask, type TaskRecord, toTask } from './order-read-tasks.ts'

/** Orders by what is known of them; none of it means all. A seller or an order is meant with its channel. */
export type WhichOrders = Partial<OrderName>

/** A task as an operator sees it. `dueTime` is when it is tried next, or until when it is claimed; of a dropped one when it goes. */
export type OrderReadRow = OrderReadTask & {
  state: OrderReadState
  lastError: string
  dueTime: number
  /** Somebody reads the order just now. */
  isInHand: boolean
}

/** Where a list goes on. */
export type OrderReadPlace = OrderName & Pick<OrderReadRow, 'state' | 'createdTime'>

/** Tasks for an operator to look at, those that need a person first, then the oldest; `limit` (default 100) at most. Throws DatabaseError. */
export async function listOrderReads(
  connection: Connection,
  options: WhichOrders & { state?: OrderReadState; after?: OrderReadPlace; limit?: number } = {},
): Promise<OrderReadRow[]> {
  const { state, after, limit = 100 } = options
  const behind = after && [Number(after.state !== 'parked'), after.createdTime, after.channel, after.sellerId, after.orderId]
  const { text, values } = knownConditions([
    ...conditionsOf(options),
    ['state = ?', state],
    ["(state <> 'parked', created_time, channel, seller_id, order_id) > (?)", behind],
  ])
  const rows = await connection.query<(TaskRecord & { claimed_by: string | null })[]>(
    `SELECT ${COLUMNS}, claimed_by FROM tributary_order_read WHERE ${text}
     ORDER BY state <> 'parked', created_time, channel, seller_id, order_id LIMIT ?`,
    [...values, limit],
  )
  return rows.map((row) => ({
    ...toTask(row),
    state: row.state,
    lastError: row.last_error,
    dueTime: row.due_time,
    isInHand: row.claimed_by !== null,
  }))
}

/**
 * Makes tasks that did not work due again: what stopped them may be mended. One that was dropped comes back to life when its order
 * is named. What is read just now is left alone. Answers how many. Throws DatabaseError.
 */
export async function retryOrderReads(connection: Connection, which: WhichOrders, now: number): Promise<number> {
  const { text, values } = knownConditions(conditionsOf(which))
  const { affectedRows } = await connection.query<WriteResult>(
    `UPDATE tributary_order_read SET state = 'waiting', attempts = 0, due_time = ?
     WHERE ${text} AND claimed_by IS NULL AND (attempts > 0 OR state <> 'waiting') ${which.orderId === undefined ? "AND state <> 'dropped'" : ''}`,
    [now, ...values],
  )
  return affectedRows
}

/** How many tasks there are of each state, and when the oldest one that waits was made. Throws DatabaseError. */
export async function countOrderReads(
  connection: Connection,
): Promise<{ waiting: number; parked: number; dropped: number; oldest: number | null }> {
  const rows = await connection.query<{ state: OrderReadState; tasks: number; oldest: number }[]>(
    'SELECT state, COUNT(*) AS tasks, MIN(created_time) AS oldest FROM tributary_order_read GROUP BY state',
  )
  const count = (state: OrderReadState) => Number(rows.find((row) => row.state === state)?.tasks ?? 0)
  return {
    waiting: count('waiting'),
    parked: count('parked'),
    dropped: count('dropped'),
    oldest: rows.find((row) => row.state === 'waiting')?.oldest ?? null,
  }
}

/** Where a list goes on, as one text that lists show and take back. */
export const writeOrderReadPlace = ({ state, createdTime, channel, sellerId, orderId }: OrderReadPlace): string =>
  [state, createdTime, orderKey(channel, sellerId, orderId)].join('.')

const PLACE = /^(waiting|parked|dropped)\.(\d{1,15})\.([1-9]\d{0,8}:[^:]+:[^:]+)$/

/** Reads the text back; undefined when it is none. */
export function readOrderReadPlace(text: string): OrderReadPlace | undefined {
  const [, state, createdTime, key = ''] = PLACE.exec(text) ?? []
  try {
    const [channel, sellerId, orderId] = keyParts(key)
    if (sellerId === undefined || orderId === undefined) return undefined
    return { state: state as OrderReadState, createdTime: Number(createdTime), channel: Number(channel), sellerId, orderId }
  } catch {
    return undefined
  }
}

const conditionsOf = ({ channel, sellerId, orderId }: WhichOrders): Condition[] => [
  ['channel = ?', channel],
  ['seller_id = ?', sellerId],
  ['order_id = ?', orderId],
]
