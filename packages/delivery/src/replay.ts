import type { Connection, Database, WriteResult } from '@tributary/database'
import { type EventLog, type Position, type RecordedEvent, readSlices } from '@tributary/event-log'
import type { StoredEvent } from '@tributary/events'
import { SPI_POLICY } from './endpoint.ts'
import { DeliveryError } from './errors.ts'
import type { Place } from './place.ts'

/**
 * A replay is an endpoint's cursor set back, nothing else. From `from` on the endpoint gets its events again, in the order
 * of the log, each with the webhook id it had; live events stand behind them, so a receiver that takes what comes ends
 * where the log ends, for every key. A second reader beside the live one would be faster for live events, but it would
 * hand a receiver an old state after a newer one.
 *
 * With `to`, what stands between there and `live`, where the cursor stood, is passed over: it was delivered before. With
 * `key`, so is everything of other keys. A replay of some events does therefore end with an older state of a key than the
 * receiver had, until that key changes again: that is what was asked for.
 */
export type Replay = { from: Position; to: Position; live: Position; key: string | null }

/** What a person asks for. Without `to` up to where the endpoint stands. */
export type ReplayRange = { endpoint: string; topic: string; from: readonly Position[]; to?: readonly Position[]; key?: string }

export type PartitionReplay = Replay & { partition: number }

/** What of a range would be sent again, by partition. `from` and `to` have one position for each. Throws DatabaseError. */
export async function planReplay(connection: Connection, range: ReplayRange): Promise<PartitionReplay[]> {
  const rows = await connection.query<{ partition: number; live: Position }[]>(
    `SELECT partition_no AS \`partition\`, next_position AS live FROM tributary_cursor
     WHERE consumer = ? AND topic = ? ORDER BY partition_no`,
    [range.endpoint, range.topic],
  )
  return rows.flatMap(({ partition, live }) => {
    const from = range.from[partition] ?? live
    const to = Math.min(range.to?.[partition] ?? live, live)
    return from < to ? [{ partition, from, to, live, key: range.key ?? null }] : []
  })
}

export type ReplayCount = {
  events: number
  bytes: number
  /** By when the log took them. */
  first: RecordedEvent | undefined
  last: RecordedEvent | undefined
}

const READ_EVENTS = 5_000

/**
 * Counts what a plan would send, reading the log and changing nothing; where `most` is given, it reads no further in a partition once
 * it has found so many. `wants` says which of a slice are for the endpoint; `onRead` hears how many events have been read. Throws
 * EventLogError.
 */
export async function countReplay(
  log: EventLog,
  topic: string,
  plan: readonly PartitionReplay[],
  options: {
    wants(events: readonly StoredEvent[]): Promise<boolean[]>
    onRead?(events: number): void
    most?: number
    signal: AbortSignal
  },
): Promise<ReplayCount> {
  const { most = Number.POSITIVE_INFINITY } = options
  const count: ReplayCount = { events: 0, bytes: 0, first: undefined, last: undefined }
  let read = 0
  const countPartition = async ({ partition, from, to, key }: PartitionReplay): Promise<void> => {
    for await (const slice of readSlices(log, topic, partition, { from, to, limit: READ_EVENTS, signal: options.signal })) {
      const candidates = slice.events.filter(
        (found) => found.position < to && (key === null || found.event.partitionkey === key),
      )
      const wanted = await options.wants(candidates.map(({ event }) => event))
      for (const [index, recorded] of candidates.entries()) if (wanted[index]) note(count, recorded)
      read += slice.events.length
      options.onRead?.(read)
      if (count.events >= most) return
    }
  }
  await Promise.all(plan.map(countPartition))
  return count
}

function note(count: ReplayCount, recorded: RecordedEvent): void {
  count.events += 1
  count.bytes += Buffer.byteLength(recorded.event.data)
  if (!count.first || recorded.recordedTime < count.first.recordedTime) count.first = recorded
  if (!count.last || recorded.recordedTime >= count.last.recordedTime) count.last = recorded
}

