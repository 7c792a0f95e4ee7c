import type { EventLog, Position, RecordedEvent } from '@tributary/event-log'
import { HistoryError } from '../errors.ts'
import { type Manifest, readManifest, type Segment, writeManifest } from './manifest.ts'
import { readLast, writeSegment } from './segment.ts'

/** Most events, and characters of data, in a segment. */
const SEGMENT_EVENTS = 20_000
const SEGMENT_CHARACTERS = 64 * 1024 * 1024

export type ArchiveProgress = { done: number; total: number; note?: string }

/**
 * Writes every event that the topics hold now into files below `folder`. An archive that is there is continued, also one
 * that was interrupted: what it holds is not written again, so the same call makes a backup and keeps it up to date.
 * Stops between two files when `signal` aborts, with its reason. Throws HistoryError HISTORY_ARCHIVE_DIFFERS, before anything
 * is written, when the log does not hold what the archive does; others of HistoryError, EventLogError, and errors of the file system.
 */
export async function exportLog(options: {
  log: EventLog
  topics: readonly string[]
  folder: string
  signal: AbortSignal
  onProgress?: (progress: ArchiveProgress) => void
}): Promise<Manifest> {
  const { log, topics, folder, signal, onProgress } = options
  const manifest: Manifest = (await readManifest(folder)) ?? {
    format: 'tributary-archive',
    version: 1,
    topics: {},
    segments: [],
  }
  const parts = await unexported(log, topics, manifest, folder)
  const total = parts.reduce((sum, { from, end }) => sum + end - from, 0)
  if (total > 0) manifest.unfinished = true
  let done = 0
  for (const { topic, partition, from, end } of parts) {
    for (let position = from; position < end; ) {
      signal.throwIfAborted()
      const { events, next } = await readUpTo(log, { topic, partition, from: position, end })
      manifest.segments.push(await writeSegment(folder, { topic, partition, from: position, next }, events))
      await writeManifest(folder, manifest)
      done += next - position
      onProgress?.({ done, total, note: `${topic}/${partition}` })
      position = next
    }
  }
  delete manifest.unfinished
  await writeManifest(folder, manifest)
  return manifest
}

type Part = { topic: string; partition: number; from: Position; end: Position }

async function unexported(log: EventLog, topics: readonly string[], manifest: Manifest, folder: string): Promise<Part[]> {
  const parts: Part[] = []
  for (const topic of topics) {
    const ends = await log.ends(topic)
    const before = manifest.topics[topic] ?? ends.length
    if (before !== ends.length) throw differs(folder, `${topic} has ${before} partitions in it and ${ends.length} in the log`)
    manifest.topics[topic] = ends.length
    for (const [partition, end] of ends.entries()) {
      const archived = manifest.segments.filter((segment) => segment.topic === topic && segment.partition === partition)
      const from = archived.reduce((next, segment) => Math.max(next, segment.next), 0)
      await checkLast(log, folder, { topic, partition, from, end }, archived)
      if (from < end) parts.push({ topic, partition, from, end })
    }
  }
  return parts
}

/** The log must still hold what was written last of a partition: then it is the log of that archive, and all before is equal, too. */
async function checkLast(log: EventLog, folder: string, { topic, partition, from, end }: Part, archived: readonly Segment[]) {
  const place = `${topic}/${partition}`
  if (end < from) throw differs(folder, `it holds ${place} up to position ${from}, and the log ends at ${end}`)
  const segment = archived.filter(({ events }) => events > 0).sort((one, other) => other.from - one.from)[0]
  if (!segment) return
  const last = await readLast(folder, segment)
  const [found] = (await log.read(topic, partition, last.position, { limit: 1 })).events
  // A log that lets go of old events, as Kafka may, no longer tells. What follows then begins later than the archive ends.
  if (!found || found.position > last.position) return
  if (found.event.id === last.event.id && found.event.data === last.event.data) return
  throw differs(folder, `the event at ${place}/${last.position} is another one in the log`)
}

const differs = (folder: string, why: string): HistoryError =>
  new HistoryError(
    'HISTORY_ARCHIVE_DIFFERS',
    `The archive in ${folder} is of another log, or of another history of this one: ${why}. Export into a new folder.`,
  )

/** Events from a position on that make one segment, none of them at `end` or behind. */
async function readUpTo(
  log: EventLog,
  { topic, partition, from, end }: Part,
): Promise<{ events: RecordedEvent[]; next: Position }> {
  const events: RecordedEvent[] = []
  let characters = 0
  let next = from
  while (next < end && events.length < SEGMENT_EVENTS && characters < SEGMENT_CHARACTERS) {
    const slice = await log.read(topic, partition, next)
    if (slice.next === next) {
      // Nothing up to the end: a log with gaps at its tail.
      next = end
      break
    }
    for (const recorded of slice.events) {
      if (recorded.position >= end) break
      events.push(recorded)
      characters += recorded.event.data.length
    }
    next = Math.min(slice.next, end)
  }
  return { events, next }
}
