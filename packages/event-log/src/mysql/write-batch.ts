import { type Connection, type Database, type WriteResult, writeRows } from '@tributary/database'
import type { SizedEvent } from '../append-queue.ts'
import { partitionOf } from '../partition.ts'
import type { Appended, Position, RecordedEvent } from '../port.ts'
import { asRecorded, EVENT_COLUMNS, INSERT_EVENTS, type PlacedEvent, toBytes, toRow, toUuid } from './event-row.ts'
import type { Topic } from './topics.ts'

/** Where every event id of a batch stands, how far the partitions it touched reach now, and the events that it added. */
export type Written = { places: Map<string, Appended>; ends: Map<number, Position>; added: RecordedEvent[] }

/** Data of one INSERT. Servers commonly take statements of 16 MB; an event larger than this goes alone. */
const STATEMENT_BYTES = 2 * 1024 * 1024
const STATEMENT_EVENTS = 500

const LOCK_ENDS = `SELECT partition_no, next_position FROM tributary_log_partition
  WHERE topic_id = ? AND partition_no IN (?) ORDER BY partition_no FOR UPDATE`

/** Locks and moves one counter at once; the answer's `insertId` is where it stood. */
const TAKE_POSITIONS = `UPDATE tributary_log_partition SET next_position = LAST_INSERT_ID(next_position) + ?
  WHERE topic_id = ? AND partition_no = ?`

const FIND_EVENTS = `SELECT event_id, partition_no, position FROM tributary_log_event
  WHERE topic_id = ? AND event_id IN (?)`

/**
 * Writes a batch, with different ids, in one transaction. The locks on the counters are held to the commit, so
 * positions have no gaps and their order is the order of commits: a reader that has seen position n never finds a
 * smaller one later. Locks are taken in the order of partitions, so two batches can't wait for each other.
 *
 * Without `lookUp` an id that the log already holds fails as DATABASE_DUPLICATE, and nothing is written. With it such
 * events are left out. The look-up stands after the lock: when the batch is a second try, the first one's transaction,
 * perhaps still committing on a lost connection, has ended by then.
 */
export function writeBatch(
  database: Database,
  topic: Topic,
  events: readonly SizedEvent[],
  options: { recordedTime: number; lookUp: boolean },
): Promise<Written> {
  const placed = events.map((sized) => ({ ...sized, partition: partitionOf(sized.event.partitionkey, topic.partitions) }))
  const partitions = [...new Set(placed.map(({ partition }) => partition))].sort((a, b) => a - b)
  // All of them are new, as far as is known, and of one partition: what a lone append is, which waits for each statement.
  const [only, ...others] = options.lookUp ? [] : partitions
  const moves = only === undefined || others.length > 0 ? undefined : { partition: only, by: placed.length }
  const work = async (connection: Connection): Promise<Written> => {
    const ends = moves ? await takePositions(connection, topic, moves) : await lockEnds(connection, topic, partitions)
    const places = options.lookUp ? await findEvents(connection, topic, events) : new Map<string, Appended>()
    const added: PlacedEvent[] = []
    for (const event of placed) {
      if (places.has(event.event.id)) continue
      const position = ends.get(event.partition) ?? 0
      ends.set(event.partition, position + 1)
      places.set(event.event.id, { partition: event.partition, position, appended: true })
      added.push({ ...event, position })
    }
    for (const part of cutByBytes(added)) {
      const rows = part.map((event) => toRow(topic, event, options.recordedTime))
      await writeRows(connection, INSERT_EVENTS, { columns: EVENT_COLUMNS }, rows)
    }
    if (added.length > 0 && !moves) await moveEnds(connection, topic, ends)
    return { places, ends, added: added.map((event) => asRecorded(topic, event, options.recordedTime)) }
  }
  // Each statement is waited for by whoever appends. What is tried again met trouble, and waits for locks as long as the server says.
  return database.transaction(work, { hurried: !options.lookUp })
}

async function lockEnds(connection: Connection, topic: Topic, partitions: number[]): Promise<Map<number, Position>> {
  const rows = await connection.query<{ partition_no: number; next_position: number }[]>(LOCK_ENDS, [topic.id, partitions])
  return new Map(rows.map((row) => [row.partition_no, row.next_position]))
}

async function takePositions(
  connection: Connection,
  topic: Topic,
  { partition, by }: { partition: number; by: number },
): Promise<Map<number, Position>> {
  const { insertId } = await connection.query<WriteResult>(TAKE_POSITIONS, [by, topic.id, partition])
  return new Map([[partition, insertId]])
}

async function findEvents(connection: Connection, topic: Topic, events: readonly SizedEvent[]): Promise<Map<string, Appended>> {
  const rows = await connection.query<{ event_id: Buffer; partition_no: number; position: number }[]>(FIND_EVENTS, [
    topic.id,
    events.map(({ event }) => toBytes(event.id)),
  ])
  return new Map(
    rows.map((row) => [toUuid(row.event_id), { partition: row.partition_no, position: row.position, appended: false }]),
  )
}

async function moveEnds(connection: Connection, topic: Topic, ends: ReadonlyMap<number, Position>): Promise<void> {
  const cases = [...ends].map(() => 'WHEN ? THEN ?').join(' ')
  await connection.query(
    `UPDATE tributary_log_partition SET next_position = CASE partition_no ${cases} END WHERE topic_id = ? AND partition_no IN (?)`,
    [...[...ends].flat(), topic.id, [...ends.keys()]],
  )
}

function cutByBytes(events: readonly PlacedEvent[]): PlacedEvent[][] {
  const parts: PlacedEvent[][] = []
  let bytes = 0
  for (const event of events) {
    const part = parts.at(-1)
    bytes += event.bytes
    if (part && bytes <= STATEMENT_BYTES && part.length < STATEMENT_EVENTS) part.push(event)
    else {
      parts.push([event])
      bytes = event.bytes
    }
  }
  return parts
}
