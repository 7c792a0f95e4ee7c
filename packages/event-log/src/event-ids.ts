import { randomBytes } from 'node:crypto'
import { type Connection, type Database, isGone, processIdentity } from '@tributary/database'
import { inParts, pause } from '@tributary/runtime'
import type { SizedEvent } from './append-queue.ts'
import { toBytes, toUuid } from './mysql/event-row.ts'
import { partitionOf } from './partition.ts'
import { type Appended, EventLogError, type Position } from './port.ts'
import { createRecording, type Recorded } from './recording.ts'

/**
 * Which event ids a topic of a log outside the database holds, in our own database. Kafka refuses what a producer's own
 * session repeats and nothing else, EventStoreDB what stands behind the expected revision; marketplaces repeat themselves for
 * days and to other processes.
 *
 *   (no row)   `claim` inserts the row. → claimed; who finds one there looks at it instead
 *   claimed    Its owner sends the event. → recorded, with the position; the sending fails → doubtful
 *   doubtful   So is a claim whose process is gone, or is we and has it in hand no more, because the answer to it, or to its end,
 *              got lost; and one that is older than any sending lasts. Whoever comes next reads the log
 *              from the time of the claim on: the event is there → recorded; it is not → claimed anew, by whoever looked
 *   recorded   For ever.
 */
export type Claims = {
  /** Those of the events that are ours to send now, and where those stand that the log has. Waits for others' claims. */
  claim(events: readonly SizedEvent[]): Promise<Claimed>
  record(places: readonly Recorded[]): Promise<void>
  /**
   * Like `record`, while the caller goes on (recording.ts): the log has the events, and that alone is what an append promises.
   * What cannot be recorded becomes doubtful, as when the process had died here.
   */
  recordSoon(places: readonly Recorded[]): void
  /** Resolves when what is to be recorded soon was. */
  recorded(): Promise<void>
  /** The sending failed, or may have. Best effort: a claim that nobody records becomes doubtful by itself. */
  doubt(events: readonly SizedEvent[]): Promise<void>
}

export type Claimed = {
  mine: SizedEvent[]
  known: Map<string, Appended>
  /** Those of `mine` that somebody began to send before: for each id since when, milliseconds since 1970. */
  begun: Map<string, number>
}

/** Looks for events in a partition, among those that the log took from `since` (milliseconds since 1970) on. */
export type Search = (partition: number, ids: readonly string[], since: number) => Promise<ReadonlyMap<string, Position>>

/** Longer than any sending lasts, retries included, milliseconds. */
const LASTS = 60_000
/** Clocks of processes and brokers may be so far apart, milliseconds. */
const SKEW = 60_000
const LOOK_AGAIN = 10
const PATIENCE = 5_000
const ROWS = 1_000

type Row = {
  event_id: Buffer
  partition_no: number
  position: number | null
  claim: Buffer
  owner: string
  claimed_time: number
  doubtful: number
}

