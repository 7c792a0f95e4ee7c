import { collectSparingly, createLogger, keepHeapSmall, pause, runUntilSignal, startTelemetry } from '@tributary/runtime'
import { Argument, type Command } from 'commander'
import type { Platform } from '../platform.ts'
import { createServices, SERVICE_NAMES, type ServiceName } from '../services.ts'
import { configurationFor } from '../setting-up.ts'
import { openPatiently } from '../without-database.ts'

/** Milliseconds that what services share has for its end, behind the four and a half seconds of the services. */
const CLOSING = 500

/** `tributary serve`: runs services until a signal, all in this process. */
export function addServeCommand(program: Command): void {
  program
    .command('serve')
    .description('run services in this process until SIGINT or SIGTERM')
    .addArgument(new Argument('<services...>', 'which ones').choices(SERVICE_NAMES))
    .action(async (names: ServiceName[], _options, command: Command) => {
      // What is delivered is garbage at once; what else runs here pays for a small heap and has no use for it.
      if (names.length === 1 && names[0] === 'dispatcher') {
        keepHeapSmall()
        collectSparingly()
      }
      const configuration = await configurationFor(command)
      const logger = createLogger(configuration.logging)
      const telemetry = await startTelemetry({
        ...configuration.telemetry,
        serviceName: `tributary-${names.join('+')}`,
        logger,
      })
      let isClosed = true
      try {
        const platform = await openPatiently(configuration, logger, { takesIn: names.includes('ingest') })
        if (typeof platform === 'number') process.exitCode = platform
        else ({ code: process.exitCode, isClosed } = await run(platform, names))
      } finally {
        await telemetry.stop()
      }
      // A connection on which no answer comes would keep the process for as long as the system has patience with it.
      if (!isClosed) process.exit()
    })
}

async function run(platform: Platform, names: readonly ServiceName[]): Promise<{ code: number; isClosed: boolean }> {
  let code: number
  try {
    const { services } = createServices(platform, names)
    code = await runUntilSignal(services, platform)
  } catch (error) {
    await closeInTime(platform)
    throw error
  }
  return { code, isClosed: await closeInTime(platform) }
}

async function closeInTime({ close }: Platform): Promise<boolean> {
  const ended = new AbortController()
  const closed = close().then(() => true)
  return await Promise.race([closed, pause(CLOSING, ended.signal).then(() => false)]).finally(() => ended.abort())
}
