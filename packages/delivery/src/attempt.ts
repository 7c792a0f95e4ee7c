import { type Connection, rowsText } from '@tributary/database'
import type { Position } from '@tributary/event-log'
import type { Outcome } from './outcome.ts'
import type { Delivery, Placed } from './place.ts'

/** One try of a delivery, for the record. `time` is when it began, milliseconds since 1970; the first attempt is 1. */
export type Attempt = {
  position: Position
  eventId: string
  attempt: number
  time: number
  outcome: Outcome
  keyId: string
  bodyDigest: string
}

/** Records attempts in one statement. */
export async function insertAttempts(connection: Connection, attempts: readonly Placed<Attempt>[]): Promise<void> {
  if (attempts.length === 0) return
  const rows = attempts.map(({ place, item: { position, eventId, attempt, time, outcome, keyId, bodyDigest } }) => [
    place.endpoint,
    place.topic,
    place.partition,
    position,
    attempt,
    time,
    eventId,
    outcome.kind,
    outcome.reason,
    outcome.status,
    outcome.durationMs,
    outcome.answer,
    keyId,
    bodyDigest,
  ])
  await connection.query(
    'INSERT INTO tributary_delivery_attempt (endpoint, topic, partition_no, position, attempt, time, event_id, outcome, reason, status, duration_ms, answer, key_id, body_digest) VALUES ?',
    [rowsText(rows)],
  )
}

/** A recorded try of a delivery. `time` in milliseconds since 1970; `answer` is what the receiver said, at most 4 KB. */
export type DeliveryTry = Pick<Attempt, 'attempt' | 'time' | 'keyId' | 'bodyDigest'> & {
  outcome: Outcome['kind']
  reason: string
  status: number
  durationMs: number
  answer: string
}

/** The tries of one delivery that are still kept, in order. Throws DatabaseError. */
export function readTries(connection: Connection, { endpoint, topic, partition, position }: Delivery): Promise<DeliveryTry[]> {
  return connection.query(
    `SELECT attempt, time, outcome, reason, status, duration_ms AS durationMs, key_id AS keyId, body_digest AS bodyDigest, answer
     FROM tributary_delivery_attempt WHERE endpoint = ? AND topic = ? AND partition_no = ? AND position = ? ORDER BY time, attempt`,
    [endpoint, topic, partition, position],
  )
}
