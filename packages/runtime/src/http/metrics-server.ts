import type { Logger } from '../logger.ts'
import { metricsText } from '../metrics/observe.ts'
import { measureProcess } from '../metrics/registry.ts'
import type { Service } from '../service.ts'
import { createRouter } from './routes.ts'
import { createHttpServer, type HttpServer } from './server.ts'

/**
 * The operators' listener: `GET /metrics` for Prometheus, and the health routes. It is apart from the server of webhooks,
 * which faces the internet and has no business to tell how much we sell.
 */
export function createMetricsServer(options: {
  host: string
  port: number
  logger: Logger
  health: readonly Service[]
}): HttpServer {
  const { logger } = options
  const router = createRouter([
    {
      path: '/metrics',
      async get(_request, response) {
        response.type('text/plain; version=0.0.4; charset=utf-8').send(await metricsText(logger))
      },
    },
  ])
  measureProcess()
  return createHttpServer({ ...options, name: 'metrics', routers: [router] })
}
