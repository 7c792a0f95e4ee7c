import { createLogger, keepHeapSmall, runUntilSignal, startTelemetry } from '@tributary/runtime'
import { Argument, type Command } from 'commander'
import type { Platform } from '../platform.ts'
import { createServices, SERVICE_NAMES, type ServiceName } from '../services.ts'
import { configurationFor } from '../setting-up.ts'
import { openPatiently } from '../without-database.ts'

/** `tributary serve`: runs services until a signal, all in this process. */
export function addServeCommand(program: Command): void {
  program
    .command('serve')
    .description('run services in this process until SIGINT or SIGTERM')
    .addArgument(new Argument('<services...>', 'which ones').choices(SERVICE_NAMES))
    .action(async (names: ServiceName[], _options, command: Command) => {
      // What is delivered is garbage at once; what else runs here pays for a small heap and has no use for it.
      if (names.length === 1 && names[0] === 'dispatcher') keepHeapSmall()
      const configuration = await configurationFor(command)
      const logger = createLogger(configuration.logging)
      const telemetry = await startTelemetry({
        ...configuration.telemetry,
        serviceName: `tributary-${names.join('+')}`,
        logger,
      })
      try {
        const platform = await openPatiently(configuration, logger, { takesIn: names.includes('ingest') })
        process.exitCode = typeof platform === 'number' ? platform : await run(platform, names)
      } finally {
        await telemetry.stop()
      }
    })
}

async function run(platform: Platform, names: readonly ServiceName[]): Promise<number> {
  try {
    const { services } = createServices(platform, names)
    return await runUntilSignal(services, platform)
  } finally {
    await platform.close()
  }
}
