import { hostname } from 'node:os'
import { threadId } from 'node:worker_threads'
import { consumeTo } from '@tributary/consumer'
import type { Database } from '@tributary/database'
import type { EventLog, Position } from '@tributary/event-log'
import { type Logger, pause } from '@tributary/runtime'
import type { Vault } from '@tributary/vault'
import type { Projection } from '../definition.ts'
import { defineProjectionConsumer } from '../projection-consumer.ts'
import { createRemarkBook } from '../remark-counts.ts'
import { openKeyFilter } from './key-filter.ts'
import { builderOf, building } from './names.ts'

/** Events in a transaction. With twice as many a process takes 30 MB more and is no faster. */
const BATCH = 250

/**
 * For `keepHeapSmall` in the process of a rebuild. At 60 percent each thread takes 35 MB less, of 200, and a rebuild a tenth more
 * processor time.
 */
export const HEAP_GROWTH_OF_REBUILD = 150

export type BuildContext = {
  projection: Projection
  database: Database
  log: EventLog
  vault: Vault
  logger: Logger
}

/** What all partitions of a rebuild are built by. */
export type BuildPlan = {
  generation: number
  /** See `Pace`. */
  share: number
  /** Of each partition, where the tables are empty, which keys were met: those met for the first time are then not looked for. */
  metKeys?: readonly SharedArrayBuffer[]
}

/** A partition, and the position up to which it is built. */
export type BuildTask = { partition: number; to: Position }

/** Builds partitions, one or several at once. One that goes on with a partition must begin when the one before has ended. */
export type PartitionBuilder = {
  /** Readies it, where that takes time, and does not wait. */
  start?(): void
  /**
   * Builds one to a position, telling how far it is, and answers where it stands then. Throws the reason of `signal`, and
   * what `consumeTo` throws.
   */
  build(task: BuildTask, signal: AbortSignal, onReached: (next: Position) => void): Promise<Position>
  close(): Promise<void>
}

/** Builds in this thread: the live code under another name, with cursors of its own, in tables that nobody reads. */
export function buildHere(context: BuildContext, { generation, share, metKeys }: BuildPlan): PartitionBuilder {
  const { projection, database, log, vault, logger } = context
  const name = builderOf(projection, generation)
  const book = createRemarkBook(`${projection.name} (rebuild)`, logger)
  const define = (partition: number) => {
    const memory = metKeys?.[partition]
    return defineProjectionConsumer({
      ...{ projection, database, vault, name, book, physical: building(generation), batchSize: BATCH },
      ...(memory ? { mayHaveRows: openKeyFilter(memory).met } : {}),
    })
  }
  const definitions = new Map<number, ReturnType<typeof define>>()
  const owner = `rebuild ${hostname().slice(0, 50)}/${process.pid}/${threadId}`
  return {
    build: async ({ partition, to }, signal, onReached) => {
      const definition = definitions.get(partition) ?? define(partition)
      definitions.set(partition, definition)
      let began = performance.now()
      const onBatch = async (next: Position) => {
        onReached(next)
        const worked = performance.now() - began
        if (share < 1) await pause(worked * (1 / share - 1), signal)
        began = performance.now()
      }
      return await consumeTo({ definition, database, log, logger, owner, partition, to, signal, onBatch })
    },
    close: async () => {},
  }
}
