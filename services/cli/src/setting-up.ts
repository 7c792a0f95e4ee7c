import { type Database, openDatabase } from '@tributary/database'
import type { EventLog } from '@tributary/event-log'
import type { HistoryContext } from '@tributary/history'
import { projectionsOf } from '@tributary/projector'
import type { Configuration } from '@tributary/runtime'
import { loadConfiguration } from '@tributary/runtime/configuration'
import { openVault, type Vault } from '@tributary/vault'
import type { Command } from 'commander'
import { commandLogger } from './command-logger.ts'
import { Interrupted } from './failure.ts'
import { openLog } from './open-log.ts'
import { accountedFor } from './what-commands-do.ts'

/** Reads the configuration that `--config` or `TRIBUTARY_CONFIG` names, and the environment. Throws ConfigurationError. */
export function configurationFor(command: Command): Promise<Configuration> | Configuration {
  const { config } = command.optsWithGlobals<{ config?: string }>()
  return loadConfiguration({ ...(config ? { file: config } : {}), environment: process.env })
}

/** Runs `work` with a database connection and closes it, whatever happens. What the command changes is recorded. */
export async function withDatabase<T>(
  command: Command,
  work: (database: Database, configuration: Configuration) => Promise<T>,
) {
  const configuration = await configurationFor(command)
  const database = openDatabase(configuration.databaseUrl)
  try {
    return await accountedFor(database, command, () => work(database, configuration))
  } finally {
    await database.close()
  }
}

/** Like `withDatabase`, with the vault as well. */
export async function withVault<T>(
  command: Command,
  work: (access: { database: Database; vault: Vault; configuration: Configuration }) => Promise<T>,
): Promise<T> {
  return await withDatabase(command, async (database, configuration) => {
    const vault = await openVault({ database, masterKeys: configuration.masterKeys })
    return await work({ database, vault, configuration })
  })
}

/** Like `withDatabase`, with the log as well. Only warnings of the log's driver come in a command's way. */
export async function withLog<T>(command: Command, work: (database: Database, log: EventLog) => Promise<T>): Promise<T> {
  return await withDatabase(command, async (database, configuration) => {
    const logger = commandLogger(configuration)
    const log = await openLog(configuration, database, logger)
    try {
      return await work(database, log)
    } finally {
      await log.close()
    }
  })
}

/** What a command that looks into the log uses. `signal` aborts at Ctrl-C, with Interrupted. */
export type LogAccess = HistoryContext & { configuration: Configuration; signal: AbortSignal }

/**
 * Like `withLog`, with the vault and the projections as well, until `work` ends or a signal comes. Topics that are made on the
 * way get as many partitions as configured, unless told.
 */
export async function withHistory<T>(
  command: Command,
  work: (access: LogAccess) => Promise<T>,
  { partitions }: { partitions?: number | undefined } = {},
): Promise<T> {
  const stopping = new AbortController()
  const stop = (signal: 'SIGINT' | 'SIGTERM') => stopping.abort(new Interrupted(signal))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    return await withDatabase(command, async (database, configured) => {
      const configuration = { ...configured, ...(partitions === undefined ? {} : { partitions }) }
      const log = await openLog(configuration, database, commandLogger(configuration))
      try {
        const vault = await openVault({ database, masterKeys: configuration.masterKeys })
        const projections = projectionsOf(configuration)
        return await work({ database, log, vault, projections, configuration, signal: stopping.signal })
      } finally {
        await log.close()
      }
    })
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
}
