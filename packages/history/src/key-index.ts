import { hash } from 'node:crypto'
import { type ConsumerDefinition, type Delivered, readCursors } from '@tributary/consumer'
import type { Connection, Database } from '@tributary/database'
import { type EventLog, type Position, type RecordedEvent, readSlices } from '@tributary/event-log'
import { CATALOGUE, type Event, type EventType, type Topic } from '@tributary/events'
import { keyText, type Projection } from '@tributary/projection'
import { inParts } from '@tributary/runtime'

/**
 * Where the events of a key stand, so that a question about one order costs a look-up and not a walk through millions of
 * events. A consumer keeps it, whatever driver the log has; what it has not come to yet is walked through.
 *
 * Why a table of hashes and not an index of the log's own table: it must serve logs that are no table, and it takes
 * nothing from an append. A hash of 64 bits may be shared by two keys; whoever reads the events there sees whose they are.
 */
export type Lookup =
  /** Events with this partition key: one order, one seller, one corp. */
  | { kind: 'key'; key: string }
  /** The event with this id. */
  | { kind: 'id'; id: string }
  /** Changes of this member of a directory, by the pseudonym that it had or has. */
  | { kind: 'member'; member: string }
  /** Events that fold into these rows of a projection. */
  | { kind: 'rows'; projection: string; key: string }

export type Place = { topic: Topic; partition: number; position: Position }

const CONSUMER = 'event-index'

/** The topics that have events. */
export const INDEXED_TOPICS: readonly Topic[] = [...new Set(Object.values(CATALOGUE).map(({ topic }): Topic => topic))]

const MOST_ROWS = 2_000
/** Milliseconds. A look-up walks through what is not indexed yet, so nobody waits for the index, but everybody beside its transactions. */
const GATHERING = 250

type Entry = [keyHash: Buffer, partition: number, position: Position]

/** The consumer that keeps the index of a topic. */
export function indexConsumer(topic: Topic, projections: readonly Projection[]): ConsumerDefinition<readonly Entry[]> {
  const ofTopic = projections.filter((projection) => projection.topic === topic)
  const types = (Object.keys(CATALOGUE) as EventType[]).filter((type) => CATALOGUE[type].topic === topic)
  return {
    name: CONSUMER,
    topic,
    group: `tributaryEventIndex-${topic}`,
    types,
    keyOf: ({ partitionkey }) => partitionkey,
    prepare: async (events) => events.flatMap((delivered) => entriesOf(topic, ofTopic, delivered)),
    apply: writeEntries,
    applyTogether: writeAllEntries,
    gathering: GATHERING,
  }
}

/**
 * The events that one look-up or several mean, in the order of each partition. `onWalk` hears how many events the index has not come
 * to and that are being walked through. When `most` are found, no more are looked for. Throws EventLogError, DatabaseError.
 */
export async function findEvents(
  context: { database: Database; log: EventLog },
  topic: Topic,
  lookups: Lookup | readonly Lookup[],
  options: { matches: (event: RecordedEvent) => boolean; onWalk?: (events: number) => void; most?: number },
): Promise<RecordedEvent[]> {
  const { database, log } = context
  const { matches, most = Number.POSITIVE_INFINITY } = options
  // The cursors first: what is indexed after that is found twice, which the set below undoes, and never missed.
  const cursors = new Map((await readCursors(database, CONSUMER, topic)).map(({ partition, next }) => [partition, next]))
  const places = await database.query<{ partition: number; position: Position }[]>(
    `SELECT partition_no AS \`partition\`, position FROM tributary_event_index WHERE key_hash IN (?) ORDER BY partition_no, position`,
    [[lookups].flat().map((lookup) => hashOf(topic, lookup))],
  )
  const found = new Map<string, RecordedEvent>()
  const keep = (events: readonly RecordedEvent[]) => {
    for (const recorded of events)
      if (found.size < most && matches(recorded)) found.set(`${recorded.partition}:${recorded.position}`, recorded)
  }
  for (const some of inParts(places, options.most === undefined ? STRETCH : PLACES_AT_ONCE)) {
    if (found.size >= most) break
    keep(await readPlaces(log, topic, some))
  }
  if (found.size < most) keep(await walk(log, topic, cursors, options))
  return [...found.values()].sort((one, other) => one.partition - other.partition || one.position - other.position)
}

