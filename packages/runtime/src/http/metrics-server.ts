import type { Logger } from '../logger.ts'
import { gauge, type Reading } from '../metrics/instruments.ts'
import { metricsText, observe } from '../metrics/observe.ts'
import { measureProcess } from '../metrics/registry.ts'
import type { Service } from '../service.ts'
import { createRouter } from './routes.ts'
import { createHttpServer, type HttpServer } from './server.ts'

const health = gauge({
  name: 'tributary_service_health',
  help: 'How each service of the process says that it is: 2 ok, 1 degraded, 0 down.',
  labels: ['service'],
})

const RANKS = { ok: 2, degraded: 1, down: 0 } as const

function readHealth(services: readonly Service[]): Promise<Reading[]> {
  return Promise.all(
    services.map(async (service) => {
      const { status } = await service.health().catch(() => ({ status: 'down' }) as const)
      return health.reading(RANKS[status], { service: service.name })
    }),
  )
}

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
  const server = createHttpServer({ ...options, name: 'metrics', routers: [router] })
  let forget = () => {}
  return {
    ...server,
    get url() {
      return server.url
    },
    async start() {
      await server.start()
      forget = observe('health', () => readHealth(options.health))
    },
    async stop() {
      forget()
      await server.stop()
    },
  }
}
