import type { EventLog } from '@tributary/event-log'
import { addTo, batchesOf, type Content, firstDifference, readContents } from '../contents.ts'
import { HistoryError } from '../errors.ts'
import type { ArchiveProgress } from './export.ts'
import { type Manifest, readManifest, type Segment } from './manifest.ts'
import { readSegment } from './segment.ts'

/** `unfinished` when the export did not come to its end: then the log had held more. */
export type Restored = { events: number; appended: number; partitions: number; unfinished?: true }

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
  return { events, appended, partitions: contents.size, ...(manifest.unfinished ? { unfinished: true } : {}) }
}

async function compare(
  log: EventLog,
  { topics }: Manifest,
  expected: ReadonlyMap<string, Content>,
  signal: AbortSignal,
): Promise<void> {
  const difference = firstDifference(expected, await readContents(log, Object.keys(topics), signal))
  if (difference !== undefined) throw notEqual(difference)
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