/** Reads the events at some places of a topic; those that the log has let go are left out. Throws EventLogError. */
export async function readPlaces(
  log: EventLog,
  topic: string,
  places: readonly { partition: number; position: Position }[],
): Promise<RecordedEvent[]> {
  const found: RecordedEvent[] = []
  for (const some of inParts(stretchesOf(places), READS_AT_ONCE)) {
    const read = await Promise.all(some.map((stretch) => readStretch(log, topic, stretch)))
    for (const events of read) found.push(...events)
  }
  return found
}

/** Places of one partition that one read is cheaper for than one each. */
type Stretch = { partition: number; positions: Position[] }

/** Places in their order, those that are near each other together. */
function stretchesOf(places: readonly { partition: number; position: Position }[]): Stretch[] {
  const stretches: Stretch[] = []
  for (const { partition, position } of places) {
    const last = stretches.at(-1)
    const gap = position - (last?.positions.at(-1) ?? 0)
    const isNear = last?.partition === partition && gap > 0 && gap <= NEAR
    if (last && isNear && last.positions.length < STRETCH) last.positions.push(position)
    else stretches.push({ partition, positions: [position] })
  }
  return stretches
}

async function readStretch(log: EventLog, topic: string, { partition, positions }: Stretch): Promise<RecordedEvent[]> {
  const [from = 0, to = from] = [positions[0], positions.at(-1)]
  const wanted = new Set(positions)
  const found: RecordedEvent[] = []
  for await (const { events } of readSlices(log, topic, partition, { from, to: to + 1, limit: to + 1 - from }))
    found.push(...events.filter(({ position }) => wanted.has(position)))
  return found
}

const READS_AT_ONCE = 8
/** Places that are read before it is looked whether enough was found. */
const PLACES_AT_ONCE = 64
/** Most places that are read together. */
const STRETCH = 500
/** Places with no more than so many others between them are read together: what lies there costs less than another read. */
const NEAR = 4

async function walk(
  log: EventLog,
  topic: Topic,
  cursors: ReadonlyMap<number, Position>,
  { matches, onWalk }: { matches: (event: RecordedEvent) => boolean; onWalk?: (events: number) => void },
): Promise<RecordedEvent[]> {
  const ends = await log.ends(topic)
  const behind = ends.reduce((sum, end, partition) => sum + Math.max(0, end - (cursors.get(partition) ?? 0)), 0)
  if (behind > 0) onWalk?.(behind)
  const found: RecordedEvent[] = []
  for (const [partition, to] of ends.entries())
    for await (const { events } of readSlices(log, topic, partition, { from: cursors.get(partition) ?? 0, to }))
      found.push(...events.filter(matches))
  return found
}

function entriesOf(
  topic: Topic,
  projections: readonly Projection[],
  { partition, position, event }: Pick<Delivered, 'partition' | 'position' | 'event'>,
): Entry[] {
  const lookups: Lookup[] = [
    { kind: 'key', key: event.partitionkey },
    { kind: 'id', id: event.id },
    ...membersOf(event).map((member): Lookup => ({ kind: 'member', member })),
    ...projections.flatMap((projection) => rowsLookup(projection, event)),
  ]
  return lookups.map((lookup) => [hashOf(topic, lookup), partition, position])
}

/** The pseudonyms under which an event tells of a member: a change of its id has two. */
export function membersOf(event: Event): string[] {
  if (event.type !== 'ContactChanged') return []
  return [event.data.member, event.data.newMember].filter((member) => member !== null)
}

function rowsLookup(projection: Projection, event: Event): Lookup[] {
  if (!projection.types.includes(event.type)) return []
  const cells = projection.key(event)
  return cells === undefined ? [] : [{ kind: 'rows', projection: projection.name, key: keyText(cells) }]
}

async function writeEntries(connection: Connection, entries: readonly Entry[]): Promise<void> {
  const sorted = entries.toSorted(([one], [other]) => Buffer.compare(one, other))
  for (const rows of inParts(sorted, MOST_ROWS))
    await connection.query('INSERT IGNORE INTO tributary_event_index (key_hash, partition_no, position) VALUES ?', [rows])
}

const writeAllEntries = (connection: Connection, prepared: readonly (readonly Entry[])[]): Promise<void> =>
  writeEntries(connection, prepared.flat())

function hashOf(topic: Topic, lookup: Lookup): Buffer {
  return hash('sha256', JSON.stringify([topic, ...Object.values(lookup)]), 'buffer').subarray(0, 8)
}
