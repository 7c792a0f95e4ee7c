import { migrationStatus } from '@tributary/database'
import { createLogger, runUntilSignal, startTelemetry } from '@tributary/runtime'
import { Argument, type Command } from 'commander'
import { CommandError } from '../failure.ts'
import { openPlatform, type Platform } from '../platform.ts'
import { createServices, SERVICE_NAMES, type ServiceName } from '../services.ts'
import { configurationFor } from '../setting-up.ts'

/** `tributary serve`: runs services until a signal, all in this process. */
export function addServeCommand(program: Command): void {
  program
    .command('serve')
    .description('run services in this process until SIGINT or SIGTERM')
    .addArgument(new Argument('<services...>', 'which ones').choices(SERVICE_NAMES))
    .action(async (names: ServiceName[], _options, command: Command) => {
      const configuration = await configurationFor(command)
      const logger = createLogger(configuration.logging)
      const telemetry = await startTelemetry({ ...configuration.telemetry, serviceName: `tributary-${names.join('+')}` })
      const platform = await openPlatform(configuration, logger)
      try {
        await refuseOldSchema(platform)
        const { services } = createServices(platform, names)
        process.exitCode = await runUntilSignal(services, { logger })
      } finally {
        await platform.close()
        await telemetry.stop()
      }
    })
}

/** Serving on a schema that lacks a table would fail later and less clearly. */
async function refuseOldSchema({ database }: Platform): Promise<void> {
  const missing = (await migrationStatus(database)).filter(({ state }) => state !== 'landed')
  if (missing.length > 0)
    throw new CommandError(
      'SCHEMA_OLD',
      `The database does not fit this version (${missing.map(({ name, state }) => `${name} ${state}`).join(', ')}). Run: npm run tributary -- migrate`,
    )
}