export function createClaims(database: Database, topic: { id: number; partitions: number }, search: Search): Claims {
  const owner = processIdentity()
  /** The ids that are in hand here, by the claim in hexadecimal digits. */
  const inHand = new Map<string, Set<string>>()
  const letGo = (ended: Iterable<string>) => {
    for (const id of ended) for (const [claim, ids] of inHand) if (ids.delete(id) && ids.size === 0) inHand.delete(claim)
  }

  async function insert(connection: Connection, events: readonly SizedEvent[], claim: Buffer): Promise<number> {
    const now = Date.now()
    let inserted = 0
    for (const some of inParts(events, ROWS)) {
      const rows = some.map(({ event }) => [
        topic.id,
        toBytes(event.id),
        partitionOf(event.partitionkey, topic.partitions),
        claim,
        owner,
        now,
      ])
      const { affectedRows } = await connection.query<{ affectedRows: number }>(
        'INSERT IGNORE INTO tributary_log_event_id (topic_id, event_id, partition_no, claim, owner, claimed_time) VALUES ?',
        [rows],
      )
      inserted += affectedRows
    }
    return inserted
  }

  async function load(ids: readonly string[]): Promise<Row[]> {
    return await database.query<Row[]>(
      `SELECT event_id, partition_no, position, claim, owner, claimed_time, doubtful FROM tributary_log_event_id
       WHERE topic_id = ? AND event_id IN (?)`,
      [topic.id, ids.map(toBytes)],
    )
  }

  // Behind by `SKEW`, a clock makes a claim look so much older than it is: its owner may be sending just now.
  const isDoubtful = (row: Row): boolean =>
    row.doubtful === 1 ||
    isGone(row.owner) ||
    Date.now() - row.claimed_time > LASTS + SKEW ||
    (row.owner === owner && !inHand.get(row.claim.toString('hex'))?.has(toUuid(row.event_id)))

  /** Settles doubtful claims of a partition: those that the log has not are ours now, unless somebody else was faster. */
  async function takeOver(partition: number, rows: readonly Row[], claim: Buffer): Promise<Row[]> {
    const since = Math.min(...rows.map(({ claimed_time }) => claimed_time)) - SKEW
    const ids = rows.map(({ event_id }) => toUuid(event_id))
    const found = await search(partition, ids, since)
    const ours: Row[] = []
    for (const row of rows) if (await settle(row, found.get(toUuid(row.event_id)), claim)) ours.push(row)
    return ours
  }

  async function settle(row: Row, position: Position | undefined, claim: Buffer): Promise<boolean> {
    const change = position === undefined ? 'claim = ?, owner = ?, claimed_time = ?, doubtful = 0' : 'position = ?'
    const values = position === undefined ? [claim, owner, Date.now()] : [position]
    const { affectedRows } = await database.query<{ affectedRows: number }>(
      `UPDATE tributary_log_event_id SET ${change} WHERE topic_id = ? AND event_id = ? AND position IS NULL AND claim = ?`,
      [...values, topic.id, row.event_id, row.claim],
    )
    return position === undefined && affectedRows === 1
  }

  /** Sorts the open ids by their rows, once: what the log has, what is ours. The rest is in somebody else's hands. */
  async function look(open: readonly string[], claim: Buffer, mine: Set<string>, { known, begun }: Claimed): Promise<void> {
    const rows = await load(open)
    for (const { event_id, partition_no: partition, position } of rows)
      if (position !== null) known.set(toUuid(event_id), { partition, position, appended: false })
    const claimed = rows.filter(({ position }) => position === null)
    for (const row of claimed) if (row.claim.equals(claim)) mine.add(toUuid(row.event_id))
    const doubtful = claimed.filter((row) => !row.claim.equals(claim) && isDoubtful(row))
    for (const [partition, ofPartition] of Map.groupBy(doubtful, ({ partition_no }) => partition_no))
      for (const { event_id, claimed_time } of await takeOver(partition, ofPartition, claim)) {
        mine.add(toUuid(event_id))
        begun.set(toUuid(event_id), claimed_time - SKEW)
      }
  }

  async function record(places: readonly Recorded[]): Promise<void> {
    for (const some of inParts(places, ROWS)) {
      const rows = some.map(({ id, partition, position }) => [
        topic.id,
        toBytes(id),
        partition,
        position,
        Buffer.alloc(8),
        '',
        0,
      ])
      await database.query(
        `INSERT INTO tributary_log_event_id (topic_id, event_id, partition_no, position, claim, owner, claimed_time) VALUES ?
         ON DUPLICATE KEY UPDATE partition_no = VALUES(partition_no), position = VALUES(position), owner = VALUES(owner)`,
        [rows],
      )
    }
    letGo(places.map(({ id }) => id))
  }

  async function doubtIds(ids: readonly string[]): Promise<void> {
    letGo(ids)
    if (ids.length === 0) return
    await database.query(
      'UPDATE tributary_log_event_id SET doubtful = 1 WHERE topic_id = ? AND event_id IN (?) AND position IS NULL',
      [topic.id, ids.map(toBytes)],
    )
  }

  const recording = createRecording((places) =>
    record(places).catch(() => doubtIds(places.map(({ id }) => id)).catch(() => {})),
  )

  /** Claims ids that are in hand under `claim`. */
  async function claimAll(events: readonly SizedEvent[], claim: Buffer): Promise<Claimed> {
    const claimed: Claimed = { mine: [...events], known: new Map(), begun: new Map() }
    const inserted = await insert(database, events, claim)
    recording.begin()
    if (inserted === events.length) return claimed
    const mine = new Set<string>()
    const ids = events.map(({ event }) => event.id)
    const openIds = () => ids.filter((id) => !claimed.known.has(id) && !mine.has(id))
    const deadline = performance.now() + PATIENCE
    for (let open = ids; open.length > 0; open = openIds()) {
      if (open !== ids) await pause(LOOK_AGAIN)
      await look(open, claim, mine, claimed)
      if (performance.now() > deadline && openIds().length > 0)
        throw new EventLogError('LOG_UNAVAILABLE', 'Another process is still appending one of these events. Try again.', {
          retriable: true,
        })
    }
    return { ...claimed, mine: events.filter(({ event }) => mine.has(event.id)) }
  }

  return {
    async claim(events) {
      if (events.length === 0) return { mine: [], known: new Map(), begun: new Map() }
      await recording.room()
      const claim = randomBytes(8)
      const ids = new Set(events.map(({ event }) => event.id))
      inHand.set(claim.toString('hex'), ids)
      try {
        const claimed = await claimAll(events, claim)
        letGo(claimed.known.keys())
        return claimed
      } catch (error) {
        letGo([...ids])
        throw error
      }
    },
    record,
    recordSoon: recording.add,
    recorded: recording.done,
    doubt: (events) => doubtIds(events.map(({ event }) => event.id)),
  }
}
