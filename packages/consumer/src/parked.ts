import type { Connection, WriteResult } from '@tributary/database'
import type { Position } from '@tributary/event-log'
import { inParts } from '@tributary/runtime'
import type { ErrorSummary } from './blame.ts'
import { type CursorName, nameValues } from './cursor.ts'

/** The owner's side of the parked tables. All but the reads belong inside a fenced transaction. */

const ROW = 'consumer = ? AND topic = ? AND partition_no = ?'
/** Rows in one statement; a row is some 500 bytes at most. */
const MOST_ROWS = 1000

export type Parked = { key: string; position: Position; attempts: number; error: ErrorSummary }

/** The keys of a partition that are parked. */
export async function loadParkedKeys(connection: Connection, name: CursorName): Promise<Set<string>> {
  const rows = await connection.query<{ event_key: string }[]>(
    `SELECT event_key FROM tributary_parked_key WHERE ${ROW}`,
    nameValues(name),
  )
  return new Set(rows.map((row) => row.event_key))
}

/** Positions at `next` or behind that an operator skipped: a cursor that was set back comes to them once more. */
export async function loadSkipped(connection: Connection, name: CursorName, next: Position): Promise<Set<Position>> {
  const rows = await connection.query<{ position: Position }[]>(
    `SELECT position FROM tributary_parked_event WHERE ${ROW} AND position >= ? AND skipped_time IS NOT NULL`,
    [...nameValues(name), next],
  )
  return new Set(rows.map((row) => row.position))
}

/** Parks a key, or parks it again: says why, and puts the culprit at the head of its queue. */
export async function parkKey(
  connection: Connection,
  name: CursorName,
  { key, position, attempts, error }: Parked,
): Promise<void> {
  await connection.query(
    `INSERT INTO tributary_parked_key
       (consumer, topic, partition_no, event_key, state, position, attempts, error_code, error, parked_time)
     VALUES (?, ?, ?, ?, 'parked', ?, ?, ?, ?, ?)
     ON DUPLICATE KEY UPDATE state = 'parked', position = VALUES(position), attempts = attempts + VALUES(attempts),
       error_code = VALUES(error_code), error = VALUES(error)`,
    [...nameValues(name), key, position, attempts, error.code, error.message, Date.now()],
  )
  await queueBehind(connection, name, [{ key, position }])
}

/** Lets events wait behind their parked key. Queueing one twice changes nothing. */
export async function queueBehind(
  connection: Connection,
  name: CursorName,
  waiting: readonly { key: string; position: Position }[],
): Promise<void> {
  for (const some of inParts(waiting, MOST_ROWS)) {
    const rows = some.map(({ key, position }) => [...nameValues(name), key, position])
    await connection.query(
      `INSERT INTO tributary_parked_event (consumer, topic, partition_no, event_key, position) VALUES ?
       ON DUPLICATE KEY UPDATE position = VALUES(position)`,
      [rows],
    )
  }
}

/** The key of a partition that was requeued longest ago, or undefined. */
export async function nextRequeuedKey(connection: Connection, name: CursorName): Promise<string | undefined> {
  const rows = await connection.query<{ event_key: string }[]>(
    `SELECT event_key FROM tributary_parked_key WHERE ${ROW} AND state = 'requeued' ORDER BY requeued_time, event_key LIMIT 1`,
    nameValues(name),
  )
  return rows[0]?.event_key
}

/** Positions of the events that wait behind a key, in order. */
export async function waitingPositions(
  connection: Connection,
  name: CursorName,
  key: string,
  limit: number,
): Promise<Position[]> {
  const rows = await connection.query<{ position: Position }[]>(
    `SELECT position FROM tributary_parked_event
     WHERE ${ROW} AND event_key = ? AND skipped_time IS NULL ORDER BY position LIMIT ?`,
    [...nameValues(name), key, limit],
  )
  return rows.map((row) => row.position)
}

/** Takes events out of a key's queue. False when one of them is not there any more: an operator skipped it meanwhile. */
export async function dequeue(
  connection: Connection,
  name: CursorName,
  key: string,
  positions: readonly Position[],
): Promise<boolean> {
  const { affectedRows } = await connection.query<WriteResult>(
    `DELETE FROM tributary_parked_event WHERE ${ROW} AND event_key = ? AND skipped_time IS NULL AND position IN (?)`,
    [...nameValues(name), key, positions],
  )
  return affectedRows === positions.length
}

/** Unparks a key when nothing waits behind it any more. Answers whether it did. */
export async function unparkIfEmpty(connection: Connection, name: CursorName, key: string): Promise<boolean> {
  const [waiting] = await waitingPositions(connection, name, key, 1)
  if (waiting !== undefined) return false
  await connection.query(`DELETE FROM tributary_parked_key WHERE ${ROW} AND event_key = ?`, [...nameValues(name), key])
  return true
}