/**
 * Begins a replay in all partitions of the plan at once. The epoch of each cursor grows, so whoever has the partition is
 * fenced, and the next owner starts at `from`. Lanes of events that come again are dropped.
 * Throws DatabaseError; DeliveryError DELIVERY_REPLAY_REFUSED when a replay is under way, when the endpoint has come
 * forward since the plan, or when only a part is replayed of keys that have lanes.
 */
export function startReplay(database: Database, asked: AskedReplay): Promise<void> {
  return database.transaction((connection) => beginReplay(connection, asked))
}

export type AskedReplay = { endpoint: string; topic: string; plan: readonly PartitionReplay[]; by: string }

/** `startReplay` inside a transaction. */
export async function beginReplay(connection: Connection, { endpoint, topic, plan, by }: AskedReplay): Promise<void> {
  for (const part of plan) {
    const place = { endpoint, topic, partition: part.partition }
    const live = await lockCursor(connection, place)
    await refuseSecond(connection, place, live)
    const to = part.to === part.live ? live : part.to
    const isWhole = to === live && part.key === null
    if (isWhole) await dropLanes(connection, place, part.from)
    else await refuseLanes(connection, place, part)
    await connection.query(
      `REPLACE INTO tributary_replay
         (endpoint, topic, partition_no, from_position, to_position, live_position, event_key, started_time, started_by) VALUES (?)`,
      [[endpoint, topic, part.partition, part.from, to, live, part.key, Date.now(), by.slice(0, 100)]],
    )
    await connection.query<WriteResult>(
      `UPDATE tributary_cursor SET next_position = ?, epoch = epoch + 1, updated_time = ?
       WHERE consumer = ? AND topic = ? AND partition_no = ?`,
      [part.from, Date.now(), endpoint, topic, part.partition],
    )
  }
}

async function lockCursor(connection: Connection, { endpoint, topic, partition }: Place): Promise<Position> {
  const [row] = await connection.query<{ live: Position }[]>(
    'SELECT next_position AS live FROM tributary_cursor WHERE consumer = ? AND topic = ? AND partition_no = ? FOR UPDATE',
    [endpoint, topic, partition],
  )
  if (row) return row.live
  throw refused(`${endpoint} has no cursor in partition ${partition}.`)
}

async function refuseSecond(connection: Connection, place: Place, next: Position): Promise<void> {
  const before = await loadReplay(connection, place)
  if (before && next < before.live)
    throw refused(`A replay of ${place.endpoint} is under way in partition ${place.partition}; wait until it has ended.`)
}

async function dropLanes(connection: Connection, { endpoint, topic, partition }: Place, from: Position): Promise<void> {
  const values = [endpoint, topic, partition, from]
  await connection.query(
    'DELETE FROM tributary_delivery_waiting WHERE endpoint = ? AND topic = ? AND partition_no = ? AND position >= ?',
    values,
  )
  await connection.query(
    'DELETE FROM tributary_delivery_lane WHERE endpoint = ? AND topic = ? AND partition_no = ? AND head_position >= ?',
    values,
  )
}

/** In strict order and in none a lane goes by no partition key. Those of orders have a colon, those of changes of a directory a slash. */
const OF_ANY_KEY = "event_key NOT LIKE '%:%' AND event_key NOT LIKE '%/%'"

/** An event that comes again before others of its lane would take its place behind them. */
async function refuseLanes(connection: Connection, { endpoint, topic, partition }: Place, { key }: Replay): Promise<void> {
  const [lane] = await connection.query<{ event_key: string }[]>(
    `SELECT event_key FROM tributary_delivery_lane WHERE endpoint = ? AND topic = ? AND partition_no = ?
     ${key === null ? '' : `AND (event_key = ? OR LEFT(event_key, ?) = ? OR ${OF_ANY_KEY})`} LIMIT 1`,
    [endpoint, topic, partition, ...(key === null ? [] : [key, [...key].length + 1, `${key}/`])],
  )
  if (lane)
    throw refused(
      `The key ${lane.event_key} of ${endpoint} is in trouble, and a part of a range cannot be sent again before it is settled. See: tributary deliveries list --outcome blocked`,
    )
}

