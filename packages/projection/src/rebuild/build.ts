import type { Worker } from 'node:worker_threads'
import { carryDecisions, lagOf, readCursors, requeuedPartitions } from '@tributary/consumer'
import type { Position } from '@tributary/event-log'
import { inThread } from './build-thread.ts'
import { keyFilterMemory } from './key-filter.ts'
import { builderOf } from './names.ts'
import { type BuildContext, buildHere, type PartitionBuilder } from './partition-builder.ts'

/** How the work is held back, so that live work goes on beside it. */
export type Pace = {
  /** Partitions at once. */
  parallel: number
  /** Of the time, how much each of them may work: above 0, at most 1. */
  share: number
  /** Milliseconds until something that may pass by itself is looked at again, default 200; tests shorten it. */
  again?: number
  /** Fewer events than this are built by one thread alone, default 5,000; tests lower it. */
  worthAThread?: number
  /** Positions of a partition that are built before another may be taken instead, default 1,000; tests lower it. */
  leastPiece?: number
}

/** Starting a thread takes as long as building one or two thousand orders, or six thousand events that hold little. */
const WORTH_A_THREAD = 5_000

/** To begin with a partition takes a thread as long as building twenty orders. */
const LEAST_PIECE = 1_000

export type PartitionProgress = { partition: number; next: Position; to: Position }

export type Builder = {
  /** Starts the threads that building up to these positions takes, so that they are ready when it begins. */
  begin(targets: readonly Position[]): void
  /** Builds every partition up to the position given for it. Throws the reason of `signal`; after a throw it builds no more. */
  buildTo(targets: readonly Position[], signal: AbortSignal): Promise<void>
  /** Where every partition stands, as far as is known here; none before the first `buildTo`. */
  progress(): PartitionProgress[]
  /** Where each partition stands, from the database. */
  positions(): Promise<Map<number, Position>>
  /** Ends its threads. */
  close(): Promise<void>
}

/**
 * Builds a generation of a projection's tables, several partitions at once: the first in this thread, each other one in a
 * thread that `startThread` starts, or in this thread, too, without that or while there is little to build. Each goes half of
 * the way of the partition that has the longest, and then looks for the longest again, so that all end together. Events
 * that an operator skipped for the live tables are skipped here, too, and let what waited behind them go on.
 */
export async function createBuilder(
  context: BuildContext,
  generation: number,
  { parallel, share, worthAThread = WORTH_A_THREAD, leastPiece = LEAST_PIECE }: Pace,
  startThread?: () => Worker,
): Promise<Builder> {
  const { projection, database, log } = context
  const { name, topic } = projection
  const consumer = builderOf(projection, generation)
  const known = new Map((await readCursors(database, consumer, topic)).map(({ partition, next }) => [partition, next]))
  const metKeys = known.size === 0 ? { metKeys: (await log.ends(topic)).map(keyFilterMemory) } : {}
  const plan = { generation, share, ...metKeys }
  const here = buildHere(context, plan)
  const builders = Array.from({ length: Math.max(1, parallel) }, (_, index) =>
    index > 0 && startThread ? inThread(startThread, plan) : here,
  )
  const reached = new Map<number, PartitionProgress>()
  const leftOf = ({ partition, to }: { partition: number; to: Position }) => to - (known.get(partition) ?? 0)
  const partitionsBefore = (targets: readonly Position[], requeued: ReadonlySet<number> = new Set()) =>
    targets
      .map((to, partition) => ({ partition, to }))
      .filter(({ partition, to }) => (known.get(partition) ?? -1) < to || requeued.has(partition))
  const areWorthAThread = (waiting: readonly { partition: number; to: Position }[]) =>
    waiting.reduce((sum, one) => sum + leftOf(one), 0) >= worthAThread

  return {
    begin(targets) {
      const waiting = partitionsBefore(targets)
      if (areWorthAThread(waiting)) for (const builder of builders.slice(0, waiting.length)) builder.start?.()
    },
    async buildTo(targets, signal) {
      await database.transaction((connection) => carryDecisions(connection, { from: name, to: consumer, topic }))
      const requeued = await requeuedPartitions(database, consumer, topic)
      for (const [partition, to] of targets.entries())
        reached.set(partition, { partition, next: known.get(partition) ?? 0, to })
      const waiting = partitionsBefore(targets, requeued)
      const failing = new AbortController()
      const both = AbortSignal.any([signal, failing.signal])
      const isWorthAThread = areWorthAThread(waiting)
      const takeLongest = () => waiting.sort((one, other) => leftOf(other) - leftOf(one)).shift()
      const work = async (builder: PartitionBuilder) => {
        for (let next = takeLongest(); next; next = takeLongest()) {
          both.throwIfAborted()
          const { partition, to } = next
          const upTo =
            builders.length > 1 ? Math.min(to, to - leftOf(next) + Math.max(leastPiece, Math.ceil(leftOf(next) / 2))) : to
          const reach = (position: Position) => reached.set(partition, { partition, next: position, to })
          const end = await builder.build({ partition, to: upTo }, both, reach)
          known.set(partition, end)
          reach(end)
          if (end < to) waiting.push(next)
        }
      }
      const workers = builders.map((builder) =>
        work(isWorthAThread ? builder : here).catch((error: unknown) => {
          failing.abort(error)
          throw error
        }),
      )
      await Promise.allSettled(workers)
      both.throwIfAborted()
    },
    progress: () => [...reached.values()].sort((one, other) => one.partition - other.partition),
    positions: async () =>
      new Map((await readCursors(database, consumer, topic)).map(({ partition, next }) => [partition, next])),
    close: async () => {
      await Promise.all(builders.map((builder) => builder.close()))
    },
  }
}

/** How far a builder is behind the end of the log; for plans and status. */
export async function eventsToBuild({ projection, database, log }: BuildContext, generation: number): Promise<number> {
  const cursors = await readCursors(database, builderOf(projection, generation), projection.topic)
  return lagOf(await log.ends(projection.topic), cursors)
}
