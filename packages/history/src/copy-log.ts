import { type EventLog, type RecordedEvent, readSlices } from '@tributary/event-log'
import type { ArchiveProgress } from './archive/export.ts'
import { batchesOf, firstDifference, readContents } from './contents.ts'
import { HistoryError } from './errors.ts'

export type Copied = { events: number; appended: number; partitions: number }

/**
 * Copies the topics of a log into another, so that every event stands at the same place there: then cursors, parked keys,
 * lanes and the index of events, which all name places, stay true, and only the address of the log has to change. Run again
 * it adds what came since, and goes on after an interruption. At the end count and content of every partition are compared,
 * unless `compare` is false.
 *
 * Throws HistoryError HISTORY_TARGET_NOT_EMPTY when the target holds something else or has another number of partitions,
 * HISTORY_POSITIONS_DIFFER when an event would stand elsewhere (the source has gaps that the target cannot have), EventLogError.
 */
export async function copyLog(options: {
  from: EventLog
  to: EventLog
  topics: readonly string[]
  signal: AbortSignal
  compare?: boolean
  onProgress?: (progress: ArchiveProgress) => void
}): Promise<Copied> {
  const { from, to, topics, signal, compare = true } = options
  const copied: Copied = { events: 0, appended: 0, partitions: 0 }
  for (const topic of topics) {
    const [ends, starts] = [await from.ends(topic), await to.ends(topic)]
    if (ends.length !== starts.length)
      throw new HistoryError(
        'HISTORY_TARGET_NOT_EMPTY',
        `The topic ${topic} has ${ends.length} partitions here and ${starts.length} there. Make it anew with tributary.log.partitions: ${ends.length}.`,
      )
    for (const [partition, end] of ends.entries())
      await copyPartition(options, { topic, partition, start: starts[partition] ?? 0, end }, copied)
  }
  if (!compare) return copied
  const difference = firstDifference(await readContents(from, topics, signal), await readContents(to, topics, signal))
  if (difference === undefined) return copied
  throw new HistoryError(
    'HISTORY_TARGET_NOT_EMPTY',
    `The copy is not equal: ${difference}. Stop whatever appends to either log, and copy again.`,
  )
}

type Part = { topic: string; partition: number; start: number; end: number }

async function copyPartition(
  { from, to, signal, onProgress }: Parameters<typeof copyLog>[0],
  { topic, partition, start, end }: Part,
  copied: Copied,
): Promise<void> {
  copied.partitions += 1
  await checkLast(from, to, { topic, partition, start, end })
  for await (const { events, next } of readSlices(from, topic, partition, { from: start, to: end, signal })) {
    signal.throwIfAborted()
    await appendAtSamePlaces(to, topic, events, copied, signal)
    onProgress?.({ done: next, total: end, note: `${topic}/${partition}` })
  }
}

/** The last event of the target must be the one that stands there in the source; then so are all before it. */
async function checkLast(from: EventLog, to: EventLog, { topic, partition, start, end }: Part): Promise<void> {
  if (start === 0) return
  const last = async (log: EventLog) => (await log.read(topic, partition, start - 1, { limit: 1 })).events[0]?.event.id
  if (start <= end && (await last(from)) === (await last(to))) return
  throw new HistoryError(
    'HISTORY_TARGET_NOT_EMPTY',
    `The target holds something else in ${topic}/${partition}. Copy into an empty log.`,
  )
}

async function appendAtSamePlaces(
  to: EventLog,
  topic: string,
  recorded: readonly RecordedEvent[],
  copied: Copied,
  signal: AbortSignal,
): Promise<void> {
  let index = 0
  for (const batch of batchesOf(recorded.map(({ event }) => event))) {
    const places = await to.append(topic, batch, { signal })
    for (const { partition, position, appended } of places) {
      const source = recorded[index++]
      if (appended) copied.appended += 1
      if (source?.partition === partition && source.position === position) continue
      throw new HistoryError(
        'HISTORY_POSITIONS_DIFFER',
        `The event at ${topic}/${source?.partition}/${source?.position} stands at ${partition}/${position} in the copy: the log has gaps. Its cursors cannot be carried over.`,
      )
    }
    copied.events += batch.length
  }
}
