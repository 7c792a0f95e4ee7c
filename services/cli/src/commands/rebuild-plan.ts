import { eventsToBuild, latestRebuild, type Projection, type RebuildState, readGeneration } from '@tributary/projection'
import { createLogger } from '@tributary/runtime'
import { duration } from '../progress-bar.ts'
import type { LogAccess } from '../setting-up.ts'

export type RebuildPlan = {
  projection: string
  generation: number
  /** Of a rebuild that is taken up. */
  state: RebuildState | undefined
  tables: string[]
  events: number
  /** Of the live tables with their indexes; the new ones will take about as much. */
  bytes: number
  /** At the rate of a cautious guess, because nothing has been measured yet. */
  seconds: number
  parallel: number
}

/** Events that two connections fold and write in a second on two cores; what is true shows once it runs. */
const CAUTIOUS_RATE = 3_000

/** What a rebuild will do. Throws DatabaseError, EventLogError. */
export async function planOf(
  access: LogAccess,
  projection: Projection,
  { parallel, share }: { parallel: number; share: number },
): Promise<RebuildPlan> {
  const { database, configuration } = access
  const found = await latestRebuild(database, projection)
  const taken = found && found.finishedTime === null ? found : undefined
  const generation = taken?.generation ?? Math.max(await readGeneration(database, projection), found?.generation ?? 1) + 1
  const tables = projection.tables.map(({ name }) => name)
  const [size] = await database.query<{ bytes: number | null }[]>(
    `SELECT SUM(data_length + index_length) AS bytes FROM information_schema.tables
     WHERE table_schema = DATABASE() AND table_name IN (?)`,
    [tables],
  )
  const logger = createLogger({ ...configuration.logging, level: 'warn' })
  const events = await eventsToBuild({ ...access, projection, logger }, generation)
  return {
    ...{ projection: projection.name, generation, state: taken?.state, tables, events, parallel },
    bytes: Number(size?.bytes ?? 0),
    seconds: events / (CAUTIOUS_RATE * share),
  }
}

export function describePlan({ projection, generation, state, tables, events, bytes, seconds, parallel }: RebuildPlan): string {
  return [
    state === undefined
      ? `A rebuild of ${projection} to generation ${generation}:`
      : `The rebuild of ${projection} to generation ${generation} goes on, it is ${state}:`,
    `  ${events.toLocaleString('en')} events of the log, ${parallel} partitions at once, about ${duration(seconds)}`,
    `  about ${(bytes / 1_048_576).toFixed(0)} MB of disk more, for ${tables.join(', ')} beside the live ones, until the next rebuild`,
    '  then every row is compared, and the tables are swapped in one statement; readers and live work go on',
  ].join('\n')
}
