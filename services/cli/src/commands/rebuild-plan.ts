import type { Connection } from '@tributary/database'
import { eventsToBuild, latestRebuild, type Projection, type RebuildState, readGeneration } from '@tributary/projection'
import { commandLogger } from '../command-logger.ts'
import { counted } from '../output.ts'
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
  /** Whether nothing will be swapped. */
  verifyOnly: boolean
}

/** Events that two connections fold and write in a second on two cores; what is true shows once it runs. */
const CAUTIOUS_RATE = 3_000

/** What a rebuild will do. Throws DatabaseError, EventLogError. */
export async function planOf(
  access: LogAccess,
  projection: Projection,
  { parallel, share, verifyOnly = false }: { parallel: number; share: number; verifyOnly?: boolean },
): Promise<RebuildPlan> {
  const { database, configuration } = access
  const found = await latestRebuild(database, projection)
  const taken = found && found.finishedTime === null ? found : undefined
  const generation = taken?.generation ?? Math.max(await readGeneration(database, projection), found?.generation ?? 1) + 1
  const tables = projection.tables.map(({ name }) => name)
  const bytes = await bytesOf(database, tables)
  const logger = commandLogger(configuration)
  const events = await eventsToBuild({ ...access, projection, logger }, generation)
  const partitions = (await access.log.ends(projection.topic)).length
  return {
    ...{ projection: projection.name, generation, state: taken?.state, tables, events, verifyOnly },
    parallel: Math.min(parallel, partitions),
    bytes,
    seconds: events / (CAUTIOUS_RATE * share),
  }
}

/** What tables take with their indexes, also those of another database, whose name then stands before theirs. */
export async function bytesOf(database: Connection, tables: readonly string[]): Promise<number> {
  let sum = 0
  for (const table of tables) {
    const [size] = await database.query<{ bytes: number | null }[]>(
      `SELECT data_length + index_length AS bytes FROM information_schema.tables
       WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ?`,
      table.includes('.') ? table.split('.') : [null, table],
    )
    sum += Number(size?.bytes ?? 0)
  }
  return sum
}

function beginningOf({ projection, generation, state }: RebuildPlan): string {
  if (state === undefined) return `A rebuild of ${projection} to generation ${generation}:`
  const taken = `The rebuild of ${projection} to generation ${generation}`
  return state === 'fenced'
    ? `${taken} was interrupted at its swap. Where the tables were renamed, it is only finished; else it goes on:`
    : `${taken} goes on, it is ${state}:`
}

export function describePlan(plan: RebuildPlan): string {
  const { tables, events, bytes, seconds, parallel, verifyOnly } = plan
  const atOnce = parallel === 1 ? 'one partition after the other' : `${parallel} partitions at once`
  return [
    beginningOf(plan),
    `  ${counted(events, 'event')} of the log, ${atOnce}, about ${duration(seconds)}`,
    `  about ${(bytes / 1_048_576).toFixed(0)} MB of disk more, for ${tables.join(', ')} beside the live ones, ${verifyOnly ? 'until it has ended' : 'until the next rebuild'}`,
    verifyOnly
      ? '  then every row is compared, and nothing is swapped; readers and live work go on'
      : '  then every row is compared, and the tables are swapped in one statement; readers and live work go on',
  ].join('\n')
}
