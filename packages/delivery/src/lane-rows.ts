import type { Connection, WriteResult } from '@tributary/database'
import type { Position } from '@tributary/event-log'
import type { Lane } from './lane.ts'

/** Whose rows: one endpoint's on one partition. */
export type Place = { endpoint: string; topic: string; partition: number }

/** A key's event that waits behind the head of its lane. */
export type WaitingRow = { key: string; position: Position }

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

/** Every lane of a place, with the number of events that wait in it and the position of the last. */
export async function loadLanes(
  connection: Connection,
  place: Place,
): Promise<{ lane: Lane; waiting: number; last: Position }[]> {
  const lanes = await connection.query<LaneRow[]>(
    `SELECT event_key, head_position, attempts, failures, next_time, state, reason, since FROM tributary_delivery_lane WHERE ${OF_PLACE}`,
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

export async function insertLanes(connection: Connection, place: Place, lanes: readonly Lane[]): Promise<void> {
  if (lanes.length === 0) return
  const rows = lanes.map((lane) => [
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

export async function insertWaiting(connection: Connection, place: Place, waiting: readonly WaitingRow[]): Promise<void> {
  if (waiting.length === 0) return
  const rows = waiting.map(({ key, position }) => [...placeValues(place), key, position])
  await connection.query(
    'INSERT INTO tributary_delivery_waiting (endpoint, topic, partition_no, event_key, position) VALUES ?',
    [rows],
  )
}

/** Writes what a try changed; false when the lane's row is not there. */
export async function updateLane(connection: Connection, place: Place, lane: Lane): Promise<boolean> {
  const { affectedRows } = await connection.query<WriteResult>(
    `UPDATE tributary_delivery_lane SET head_position = ?, attempts = ?, failures = ?, next_time = ?, state = ?, reason = ? WHERE ${OF_LANE}`,
    [lane.head, lane.attempts, lane.failures, lane.nextTime, lane.state, lane.reason, ...placeValues(place), lane.key],
  )
  return affectedRows === 1
}

/** The position that comes after the head, or undefined when nothing waits. */
export async function firstWaiting(connection: Connection, place: Place, key: string): Promise<Position | undefined> {
  const [row] = await connection.query<{ position: number }[]>(
    `SELECT position FROM tributary_delivery_waiting WHERE ${OF_LANE} ORDER BY position LIMIT 1`,
    [...placeValues(place), key],
  )
  return row?.position
}

export async function deleteWaiting(connection: Connection, place: Place, { key, position }: WaitingRow): Promise<void> {
  await connection.query(`DELETE FROM tributary_delivery_waiting WHERE ${OF_LANE} AND position = ?`, [
    ...placeValues(place),
    key,
    position,
  ])
}

/** Ends a lane; false when its row is not there. */
export async function deleteLane(connection: Connection, place: Place, key: string): Promise<boolean> {
  const { affectedRows } = await connection.query<WriteResult>(`DELETE FROM tributary_delivery_lane WHERE ${OF_LANE}`, [
    ...placeValues(place),
    key,
  ])
  return affectedRows === 1
}

/** Those of `keys` whose lane is blocked no more, as a person left them. */
export async function resumedLanes(connection: Connection, place: Place, keys: readonly string[]): Promise<Lane[]> {
  const rows = await connection.query<LaneRow[]>(
    `SELECT event_key, head_position, attempts, failures, next_time, state, reason, since FROM tributary_delivery_lane
     WHERE ${OF_PLACE} AND event_key IN (?) AND state = 'retrying'`,
    [...placeValues(place), keys],
  )
  return rows.map(laneOfRow)
}

/**
 * Starts the schedule of a blocked lane anew; whoever owns its partition sees that within seconds and tries its head.
 * Answers how many lanes were blocked and are resumed: those of one key, or all of the endpoint.
 */
export async function resumeLanes(connection: Connection, endpoint: string, key?: string): Promise<number> {
  const { affectedRows } = await connection.query<WriteResult>(
    `UPDATE tributary_delivery_lane SET state = 'retrying', failures = 0, next_time = ?
     WHERE endpoint = ? AND state = 'blocked'${key === undefined ? '' : ' AND event_key = ?'}`,
    [Date.now(), endpoint, ...(key === undefined ? [] : [key])],
  )
  return affectedRows
}

/** The lanes of an endpoint on all partitions. `oldestSince` in milliseconds since 1970, undefined without lanes. */
export type LaneFigures = { retrying: number; blocked: number; waiting: number; oldestSince: number | undefined }

/** How many keys of an endpoint are in trouble, and how many events wait behind them. Throws DatabaseError. */
export async function laneFigures(connection: Connection, endpoint: string): Promise<LaneFigures> {
  const states = await connection.query<{ state: Lane['state']; lanes: number; since: number }[]>(
    'SELECT state, COUNT(*) AS lanes, MIN(since) AS since FROM tributary_delivery_lane WHERE endpoint = ? GROUP BY state',
    [endpoint],
  )
  const [waiting] = await connection.query<{ waiting: number }[]>(
    'SELECT COUNT(*) AS waiting FROM tributary_delivery_waiting WHERE endpoint = ?',
    [endpoint],
  )
  const lanesIn = (state: Lane['state']) => states.find((row) => row.state === state)?.lanes ?? 0
  const oldestSince = states.length === 0 ? undefined : Math.min(...states.map(({ since }) => since))
  return { retrying: lanesIn('retrying'), blocked: lanesIn('blocked'), waiting: waiting?.waiting ?? 0, oldestSince }
}
