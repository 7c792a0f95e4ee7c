import type { Database } from '@tributary/database'
import type { EventLog, Position, Slice } from '@tributary/event-log'
import { backOff, type Logger, pause } from '@tributary/runtime'
import { blameFor } from './blame.ts'
import { batchSizeOf, type ConsumerDefinition } from './definition.ts'
import { takePartition } from './partition.ts'
import { newCounts } from './progress.ts'

const SHORTEST_PAUSE = 100
const LONGEST_PAUSE = 5_000

/**
 * Consumes one partition from where its cursor stands up to the position `to`, and no further: what a rebuild does, which
 * chooses its partitions itself and must stand still where the live consumer stands. Everything else is as for a consumer:
 * batches, parked keys, the fence. Keys that are requeued when it begins are applied first. Answers where the cursor stands
 * then. While the log or the database is away it waits. Throws ConsumerError CONSUMER_FENCED when another took the
 * partition over, or the reason of `signal`.
 */
export async function consumeTo<P>(options: {
  definition: ConsumerDefinition<P>
  database: Database
  log: EventLog
  logger: Logger
  owner: string
  partition: number
  to: Position
  signal: AbortSignal
  /** Hears how far it has read, and may hold the next batch back. */
  onBatch?: (next: Position) => Promise<void> | void
}): Promise<Position> {
  const { definition, database, log, logger, owner, to, signal, onBatch } = options
  const shared = { definition, database, log, logger, counts: newCounts(), now: Date.now }
  const partition = await takePartition(shared, options.partition, { owner, signal })
  let position = partition.start
  try {
    partition.tick()
    while (position < to) {
      const slice = cut(await readPatiently(log, definition, options.partition, position, signal), position, to)
      await partition.batch(slice, to - slice.next)
      position = slice.next
      await onBatch?.(position)
    }
    await partition.drain()
    return Math.max(position, partition.start)
  } finally {
    await partition.end()
  }
}

/** A slice without what stands at `to` or behind. One that ends early ends at `to`: there is nothing in between. */
function cut({ events, next }: Slice, from: Position, to: Position): Slice {
  if (next === from || next > to) return { events: events.filter(({ position }) => position < to), next: to }
  return { events, next }
}

async function readPatiently<P>(
  log: EventLog,
  definition: ConsumerDefinition<P>,
  partition: number,
  from: Position,
  signal: AbortSignal,
): Promise<Slice> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await log.read(definition.topic, partition, from, { limit: batchSizeOf(definition), signal })
    } catch (error) {
      signal.throwIfAborted()
      if (blameFor(error) === 'event') throw error
    }
    await pause(backOff(attempt, SHORTEST_PAUSE, LONGEST_PAUSE), signal)
    signal.throwIfAborted()
  }
}