const refused = (message: string): DeliveryError => new DeliveryError('DELIVERY_REPLAY_REFUSED', message, { retriable: false })

/** The replay of a partition, under way or ended. */
async function loadReplay(connection: Connection, { endpoint, topic, partition }: Place): Promise<Replay | undefined> {
  const [row] = await connection.query<Replay[]>(
    `SELECT from_position AS \`from\`, to_position AS \`to\`, live_position AS live, event_key AS \`key\`
     FROM tributary_replay WHERE endpoint = ? AND topic = ? AND partition_no = ?`,
    [endpoint, topic, partition],
  )
  return row
}

/** The replay that is under way in a partition, for its new owner. One that has ended is forgotten. */
export async function takeUpReplay(connection: Connection, place: Place): Promise<Replay | undefined> {
  const { endpoint, topic, partition } = place
  await connection.query(
    `DELETE r FROM tributary_replay r JOIN tributary_cursor c
       ON c.consumer = r.endpoint AND c.topic = r.topic AND c.partition_no = r.partition_no
     WHERE r.endpoint = ? AND r.topic = ? AND r.partition_no = ? AND c.next_position >= r.live_position`,
    [endpoint, topic, partition],
  )
  return loadReplay(connection, place)
}

/** Whether an event at a position is sent while this replay is under way, if its endpoint wants it. */
export const isReplayed = ({ to, live, key }: Replay, position: Position, partitionKey: string): boolean =>
  position >= live || (position < to && (key === null || key === partitionKey))

/** Whether an endpoint had the event at a position before this replay. */
export const isBeforeReplay = (replay: Replay | undefined, position: Position): boolean =>
  replay !== undefined && position < replay.live

/** When the last replay of each endpoint began, milliseconds since 1970: whoever runs the endpoint takes it up anew then. */
export async function readReplayStarts(connection: Connection): Promise<Map<string, number>> {
  const rows = await connection.query<{ endpoint: string; started: number }[]>(
    'SELECT endpoint, MAX(started_time) AS started FROM tributary_replay GROUP BY endpoint',
  )
  return new Map(rows.map(({ endpoint, started }) => [endpoint, started]))
}

/** How far the replay of an endpoint is, over its partitions, in positions. Undefined when it has none. */
export async function readReplayProgress(
  connection: Connection,
  endpoint: string,
): Promise<{ done: number; total: number } | undefined> {
  const [row] = await connection.query<{ done: number | string | null; total: number | string | null }[]>(
    `SELECT SUM(LEAST(c.next_position, r.live_position) - r.from_position) AS done, SUM(r.live_position - r.from_position) AS total
     FROM tributary_replay r JOIN tributary_cursor c
       ON c.consumer = r.endpoint AND c.topic = r.topic AND c.partition_no = r.partition_no
     WHERE r.endpoint = ?`,
    [endpoint],
  )
  return row?.total == null ? undefined : { done: Number(row.done), total: Number(row.total) }
}

/** Attempts that tell the pace, and how old they may be in milliseconds. */
const LATEST = 500
const PRESENT = 86_400_000

/**
 * Deliveries a second that an endpoint can take at least, by how long its latest ones took with as many under way as at
 * the start. Undefined when it has had none for a day. Throws DatabaseError.
 */
export async function readPresentPace(connection: Connection, endpoint: string): Promise<number | undefined> {
  const [row] = await connection.query<{ took: number | string | null }[]>(
    `SELECT AVG(duration_ms) AS took FROM
       (SELECT duration_ms FROM tributary_delivery_attempt
        WHERE time > ? AND endpoint = ? AND outcome = 'delivered' ORDER BY time DESC LIMIT ?) AS latest`,
    [Date.now() - PRESENT, endpoint, LATEST],
  )
  if (row?.took == null) return undefined
  return (SPI_POLICY.limits.fresh * 1_000) / (Number(row.took) + OVERHEAD)
}

/** Milliseconds that a delivery takes here besides the receiver's, with a commit shared by its batch. */
const OVERHEAD = 2
