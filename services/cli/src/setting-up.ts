import { type Database, openDatabase } from '@tributary/database'
import { type Configuration, createLogger, loadConfiguration } from '@tributary/runtime'
import type { Command } from 'commander'
import { openPlatform, type Platform } from './platform.ts'

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

/** Runs `work` with everything open and closes it, whatever happens. Log lines below `warn` stay out of a command's way. */
export async function withPlatform<T>(command: Command, work: (platform: Platform) => Promise<T>): Promise<T> {
  const configuration = await configurationFor(command)
  const platform = await openPlatform(configuration, createLogger({ ...configuration.logging, level: 'warn' }))
  try {
    return await work(platform)
  } finally {
    await platform.close()
  }
}
