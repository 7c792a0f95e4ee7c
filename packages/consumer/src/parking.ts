import type { Connection, WriteResult } from '@tributary/database'
import type { Position } from '@tributary/event-log'

/** What an operator sees of a parked key and can do about it. Nothing here needs the consumer to run. */
export type ParkedKey = {
  consumer: string
  topic: string
  partition: number
  key: string
  /** `requeued` means that the partition's owner is about to apply its events. */
  state: 'parked' | 'requeued'
  /** Of the event that could not be applied. */
  position: Position
  attempts: number
  errorCode: string
  /** Holds no personal data. */
  error: string
  /** Milliseconds since 1970. */
  parkedTime: number
  /** Events that wait, the culprit included. */
  waiting: number
}

/** The parked keys of a consumer, or of all consumers, oldest first; `limit` (default 1000) at most. Throws DatabaseError. */
export function listParked(database: Connection, options: { consumer?: string; limit?: number } = {}): Promise<ParkedKey[]> {
  const { consumer, limit = 1000 } = options
  return database.query(
    `SELECT k.consumer, k.topic, k.partition_no AS \`partition\`, k.event_key AS \`key\`, k.state, k.position, k.attempts,
       k.error_code AS errorCode, k.error, k.parked_time AS parkedTime,
       (SELECT COUNT(*) FROM tributary_parked_event e WHERE e.consumer = k.consumer AND e.topic = k.topic
          AND e.partition_no = k.partition_no AND e.event_key = k.event_key AND e.skipped_time IS NULL) AS waiting
     FROM tributary_parked_key k ${consumer === undefined ? '' : 'WHERE k.consumer = ?'}
     ORDER BY k.parked_time, k.consumer, k.event_key LIMIT ?`,
    [...(consumer === undefined ? [] : [consumer]), limit],
  )
}

/** How many keys of each consumer are parked; those without any are left out. Throws DatabaseError. */
export async function countParked(connection: Connection): Promise<Map<string, number>> {
  const rows = await connection.query<{ consumer: string; parked: number }[]>(
    'SELECT consumer, COUNT(*) AS parked FROM tributary_parked_key GROUP BY consumer',
  )
  return new Map(rows.map(({ consumer, parked }) => [consumer, parked]))
}

/**
 * Where the events of a parked key stand that wait, the culprit included; none may be left, undefined where the key is not parked.
 * Throws DatabaseError.
 */
export async function readWaiting(connection: Connection, consumer: string, key: string): Promise<Position[] | undefined> {
  const rows = await connection.query<{ position: Position | null }[]>(
    `SELECT e.position FROM tributary_parked_key k LEFT JOIN tributary_parked_event e ON e.consumer = k.consumer
       AND e.topic = k.topic AND e.partition_no = k.partition_no AND e.event_key = k.event_key AND e.skipped_time IS NULL
     WHERE k.consumer = ? AND k.event_key = ? ORDER BY e.position`,
    [consumer, key],
  )
  return rows.length === 0 ? undefined : rows.flatMap(({ position }) => (position === null ? [] : [position]))
}

/**
 * Asks for the events of a parked key to be applied, in order. The owner of the partition does it within a second or
 * so, and unparks the key, or parks it again at the first event that still cannot be applied. Throws DatabaseError.
 */
export async function requeue(connection: Connection, consumer: string, key: string): Promise<'requeued' | 'not-parked'> {
  const { affectedRows } = await connection.query<WriteResult>(
    "UPDATE tributary_parked_key SET state = 'requeued', requeued_time = ? WHERE consumer = ? AND event_key = ?",
    [Date.now(), consumer, key],
  )
  return affectedRows > 0 ? 'requeued' : 'not-parked'
}

/**
 * Drops one event of a parked key: it will never have its effects in this consumer, and a row says so for good. The
 * key stays parked until it is requeued. The connection must be in a transaction, in which the caller may write down what it
 * did. Throws DatabaseError.
 */
export async function skip(
  connection: Connection,
  consumer: string,
  key: string,
  position: Position,
): Promise<'skipped' | 'not-waiting'> {
  // Takes turns with the owner, who may be applying this event and locks its cursor first, too.
  await connection.query('SELECT epoch FROM tributary_cursor WHERE consumer = ? FOR UPDATE', [consumer])
  const { affectedRows } = await connection.query<WriteResult>(
    `UPDATE tributary_parked_event SET skipped_time = ?
     WHERE consumer = ? AND event_key = ? AND position = ? AND skipped_time IS NULL`,
    [Date.now(), consumer, key, position],
  )
  return affectedRows > 0 ? 'skipped' : 'not-waiting'
}

/**
 * Does in a consumer what an operator decided in another one of the same topic. What was skipped is passed over, and keys that are parked
 * because of such an event are requeued: to skip it was to let the others of its key go on. Keys that are requeued there and not
 * applied yet are requeued here. Throws DatabaseError.
 */
export async function carryDecisions(
  connection: Connection,
  { from, to, topic }: { from: string; to: string; topic: string },
): Promise<void> {
  await connection.query(
    `INSERT INTO tributary_parked_event (consumer, topic, partition_no, event_key, position, skipped_time)
     SELECT ?, topic, partition_no, event_key, position, skipped_time FROM tributary_parked_event
     WHERE consumer = ? AND topic = ? AND skipped_time IS NOT NULL
     ON DUPLICATE KEY UPDATE skipped_time = VALUES(skipped_time)`,
    [to, from, topic],
  )
  await connection.query(
    `UPDATE tributary_parked_key k JOIN tributary_parked_event e ON e.consumer = k.consumer AND e.topic = k.topic
       AND e.partition_no = k.partition_no AND e.event_key = k.event_key AND e.position = k.position
     SET k.state = 'requeued', k.requeued_time = ?
     WHERE k.consumer = ? AND k.topic = ? AND k.state = 'parked' AND e.skipped_time IS NOT NULL`,
    [Date.now(), to, topic],
  )
  await connection.query(
    `UPDATE tributary_parked_key k JOIN tributary_parked_key asked ON asked.topic = k.topic
       AND asked.partition_no = k.partition_no AND asked.event_key = k.event_key
     SET k.state = 'requeued', k.requeued_time = asked.requeued_time
     WHERE k.consumer = ? AND k.topic = ? AND k.state = 'parked' AND asked.consumer = ? AND asked.state = 'requeued'`,
    [to, topic, from],
  )
}

/** The partitions in which a consumer has requeued keys. Throws DatabaseError. */
export async function requeuedPartitions(connection: Connection, consumer: string, topic: string): Promise<Set<number>> {
  const rows = await connection.query<{ partition: number }[]>(
    `SELECT DISTINCT partition_no AS \`partition\` FROM tributary_parked_key
     WHERE consumer = ? AND topic = ? AND state = 'requeued'`,
    [consumer, topic],
  )
  return new Set(rows.map((row) => row.partition))
}

/**
 * The events of a topic before a consumer's cursor that have not had their effects in it, because they wait behind a
 * parked key or were skipped: as `partition:position`. Throws DatabaseError.
 */
export async function readSetAside(connection: Connection, consumer: string, topic: string): Promise<Set<string>> {
  const rows = await connection.query<{ place: string }[]>(
    `SELECT CONCAT(partition_no, ':', position) AS place FROM tributary_parked_event
     WHERE consumer = ? AND topic = ?`,
    [consumer, topic],
  )
  return new Set(rows.map((row) => row.place))
}
