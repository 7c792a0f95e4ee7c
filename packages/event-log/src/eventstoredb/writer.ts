import { backOff, type Logger, pause } from '@tributary/runtime'
import { resolveCalls, withoutRepeats } from '../append-calls.ts'
import type { Call, SizedEvent } from '../append-queue.ts'
import type { Claims } from '../event-ids.ts'
import type { FollowedTopic } from '../following/partition-reader.ts'
import { partitionOf } from '../partition.ts'
import type { Appended, Position } from '../port.ts'
import { isRetriable } from '../retriable.ts'
import { asLogError } from './failure.ts'
import type { KeyStreams } from './key-streams.ts'
import type { PartitionStreams } from './partition-streams.ts'

/** How often a batch is tried before its callers hear that the log is unavailable: about a second of waiting in all. */
const TRIES = 4

export type WriteContext = {
  topic: FollowedTopic
  claims: Claims
  keys: KeyStreams
  partitions: PartitionStreams
  logger: Logger | undefined
  onWritten(ends: Map<number, Position>): void
}

/** Writes calls and settles them. Answers the failure when it concerns every other call too. */
export async function writeCalls(context: WriteContext, calls: readonly Call[]): Promise<unknown> {
  try {
    resolveCalls(calls, await persistPatiently(context, withoutRepeats(calls)))
    return undefined
  } catch (thrown) {
    const failure = asLogError(thrown, 'keep events')
    if (calls.length > 1 && !isRetriable(failure)) {
      // One of them cannot be written. Alone, each answers for itself.
      for (const call of calls) await writeCalls(context, [call])
      return undefined
    }
    for (const call of calls) call.reject(failure)
    return isRetriable(failure) ? failure : undefined
  }
}

async function persistPatiently(context: WriteContext, events: readonly SizedEvent[]): Promise<Map<string, Appended>> {
  const { topic, logger } = context
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await persist(context, events)
    } catch (thrown) {
      const failure = asLogError(thrown, 'keep events')
      if (attempt === TRIES || !isRetriable(failure)) throw failure
      logger?.warn({ topic: topic.name, attempt, err: failure }, 'The log did not take a batch; trying again')
      await pause(backOff(attempt, 100, 1_000))
    }
  }
}

type Placed = { id: string; partition: number; position: Position }

/**
 * Claims the ids, keeps the events in the streams of their keys, and links them into the streams of their partitions: the link
 * is what appends an event to the log. After a failure the claims are doubtful, and whoever comes next looks before it writes.
 */
async function persist(context: WriteContext, events: readonly SizedEvent[]): Promise<Map<string, Appended>> {
  const { topic, claims, keys, partitions, onWritten } = context
  const byPartition = (some: readonly SizedEvent[]) =>
    Map.groupBy(some, ({ event }) => partitionOf(event.partitionkey, topic.partitions))
  // Before the claim: whatever somebody else links of these events stands behind these ends.
  await partitions.refresh([...byPartition(events).keys()])
  const { mine, known: places, begun } = await claims.claim(events)
  const outcomes = await Promise.allSettled(
    [...byPartition(mine)].map(async ([partition, ofPartition]): Promise<Placed[]> => {
      const targets = await keys.keep(ofPartition, begun)
      const positions = await partitions.link(
        partition,
        ofPartition.map(({ event }) => ({ id: event.id, target: targets.get(event.id) })),
      )
      return [...positions].map(([id, position]) => ({ id, partition, position }))
    }),
  )
  const placed = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []))
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  try {
    if (placed.length > 0) await claims.record(placed)
    for (const { id, partition, position } of placed) places.set(id, { partition, position, appended: true })
    onWritten(new Map(placed.map(({ partition, position }) => [partition, position + 1])))
    if (failed) throw failed.reason
    return places
  } catch (error) {
    await claims.doubt(mine.filter(({ event }) => !places.has(event.id))).catch(() => {})
    throw error
  }
}
