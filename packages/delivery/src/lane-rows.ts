import type { Connection } from '@tributary/database'
import type { Position } from '@tributary/event-log'
import { type Attempt, insertAttempts } from './attempt.ts'
import { type DeadLetter, insertDeadLetter } from './dead-letter.ts'
import type { Lane } from './lane.ts'
import type { Place, Placed } from './place.ts'
import { type Replay, takeUpReplay } from './replay.ts'
import type { Routing, RoutingChange } from './routing.ts'
import { takeUpRouting, writeRoutings } from './routing-rows.ts'

/** A key's event that waits behind the head of its lane. */
export type WaitingRow = { key: string; position: Position }

/** What is set aside at a place. */
export type Aside = { lanes: readonly Lane[]; waiting: readonly WaitingRow[] }

type LaneRow = {
  event_key: string
  head_position: number
  attempts: number
  failures: number
  next_time: number
  state: Lane['state']
  reason: string
  since: number
}

/** The lane rows of partitions, inside a transaction; in MySQL below, in memory for the random tests of lanes. */
export type LaneRows = {
  /** Every lane of a place, with the number of events that wait in it and the position of the last. */
  load(connection: Connection, place: Place): Promise<LoadedLane[]>
  /** All that is set aside at a place; it stays until the transaction ends. */
  aside(connection: Connection, place: Place): Promise<Aside>
  /** Removes all that. */
  clear(connection: Connection, place: Place): Promise<void>
  insertLanes(connection: Connection, lanes: readonly Placed<Lane>[]): Promise<void>
  insertWaiting(connection: Connection, waiting: readonly Placed<WaitingRow>[]): Promise<void>
  insertAttempts(connection: Connection, attempts: readonly Placed<Attempt>[]): Promise<void>
  insertDeadLetter(connection: Connection, place: Place, letter: DeadLetter): Promise<void>
  /** The replay that is under way in a place. */
  replay(connection: Connection, place: Place): Promise<Replay | undefined>
  /** For whom the events of a place are, as recorded so far; from `live` on, where a replay is under way, and the cursor. */
  routing(connection: Connection, place: Place, live: Position): Promise<Routing>
  writeRoutings(connection: Connection, changes: readonly Placed<RoutingChange>[]): Promise<void>
  /** The lane of a key as it stands, and stays until the transaction ends. */
  find(connection: Connection, place: Place, key: string): Promise<Lane | undefined>
  /** Writes what a try changed. */
  update(connection: Connection, place: Place, lane: Lane): Promise<void>
  /** Ends a lane. */
  end(connection: Connection, place: Place, key: string): Promise<void>
  /** The position that comes after the head, or undefined when nothing waits. */
  firstWaiting(connection: Connection, place: Place, key: string): Promise<Position | undefined>
  deleteWaiting(connection: Connection, place: Place, row: WaitingRow): Promise<void>
  /** The lanes that are due by their rows, which a person may have changed; `now` in milliseconds since 1970. */
  due(connection: Connection, place: Place, now: number): Promise<Lane[]>
}

export type LoadedLane = { lane: Lane; waiting: number; last: Position }

const COLUMNS = 'event_key, head_position, attempts, failures, next_time, state, reason, since'
const OF_PLACE = 'endpoint = ? AND topic = ? AND partition_no = ?'
const OF_LANE = `${OF_PLACE} AND event_key = ?`
const placeValues = ({ endpoint, topic, partition }: Place) => [endpoint, topic, partition]

const laneOfRow = (row: LaneRow): Lane => ({
  key: row.event_key,
  head: row.head_position,
  attempts: row.attempts,
  failures: row.failures,
  nextTime: row.next_time,
  state: row.state,
  reason: row.reason,
  since: row.since,
})

async function load(connection: Connection, place: Place): Promise<LoadedLane[]> {
  const lanes = await connection.query<LaneRow[]>(
    `SELECT ${COLUMNS} FROM tributary_delivery_lane WHERE ${OF_PLACE}`,
    placeValues(place),
  )
  const waiting = await connection.query<{ event_key: string; waiting: number; last: number }[]>(
    `SELECT event_key, COUNT(*) AS waiting, MAX(position) AS last FROM tributary_delivery_waiting WHERE ${OF_PLACE} GROUP BY event_key`,
    placeValues(place),
  )
  const byKey = new Map(waiting.map((row) => [row.event_key, row]))
  return lanes.map((row) => {
    const behind = byKey.get(row.event_key)
    return { lane: laneOfRow(row), waiting: behind?.waiting ?? 0, last: behind?.last ?? row.head_position }
  })
}

