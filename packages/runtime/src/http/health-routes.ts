import type { Router } from 'express'
import type { Logger } from '../logger.ts'
import { pause } from '../pause.ts'
import type { HealthReport, HealthStatus, Service } from '../service.ts'
import { createRouter } from './routes.ts'

const SLOWEST_REPORT = 2_000

/**
 * `GET /healthz`: 200 while every service works, perhaps degraded; 503 when one is down. `GET /readyz`: 200 when
 * requests may be sent here, 503 before the start, during the stop and while a service is down.
 */
export function healthRoutes(services: () => readonly Service[], ready: () => boolean, logger: Logger): Router {
  const reportAll = () => Promise.all(services().map((service) => reportOf(service, logger)))
  return createRouter([
    {
      path: '/healthz',
      async get(_request, response) {
        const reports = await reportAll()
        const status = worst(reports.map((report) => report.status))
        response.status(status === 'down' ? 503 : 200).json({ status, services: reports })
      },
    },
    {
      path: '/readyz',
      async get(_request, response) {
        const reports = ready() ? await reportAll() : []
        const isReady = ready() && worst(reports.map((report) => report.status)) !== 'down'
        response.status(isReady ? 200 : 503).json({ ready: isReady })
      },
    },
  ])
}

/** A service that cannot even say how it is within two seconds is down. */
async function reportOf(service: Service, logger: Logger): Promise<HealthReport> {
  const given = new AbortController()
  const silence = pause(SLOWEST_REPORT, given.signal).then(() => down(service, 'did not report within 2 s'))
  try {
    return await Promise.race([service.health(), silence])
  } catch (error) {
    logger.warn({ service: service.name, err: error }, 'a service could not report how it is')
    return down(service, 'could not report; the log has the error')
  } finally {
    given.abort()
  }
}

const down = (service: Service, reason: string): HealthReport => ({ name: service.name, status: 'down', reason })

function worst(statuses: readonly HealthStatus[]): HealthStatus {
  return statuses.includes('down') ? 'down' : statuses.includes('degraded') ? 'degraded' : 'ok'
}
