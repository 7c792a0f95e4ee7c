import { createLogger, runUntilSignal, startTelemetry } from '@tributary/runtime'
import { Argument, type Command } from 'commander'
import { openPlatform } from '../platform.ts'
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
      const telemetry = await startTelemetry({
        ...configuration.telemetry,
        serviceName: `tributary-${names.join('+')}`,
        logger,
      })
      const platform = await openPlatform(configuration, logger)
      try {
        const { services } = createServices(platform, names)
        process.exitCode = await runUntilSignal(services, { logger })
      } finally {
        await platform.close()
        await telemetry.stop()
      }
    })
}
