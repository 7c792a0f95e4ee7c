import type { Channel } from '@tributary/channels'
import { type Database, leaseRowIdWorker, migrationStatus, openDatabase } from '@tributary/database'
import type { EventLog } from '@tributary/event-log'
import { createRowIds } from '@tributary/events'
import type { Configuration, Logger } from '@tributary/runtime'
import { openVault, type Vault } from '@tributary/vault'
import { openChannels } from './channels.ts'
import { CommandError } from './failure.ts'
import { openLog } from './open-log.ts'

/** What the services and commands of one process share. */
export type Platform = {
  configuration: Configuration
  logger: Logger
  database: Database
  log: EventLog
  vault: Vault
  channels: ReadonlyMap<number, Channel>
  rowIds: { next(): number }
  /** Whether this process still holds the worker number that makes its row ids unique. */
  mayIssueRowIds(): boolean
  /** Opened while the database was away (without-database.ts): good for taking things in, and for nothing else. */
  withoutDatabase?: boolean
  close(): Promise<void>
}

/** Opens everything a configuration names. What was opened before a failure is closed again. */
export async function openPlatform(configuration: Configuration, logger: Logger): Promise<Platform> {
  const closers: (() => Promise<void>)[] = []
  const close = async () => {
    // What cannot be told to a database that is away, it finds out by itself.
    for (const closeOne of closers.splice(0).reverse())
      await closeOne().catch((error: unknown) => logger.warn({ err: error }, 'not everything could be closed'))
  }
  try {
    const database = openDatabase(configuration.databaseUrl)
    closers.push(() => database.close())
    await refuseOldSchema(database)
    const vault = await openVault({ database, masterKeys: configuration.masterKeys })
    const log = await openLog(configuration, database, logger)
    closers.push(() => log.close())
    const worker = await leaseRowIdWorker(database, { logger })
    closers.push(() => worker.release())
    const rowIds = createRowIds(worker)
    const channels = openChannels(configuration, database)
    return { configuration, logger, database, log, vault, rowIds, mayIssueRowIds: worker.mayIssue, channels, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Working on a schema that lacks a table would fail later and less clearly. */
async function refuseOldSchema(database: Database): Promise<void> {
  const unfit = (await migrationStatus(database)).filter(({ state }) => state !== 'landed')
  if (unfit.length === 0) return
  const list = unfit.map(({ name, state }) => `${name} ${state}`).join(', ')
  throw new CommandError('SCHEMA_UNFIT', `The database does not fit this version (${list}). Run: npm run tributary -- migrate`)
}
