import type { Router } from 'express'
import type { Logger } from '../logger.ts'
import type { HealthStatus, Service } from '../service.ts'
import { createReporter } from './health-reports.ts'
import { createRouter } from './routes.ts'

/**
 * `GET /healthz`: 200 while every service works, perhaps degraded; 503 when one is down. `GET /readyz`: 200 when
 * requests may be sent here, 503 before the start and during the stop. It asks no service: what they wait for, the database first,
 * is the same for all processes, so that a balancer which goes by it would leave none of them to take what can still be kept.
 */
export function healthRoutes(services: readonly Service[], ready: () => boolean, logger: Logger): Router {
  const reporters = services.map((service) => createReporter(service, logger))
  return createRouter([
    {
      path: '/healthz',
      async get(_request, response) {
        const reports = await Promise.all(reporters.map((report) => report()))
        const status = worst(reports.map((report) => report.status))
        response.status(status === 'down' ? 503 : 200).json({ status, services: reports })
      },
    },
    {
      path: '/readyz',
      get(_request, response) {
        response.status(ready() ? 200 : 503).json({ ready: ready() })
      },
    },
  ])
}

function worst(statuses: readonly HealthStatus[]): HealthStatus {
  return statuses.includes('down') ? 'down' : statuses.includes('degraded') ? 'degraded' : 'ok'
}
