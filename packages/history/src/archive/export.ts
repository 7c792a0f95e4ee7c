import type { EventLog, Position, RecordedEvent } from '@tributary/event-log'
import { type Manifest, readManifest, type Segment, writeManifest } from './manifest.ts'
import { writeSegment } from './segment.ts'

/** Most events, and characters of data, in a segment. */
const SEGMENT_EVENTS = 20_000
const SEGMENT_CHARACTERS = 64 * 1024 * 1024

export type ArchiveProgress = { done: number; total: number; note?: string }

/**
 * Writes every event that the topics hold now into files below `folder`. An archive that is there is continued, also one
 * that was interrupted: what it holds is not written again, so the same call makes a backup and keeps it up to date.
 * Stops between two files when `signal` aborts, with its reason. Throws EventLogError, HistoryError, and errors of the file system.
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
  const parts = await unexported(log, topics, manifest)
  const total = parts.reduce((sum, { from, end }) => sum + end - from, 0)
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
  await writeManifest(folder, manifest)
  return manifest
}

type Part = { topic: string; partition: number; from: Position; end: Position }

async function unexported(log: EventLog, topics: readonly string[], manifest: Manifest): Promise<Part[]> {
  const parts: Part[] = []
  for (const topic of topics) {
    const ends = await log.ends(topic)
    manifest.topics[topic] = ends.length
    for (const [partition, end] of ends.entries()) {
      const from = manifest.segments.reduce(
        (next, segment: Segment) =>
          segment.topic === topic && segment.partition === partition ? Math.max(next, segment.next) : next,
        0,
      )
      if (from < end) parts.push({ topic, partition, from, end })
    }
  }
  return parts
}

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
