import { readCursors } from '@tributary/consumer'
import type { Connection, WriteResult } from '@tributary/database'
import type { Position } from '@tributary/event-log'
import type { Place, Placed } from './place.ts'
import type { Routing, RoutingChange } from './routing.ts'

/** Instead of a seller: where the record of a partition begins, and a delivery that was given back. */
const BEGINNING = ''
const GIVEN_BACK = '-'

const OF_PLACE = 'endpoint = ? AND topic = ? AND partition_no = ?'
const placeValues = ({ endpoint, topic, partition }: Place) => [endpoint, topic, partition]

type Row = { routedBy: string; from: Position; until: Position | null }

/**
 * The routing of a place for its new owner; the first one begins the record where the cursor stands. While a replay is under
 * way, that is at `live`, where the cursor stood before: what comes again below it is not recorded.
 */
export async function takeUpRouting(connection: Connection, place: Place, live: Position): Promise<Routing> {
  const values = placeValues(place)
  const floor = Math.max(await readCursor(connection, place), live)
  const rows = await connection.query<Row[]>(
    `SELECT routed_by AS routedBy, from_position AS \`from\`, until_position AS until
     FROM tributary_delivery_route WHERE ${OF_PLACE} AND until_position IS NULL`,
    values,
  )
  if (!rows.some(({ routedBy }) => routedBy === BEGINNING))
    await connection.query(
      'INSERT IGNORE INTO tributary_delivery_route (endpoint, topic, partition_no, routed_by, from_position) VALUES (?)',
      [[...values, BEGINNING, floor]],
    )
  const wanted = rows.map(({ routedBy }) => routedBy).filter((routedBy) => routedBy !== BEGINNING)
  return { floor, wanted: new Set(wanted) }
}

async function readCursor(connection: Connection, { endpoint, topic, partition }: Place): Promise<Position> {
  const cursors = await readCursors(connection, endpoint, topic)
  return cursors.find((cursor) => cursor.partition === partition)?.next ?? 0
}

/** Records changes, in their order; again does no harm. */
export async function writeRoutings(connection: Connection, changes: readonly Placed<RoutingChange>[]): Promise<void> {
  for (const { place, item: change } of changes)
    if (change.kind === 'ends') await end(connection, place, change)
    else await begin(connection, place, change)
}

async function begin(connection: Connection, place: Place, { routedBy, position, kind }: RoutingChange): Promise<void> {
  const row = kind === 'begins' ? [routedBy, position, null, null] : [GIVEN_BACK, position, position, Date.now()]
  await connection.query(
    `INSERT IGNORE INTO tributary_delivery_route
       (endpoint, topic, partition_no, routed_by, from_position, until_position, until_time) VALUES (?)`,
    [[...placeValues(place), ...row]],
  )
}

async function end(connection: Connection, place: Place, { routedBy, position }: RoutingChange): Promise<void> {
  await connection.query(
    `UPDATE tributary_delivery_route SET until_position = ?, until_time = ?
     WHERE ${OF_PLACE} AND routed_by = ? AND until_position IS NULL`,
    [position, Date.now(), ...placeValues(place), routedBy],
  )
}

/** What held when events passed an endpoint's cursor. */
export type PastRouting = {
  /** From where on that is known, undefined when it never was recorded, and up to where: what has passed since is not in it. */
  since: Position | undefined
  until: Position
  /** Whether an event was for the endpoint. */
  wasWanted(routedBy: string, position: Position): boolean
}

/** Throws DatabaseError. */
export async function readPastRouting(connection: Connection, place: Place): Promise<PastRouting> {
  // Before the record: what the cursor has passed by then is in the record by then.
  const until = await readCursor(connection, place)
  const rows = await connection.query<Row[]>(
    `SELECT routed_by AS routedBy, from_position AS \`from\`, until_position AS until
     FROM tributary_delivery_route WHERE ${OF_PLACE}`,
    placeValues(place),
  )
  const byName = Map.groupBy(rows, ({ routedBy }) => routedBy)
  const givenBack = new Set(byName.get(GIVEN_BACK)?.map(({ from }) => from))
  return {
    since: byName.get(BEGINNING)?.[0]?.from,
    until,
    wasWanted: (routedBy, position) =>
      !givenBack.has(position) &&
      (byName.get(routedBy) ?? []).some(({ from, until }) => from <= position && (until === null || position < until)),
  }
}

/** Drops what ended before a time, in milliseconds since 1970, and answers how many rows that were. Throws DatabaseError. */
export async function dropOldRoutings(connection: Connection, before: number): Promise<number> {
  const { affectedRows } = await connection.query<WriteResult>('DELETE FROM tributary_delivery_route WHERE until_time < ?', [
    before,
  ])
  return affectedRows
}
