import { randomBytes } from 'node:crypto'
import { openStage, quietLogger, type Stage } from '@tributary/consumer/testing'
import { derivedEventId, encodeEvent, ORDER_TOPIC } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { until } from '@tributary/test/servers'
import { openVault, type Vault } from '@tributary/vault'
import type { Projection } from '../definition.ts'
import { type RunningProjection, startProjection } from '../projection-consumer.ts'
import type { RebuildOptions, RebuildOutcome } from '../rebuild/options.ts'
import { rebuildProjection } from '../rebuild/rebuild.ts'
import { COUNTING_TABLE } from './counting.ts'
import { verifyProjection } from './verify.ts'

/** A log, a database and the table of `counting`, for tests of rebuilds. */
export type CountingStage = {
  stage: Stage
  vault: Vault
  /** Appends so many events, of as many orders in turn. Answers the number of the last. */
  append(count: number, orders?: number): Promise<number>
  startLive(projection: Projection): RunningProjection
  untilLiveIsThrough(): Promise<void>
  rebuild(projection: Projection, options?: Partial<RebuildOptions>): Promise<RebuildOutcome>
  /** What the live tables have otherwise than the log says. */
  verified(projection: Projection): Promise<unknown[]>
  /** The tables with their comments. */
  tables(): Promise<string[]>
  parkedKeys(consumer?: string): Promise<string[]>
  /** Stops every live consumer. */
  stop(): Promise<void>
  close(): Promise<void>
}

export async function openCountingStage(name: string): Promise<CountingStage> {
  const stage = await openStage(name, { partitions: 3 })
  const vault = await openVault({ database: stage.database, masterKeys: [randomBytes(32)] })
  await stage.operator.query(COUNTING_TABLE)
  const stops: (() => Promise<void>)[] = []
  const stop = async () => void (await Promise.all(stops.map((one) => one())))
  let made = 0
  return {
    stage,
    vault,
    append: async (count, orders = 40) => {
      const events = Array.from({ length: count }, () => {
        const orderId = String(1 + (made++ % orders))
        const event = exampleEvent('OrderNotified', derivedEventId(name, made), { data: { orderId, notifiedTime: made } })
        return encodeEvent({ ...event, partitionkey: orderId })
      })
      await stage.appendStored(...events)
      return made
    },
    startLive: (projection) => {
      const running = startProjection({ projection, database: stage.database, log: stage.log, vault, logger: quietLogger })
      stops.push(running.stop)
      return running
    },
    untilLiveIsThrough: async () => {
      await until('the live tables are through', async () => {
        const ends = await stage.operatorLog.ends(ORDER_TOPIC)
        const [row] = await stage.operator.query<{ sum: number }[]>(
          "SELECT COALESCE(SUM(next_position), 0) AS sum FROM tributary_cursor WHERE consumer = 'counting'",
        )
        return Number(row?.sum) === ends.reduce((sum, end) => sum + end, 0)
      })
    },
    rebuild: (projection, options = {}) =>
      rebuildProjection({
        ...{ projection, database: stage.database, log: stage.log, vault, logger: quietLogger },
        ...{ pace: { parallel: 2, share: 1 }, signal: new AbortController().signal, accept: async () => true },
        ...options,
      }),
    verified: async (projection) =>
      (await verifyProjection({ projection, database: stage.operator, log: stage.operatorLog, vault })).differences,
    tables: async () =>
      (
        await stage.operator.query<{ name: string; comment: string }[]>(
          `SELECT table_name AS name, table_comment AS comment FROM information_schema.tables
           WHERE table_schema = DATABASE() AND table_name LIKE '%counting%' ORDER BY table_name`,
        )
      ).map(({ name: table, comment }) => `${table}: ${comment}`),
    parkedKeys: async (consumer = 'counting') =>
      (
        await stage.operator.query<{ key: string }[]>(
          'SELECT event_key AS `key` FROM tributary_parked_key WHERE consumer = ? ORDER BY event_key',
          [consumer],
        )
      ).map(({ key }) => key),
    stop,
    close: async () => {
      await stop()
      await stage.close()
    },
  }
}
