import type { Logger } from '../logger.ts'
import { pause } from '../pause.ts'
import type { HealthReport, Service } from '../service.ts'

const SLOWEST_REPORT = 2_000
/** What a service said last is believed so long when it cannot say how it is now, milliseconds. */
const BELIEVED = 60_000

/**
 * Asks a service how it is. One that does not say within two seconds, or cannot, is as it said last and `degraded` at best, and
 * `down` once that is a minute old: a slow query of health is no outage. Who asks while it is being asked waits for that answer, so
 * that the questions of many add nothing to a database that is slow. Tests shorten `slowest` and have a `clock`.
 */
export function createReporter(
  service: Service,
  logger: Logger,
  { slowest = SLOWEST_REPORT, clock = () => performance.now() }: { slowest?: number; clock?: () => number } = {},
): () => Promise<HealthReport> {
  let asking: { report: Promise<HealthReport>; since: number } | undefined
  let last: { report: HealthReport; time: number } | undefined

  function ask(): Promise<HealthReport> {
    // One that never answers must not be the last that was asked.
    if (asking && clock() - asking.since < BELIEVED) return asking.report
    const asked = { report: reportOf(service), since: clock() }
    asking = asked
    const end = () => {
      if (asking === asked) asking = undefined
    }
    asked.report.then((report) => {
      last = { report, time: clock() }
      end()
    }, end)
    return asked.report
  }

  function unheard(trouble: string): HealthReport {
    const { name } = service
    const age = last ? clock() - last.time : Number.POSITIVE_INFINITY
    if (!last || age > BELIEVED) return { name, status: 'down', reason: `It ${trouble}.` }
    const { status, reason } = last.report
    const before = `${Math.round(age / 1_000)} s ago it was ${status}${reason === undefined ? '' : `: ${reason}`}`
    return { name, status: status === 'down' ? 'down' : 'degraded', reason: `It ${trouble}; ${before}` }
  }

  return async () => {
    const given = new AbortController()
    const silence = pause(slowest, given.signal).then(() => unheard(`did not report within ${slowest / 1_000} s`))
    try {
      return await Promise.race([ask(), silence])
    } catch (error) {
      logger.warn({ service: service.name, err: error }, 'a service could not report how it is')
      return unheard('could not report; the log has the error')
    } finally {
      given.abort()
    }
  }
}

const reportOf = async (service: Service): Promise<HealthReport> => service.health()
