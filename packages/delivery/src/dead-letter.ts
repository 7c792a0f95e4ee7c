import type { Connection } from '@tributary/database'
import type { Position } from '@tributary/event-log'
import type { Place } from './place.ts'

/** A delivery that was given up. `time` in milliseconds since 1970; `reason` of its last attempt, or `superseded`. */
export type DeadLetter = { position: Position; key: string; attempts: number; reason: string; time: number }

/** Records that a delivery was given up; once more when a replay comes to the same end. */
export async function insertDeadLetter(connection: Connection, place: Place, letter: DeadLetter): Promise<void> {
  const { endpoint, topic, partition } = place
  await connection.query(
    `INSERT INTO tributary_dead_letter (endpoint, topic, partition_no, position, event_key, attempts, reason, time)
     VALUES (?) ON DUPLICATE KEY UPDATE attempts = VALUES(attempts), reason = VALUES(reason), time = VALUES(time)`,
    [[endpoint, topic, partition, letter.position, letter.key, letter.attempts, letter.reason, letter.time]],
  )
}
