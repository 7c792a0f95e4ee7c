import type { Connection } from '@tributary/database'
import type { Position } from '@tributary/event-log'
import type { Delivery, Place } from './place.ts'

/**
 * Where a delivery stands: it was taken; it is the head of a lane, in one of its states, or waits in one; its event is
 * parked, because it cannot be rendered; it was given up; the cursor has not come to it, or a replay comes to it again; or
 * nothing is known of it though the cursor is past it, which is right only for events that are not for the endpoint.
 */
export type Standing = 'delivered' | 'retrying' | 'blocked' | 'skipped' | 'waiting' | 'parked' | 'given-up' | 'ahead' | 'none'

/** What is going on says more than what was; the first that there is counts. */
const STRONGEST: readonly Standing[] = ['retrying', 'blocked', 'skipped', 'waiting', 'parked', 'delivered', 'given-up']

/**
 * Reads where the deliveries of a place stand whose positions are from `from` to before `to`, all at one moment. A delivery
 * whose attempts were dropped for their age stands at `none`. Throws DatabaseError.
 */
export async function readStandings(
  connection: Connection,
  { endpoint, topic, partition }: Place,
  { from, to }: { from: Position; to: Position },
): Promise<(position: Position) => Standing> {
  const place = [endpoint, topic, partition]
  const range = [...place, from, to]
  // One statement sees one moment: a delivery that goes from one table to another meanwhile is in one of them.
  const rows = await connection.query<{ standing: Standing; position: Position }[]>(
    `SELECT 'ahead' AS standing, next_position AS position FROM tributary_cursor
       WHERE consumer = ? AND topic = ? AND partition_no = ?
     UNION ALL SELECT state, head_position FROM tributary_delivery_lane WHERE ${of('head_position')}
     UNION ALL SELECT 'waiting', position FROM tributary_delivery_waiting WHERE ${of('position')}
     UNION ALL SELECT IF(skipped_time IS NULL, 'parked', 'given-up'), position FROM tributary_parked_event
       WHERE consumer = ? AND topic = ? AND partition_no = ? AND position >= ? AND position < ?
     UNION ALL SELECT 'given-up', position FROM tributary_dead_letter WHERE ${of('position')}
     UNION ALL SELECT outcome, position FROM tributary_delivery_attempt WHERE outcome = 'delivered' AND ${of('position')}`,
    [...place, ...range, ...range, ...range, ...range, ...range],
  )
  const cursor = rows.find(({ standing }) => standing === 'ahead')?.position ?? 0
  const found = new Map<Position, Standing>()
  for (const { standing, position } of rows) {
    const known = found.get(position)
    if (standing !== 'ahead' && (known === undefined || STRONGEST.indexOf(standing) < STRONGEST.indexOf(known)))
      found.set(position, standing)
  }
  return (position) => found.get(position) ?? (position >= cursor ? 'ahead' : 'none')
}

/** Where one delivery stands. Throws DatabaseError. */
export const readStanding = async (connection: Connection, { position, ...place }: Delivery): Promise<Standing> =>
  (await readStandings(connection, place, { from: position, to: position + 1 }))(position)

const of = (position: string): string =>
  `endpoint = ? AND topic = ? AND partition_no = ? AND ${position} >= ? AND ${position} < ?`
