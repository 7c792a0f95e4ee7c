import type { Logger } from './logger.ts'
import { pause } from './pause.ts'
import type { Service } from './service.ts'

const DEFAULT_DEADLINE = 4_500
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const
/**
 * A signal that comes again within so many milliseconds is still the same one: service managers tell the whole group, and
 * a parent in it passes on what it was told.
 */
const SAME_SIGNAL = 500

/** Why a run ends, and the exit code that says so. */
type End = { code: number; reason: string }

/**
 * Starts the services in order, runs until SIGINT, SIGTERM or `until`, stops them in reverse order and answers the exit
 * code: 0 after a signal or `until`; 1 when a start failed, a promise was left rejected, an exception flew
 * free or the stop took longer than `deadline` (ms, default 4,500). A second signal, half a second later or more, exits at once.
 */
export async function runUntilSignal(
  services: readonly Service[],
  options: { logger: Logger; deadline?: number; until?: AbortSignal },
): Promise<number> {
  const { logger } = options
  const watch = watchProcess(logger, options.until)
  const started: Service[] = []
  try {
    for (const service of services) {
      if (watch.ended()) break
      started.unshift(service)
      await Promise.race([service.start(), watch.end])
    }
  } catch (error) {
    logger.fatal({ err: error }, 'a service could not start')
    watch.finish({ code: 1, reason: 'start failed' })
  }
  const { code, reason } = await watch.end
  logger.info({ reason }, 'stopping')
  const late = await stopAll(started, options.deadline ?? DEFAULT_DEADLINE, logger)
  watch.stop()
  if (late.length > 0) logger.error({ late }, 'services did not stop in time')
  return late.length > 0 ? 1 : code
}

function watchProcess(logger: Logger, until: AbortSignal | undefined) {
  let ended = false
  let signalled = Number.NEGATIVE_INFINITY
  let resolve: (end: End) => void
  const end = new Promise<End>((done) => {
    resolve = done
  })
  const finish = (why: End) => {
    ended = true
    resolve(why)
  }
  const onSignal = (signal: 'SIGINT' | 'SIGTERM') => {
    const isAgain = performance.now() - signalled < SAME_SIGNAL
    if (ended && !isAgain) process.exit(exitCodes[signal])
    if (ended) return
    signalled = performance.now()
    finish({ code: 0, reason: signal })
  }
  const onFault = (error: unknown) => {
    logger.fatal({ err: error }, 'an error that nobody handled; stopping')
    finish({ code: 1, reason: 'unhandled error' })
  }
  const onUntil = () => finish({ code: 0, reason: 'done' })
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  process.on('unhandledRejection', onFault).on('uncaughtException', onFault)
  if (until?.aborted) onUntil()
  else until?.addEventListener('abort', onUntil, { once: true })
  return {
    end,
    finish,
    ended: () => ended,
    stop() {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
      process.off('unhandledRejection', onFault).off('uncaughtException', onFault)
      until?.removeEventListener('abort', onUntil)
    },
  }
}

/** Stops one after another, because each may need those before it, and answers the names of those that were not done. */
async function stopAll(services: readonly Service[], deadline: number, logger: Logger): Promise<string[]> {
  const waiting = new Set(services)
  const stopping = (async () => {
    for (const service of services) {
      try {
        await service.stop()
      } catch (error) {
        logger.error({ err: error, service: service.name }, 'a service failed to stop')
      }
      waiting.delete(service)
    }
  })()
  const finished = new AbortController()
  await Promise.race([stopping, pause(deadline, finished.signal)])
  finished.abort()
  return [...waiting].map((service) => service.name)
}
