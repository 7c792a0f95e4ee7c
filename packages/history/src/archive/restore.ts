import { createHash, type Hash } from 'node:crypto'
import { type EventLog, MAX_CALL_BYTES } from '@tributary/event-log'
import type { StoredEvent } from '@tributary/events'
import { HistoryError } from '../errors.ts'
import type { ArchiveProgress } from './export.ts'
import { type Manifest, readManifest, type Segment } from './manifest.ts'
import { readSegment } from './segment.ts'

const APPEND_EVENTS = 500
const APPEND_BYTES = MAX_CALL_BYTES / 4

export type Restored = { events: number; appended: number; partitions: number }

/**
 * Appends the events of an archive to a log that holds nothing else, and compares what the log then holds with the
 * archive, count and content, partition by partition. Called again after an interruption it goes on: events that the log
 * has are passed over. Throws HistoryError HISTORY_ARCHIVE_INVALID, HISTORY_ARCHIVE_BROKEN before anything of the broken
 * file is appended, HISTORY_TARGET_NOT_EMPTY, and EventLogError.
 */
export async function restoreLog(options: {
  log: EventLog
  folder: string
  signal: AbortSignal
  onProgress?: (progress: ArchiveProgress) => void
}): Promise<Restored> {
  const { log, folder, signal, onProgress } = options
  const manifest = await readManifest(folder)
  if (!manifest) throw new HistoryError('HISTORY_ARCHIVE_INVALID', `${folder} holds no archive: it has no manifest.json.`)
  await checkTarget(log, manifest, folder)
  const total = manifest.segments.reduce((sum, { events }) => sum + events, 0)
  const contents = new Map<string, Content>()
  let events = 0
  let appended = 0
  for (const segment of inOrder(manifest.segments)) {
    const archived = await readSegment(folder, segment)
    for (const batch of batchesOf(archived.map(({ event }) => event))) {
      signal.throwIfAborted()
      const outcomes = await log.append(segment.topic, batch, { signal })
      appended += outcomes.filter((outcome) => outcome.appended).length
      events += batch.length
      addTo(contents, `${segment.topic}/${segment.partition}`, batch)
      onProgress?.({ done: events, total, note: `${segment.topic}/${segment.partition}` })
    }
  }
  await compare(log, manifest, contents, signal)
  return { events, appended, partitions: contents.size }
}

/** A partition's content: how many events, and a digest over ids and data in their order. */
type Content = { events: number; digest: Hash }

function addTo(contents: Map<string, Content>, name: string, events: readonly StoredEvent[]): void {
  const content = contents.get(name) ?? { events: 0, digest: createHash('sha256') }
  contents.set(name, content)
  for (const { id, data } of events) content.digest.update(`${id}\n${Buffer.byteLength(data)}\n${data}\n`)
  content.events += events.length
}

async function compare(
  log: EventLog,
  { topics }: Manifest,
  expected: ReadonlyMap<string, Content>,
  signal: AbortSignal,
): Promise<void> {
  const found = await readContents(log, Object.keys(topics), signal)
  for (const name of new Set([...expected.keys(), ...found.keys()])) {
    const [wanted, got] = [expected.get(name), found.get(name)]
    if (wanted?.events !== got?.events)
      throw notEqual(`${name} holds ${got?.events ?? 0} events, the archive ${wanted?.events ?? 0}`)
    if (wanted?.digest.digest('hex') !== got?.digest.digest('hex')) throw notEqual(`the events of ${name} differ`)
  }
}

async function readContents(log: EventLog, topics: readonly string[], signal: AbortSignal): Promise<Map<string, Content>> {
  const contents = new Map<string, Content>()
  for (const topic of topics)
    for (const [partition, end] of (await log.ends(topic)).entries())
      for (let position = 0; position < end; ) {
        const { events, next } = await log.read(topic, partition, position, { signal })
        const stored = events.map(({ event }) => event)
        if (stored.length > 0) addTo(contents, `${topic}/${partition}`, stored)
        if (next === position) break
        position = next
      }
  return contents
}

const notEqual = (what: string): HistoryError =>
  new HistoryError(
    'HISTORY_TARGET_NOT_EMPTY',
    `The log is not equal to the archive: ${what}. Somebody else appends to it. Restore into an empty log.`,
  )

/** Refuses a log that would mix the archive with something else, before anything is appended. */
async function checkTarget(log: EventLog, { topics, segments }: Manifest, folder: string): Promise<void> {
  for (const [topic, partitions] of Object.entries(topics)) {
    const ends = await log.ends(topic)
    if (ends.length !== partitions)
      throw new HistoryError(
        'HISTORY_TARGET_NOT_EMPTY',
        `The topic ${topic} has ${ends.length} partitions in this log and ${partitions} in the archive. Restore into a new log with tributary.log.partitions: ${partitions}.`,
      )
    for (const [partition, end] of ends.entries()) {
      if (end === 0) continue
      const { events } = await log.read(topic, partition, 0, { limit: 1 })
      const [first] = events
      const [segment] = inOrder(segments.filter((one) => one.topic === topic && one.partition === partition && one.events > 0))
      const [archived] = segment ? await readSegment(folder, segment) : []
      if (first && first.event.id !== archived?.event.id)
        throw new HistoryError(
          'HISTORY_TARGET_NOT_EMPTY',
          `The log holds events in ${topic}/${partition} that the archive does not have. Restore into an empty log.`,
        )
    }
  }
}

const inOrder = (segments: readonly Segment[]): Segment[] =>
  segments.toSorted(
    (one, other) => one.topic.localeCompare(other.topic) || one.partition - other.partition || one.from - other.from,
  )

function batchesOf(events: readonly StoredEvent[]): StoredEvent[][] {
  const batches: StoredEvent[][] = []
  let bytes = 0
  for (const event of events) {
    const size = Buffer.byteLength(event.data)
    const current = batches.at(-1)
    if (current && current.length < APPEND_EVENTS && bytes + size <= APPEND_BYTES) {
      current.push(event)
      bytes += size
    } else {
      batches.push([event])
      bytes = size
    }
  }
  return batches
}
