import { type Database, openDatabase } from '@tributary/database'
import type { EventLog } from '@tributary/event-log'
import { type Configuration, createLogger, loadConfiguration } from '@tributary/runtime'
import type { Command } from 'commander'
import { openLog } from './platform.ts'

/** Reads the configuration that `--config` or `TRIBUTARY_CONFIG` names, and the environment. Throws ConfigurationError. */
export function configurationFor(command: Command): Promise<Configuration> | Configuration {
  const { config } = command.optsWithGlobals<{ config?: string }>()
  return loadConfiguration({ ...(config ? { file: config } : {}), environment: process.env })
}

/** Runs `work` with a database connection and closes it, whatever happens. */
export async function withDatabase<T>(
  command: Command,
  work: (database: Database, configuration: Configuration) => Promise<T>,
) {
  const configuration = await configurationFor(command)
  const database = openDatabase(configuration.databaseUrl)
  try {
    return await work(database, configuration)
  } finally {
    await database.close()
  }
}

/** Like `withDatabase`, with the log as well. Only warnings of the log's driver come in a command's way. */
export async function withLog<T>(command: Command, work: (database: Database, log: EventLog) => Promise<T>): Promise<T> {
  return await withDatabase(command, async (database, configuration) => {
    const logger = createLogger({ ...configuration.logging, level: 'warn' })
    const log = await openLog(configuration, database, logger)
    try {
      return await work(database, log)
    } finally {
      await log.close()
    }
  })
}