async function aside(connection: Connection, place: Place): Promise<Aside> {
  const lanes = await connection.query<LaneRow[]>(
    `SELECT ${COLUMNS} FROM tributary_delivery_lane WHERE ${OF_PLACE} FOR UPDATE`,
    placeValues(place),
  )
  const waiting = await connection.query<WaitingRow[]>(
    `SELECT event_key AS \`key\`, position FROM tributary_delivery_waiting WHERE ${OF_PLACE} FOR UPDATE`,
    placeValues(place),
  )
  return { lanes: lanes.map(laneOfRow), waiting }
}

async function clear(connection: Connection, place: Place): Promise<void> {
  for (const table of ['tributary_delivery_lane', 'tributary_delivery_waiting'])
    await connection.query(`DELETE FROM ${table} WHERE ${OF_PLACE}`, placeValues(place))
}

async function insertLanes(connection: Connection, lanes: readonly Placed<Lane>[]): Promise<void> {
  if (lanes.length === 0) return
  const rows = lanes.map(({ place, item: lane }) => [
    ...placeValues(place),
    lane.key,
    lane.head,
    lane.attempts,
    lane.failures,
    lane.nextTime,
    lane.state,
    lane.reason,
    lane.since,
  ])
  await connection.query(
    'INSERT INTO tributary_delivery_lane (endpoint, topic, partition_no, event_key, head_position, attempts, failures, next_time, state, reason, since) VALUES ?',
    [rows],
  )
}

async function insertWaiting(connection: Connection, waiting: readonly Placed<WaitingRow>[]): Promise<void> {
  if (waiting.length === 0) return
  const rows = waiting.map(({ place, item: { key, position } }) => [...placeValues(place), key, position])
  await connection.query(
    'INSERT INTO tributary_delivery_waiting (endpoint, topic, partition_no, event_key, position) VALUES ?',
    [rows],
  )
}

async function find(connection: Connection, place: Place, key: string): Promise<Lane | undefined> {
  const [row] = await connection.query<LaneRow[]>(
    `SELECT ${COLUMNS} FROM tributary_delivery_lane WHERE ${OF_LANE} FOR UPDATE`,
    [...placeValues(place), key],
  )
  return row && laneOfRow(row)
}

async function update(connection: Connection, place: Place, lane: Lane): Promise<void> {
  await connection.query(
    `UPDATE tributary_delivery_lane SET head_position = ?, attempts = ?, failures = ?, next_time = ?, state = ?, reason = ? WHERE ${OF_LANE}`,
    [lane.head, lane.attempts, lane.failures, lane.nextTime, lane.state, lane.reason, ...placeValues(place), lane.key],
  )
}

async function firstWaiting(connection: Connection, place: Place, key: string): Promise<Position | undefined> {
  const [row] = await connection.query<{ position: number }[]>(
    `SELECT position FROM tributary_delivery_waiting WHERE ${OF_LANE} ORDER BY position LIMIT 1`,
    [...placeValues(place), key],
  )
  return row?.position
}

async function deleteWaiting(connection: Connection, place: Place, { key, position }: WaitingRow): Promise<void> {
  await connection.query(`DELETE FROM tributary_delivery_waiting WHERE ${OF_LANE} AND position = ?`, [
    ...placeValues(place),
    key,
    position,
  ])
}

async function end(connection: Connection, place: Place, key: string): Promise<void> {
  await connection.query(`DELETE FROM tributary_delivery_lane WHERE ${OF_LANE}`, [...placeValues(place), key])
}

async function due(connection: Connection, place: Place, now: number): Promise<Lane[]> {
  const rows = await connection.query<LaneRow[]>(
    `SELECT ${COLUMNS} FROM tributary_delivery_lane WHERE ${OF_PLACE} AND state <> 'blocked' AND next_time <= ?`,
    [...placeValues(place), now],
  )
  return rows.map(laneOfRow)
}

/** The rows in `tributary_delivery_lane`, `_waiting` and `_attempt`. */
export const mysqlLaneRows: LaneRows = {
  load,
  aside,
  clear,
  insertLanes,
  insertWaiting,
  insertAttempts,
  insertDeadLetter,
  replay: takeUpReplay,
  routing: takeUpRouting,
  writeRoutings,
  find,
  update,
  end,
  firstWaiting,
  deleteWaiting,
  due,
}
