import { hostname } from 'node:os'
import { consumeTo, lagOf, readCursors, readSetAside } from '@tributary/consumer'
import type { Database, WriteResult } from '@tributary/database'
import type { EventLog, Position, RecordedEvent } from '@tributary/event-log'
import { type Logger, pause } from '@tributary/runtime'
import type { Vault } from '@tributary/vault'
import type { Projection } from '../definition.ts'
import { defineProjectionConsumer } from '../projection-consumer.ts'
import { createRemarkBook } from '../remark-counts.ts'
import { createKeyFilter } from './key-filter.ts'
import { builderOf, building } from './names.ts'

/** Events in a transaction. With twice as many a process takes 30 MB more and is no faster. */
const BATCH = 250

export type BuildContext = {
  projection: Projection
  database: Database
  log: EventLog
  vault: Vault
  logger: Logger
}

/** How the work is held back, so that live work goes on beside it. */
export type Pace = {
  /** Partitions at once. */
  parallel: number
  /** Of the time, how much each of them may work: above 0, at most 1. */
  share: number
  /** Milliseconds until something that may pass by itself is looked at again, default 200; tests shorten it. */
  again?: number
}

export type PartitionProgress = { partition: number; next: Position; to: Position }

export type Builder = {
  /** Builds every partition up to the position given for it. Throws the reason of `signal`. */
  buildTo(targets: readonly Position[], signal: AbortSignal): Promise<void>
  /** Where the partitions that were begun stand, as far as is known here. */
  progress(): PartitionProgress[]
  /** Where each partition stands, from the database. */
  positions(): Promise<Map<number, Position>>
}

/**
 * Builds a generation of a projection's tables: the live code under another name, with cursors of its own, in tables that
 * nobody reads. Events that an operator skipped for the live tables are skipped here, too.
 */
export async function createBuilder(context: BuildContext, generation: number, pace: Pace): Promise<Builder> {
  const { projection, database, log, vault, logger } = context
  const { name, topic } = projection
  const consumer = builderOf(projection, generation)
  const known = new Map((await readCursors(database, consumer, topic)).map(({ partition, next }) => [partition, next]))
  const filter = known.size === 0 ? createKeyFilter(sum(await log.ends(topic))) : undefined
  const definition = defineProjectionConsumer({
    ...{ projection, database, vault, name: consumer, physical: building(generation), batchSize: BATCH },
    book: createRemarkBook(`${name} (rebuild)`, logger),
    ...(filter ? { mayHaveRows: filter.met } : {}),
  })
  const reached = new Map<number, PartitionProgress>()
  const owner = `rebuild ${hostname().slice(0, 50)}/${process.pid}`

  async function buildPartition(
    partition: number,
    to: Position,
    signal: AbortSignal,
    skipped: ReadonlySet<string>,
  ): Promise<void> {
    let began = performance.now()
    const skips = (event: RecordedEvent) => skipped.has(`${event.partition}:${event.position}`)
    const onBatch = async (next: Position) => {
      reached.set(partition, { partition, next, to })
      const worked = performance.now() - began
      if (pace.share < 1) await pause(worked * (1 / pace.share - 1), signal)
      began = performance.now()
    }
    reached.set(partition, { partition, next: known.get(partition) ?? 0, to })
    const next = await consumeTo({ definition, database, log, logger, owner, partition, to, signal, skips, onBatch })
    known.set(partition, next)
    reached.set(partition, { partition, next, to })
  }

  return {
    async buildTo(targets, signal) {
      await copySkipped(database, name, consumer, topic)
      const skipped = await readSetAside(database, consumer, topic, { onlySkipped: true })
      const waiting = targets
        .map((to, partition) => ({ partition, to }))
        .filter(({ partition, to }) => (known.get(partition) ?? -1) < to)
      const failing = new AbortController()
      const both = AbortSignal.any([signal, failing.signal])
      const work = async () => {
        for (let next = waiting.shift(); next; next = waiting.shift()) {
          both.throwIfAborted()
          await buildPartition(next.partition, next.to, both, skipped)
        }
      }
      const workers = Array.from({ length: Math.max(1, pace.parallel) }, () =>
        work().catch((error: unknown) => {
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
  }
}

/** How far a builder is behind the end of the log; for plans and status. */
export async function eventsToBuild({ projection, database, log }: BuildContext, generation: number): Promise<number> {
  const cursors = await readCursors(database, builderOf(projection, generation), projection.topic)
  return lagOf(await log.ends(projection.topic), cursors)
}

/** What an operator skipped stays skipped in the tables to be. */
async function copySkipped(database: Database, from: string, to: string, topic: string): Promise<void> {
  await database.query<WriteResult>(
    `INSERT INTO tributary_parked_event (consumer, topic, partition_no, event_key, position, skipped_time)
     SELECT ?, topic, partition_no, event_key, position, skipped_time FROM tributary_parked_event
     WHERE consumer = ? AND topic = ? AND skipped_time IS NOT NULL
     ON DUPLICATE KEY UPDATE skipped_time = VALUES(skipped_time)`,
    [to, from, topic],
  )
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
