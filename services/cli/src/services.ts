import { createConsole } from '@tributary/console'
import { createContactSync } from '@tributary/contact-sync'
import { createDispatcher } from '@tributary/dispatcher'
import { createIngest } from '@tributary/ingest'
import { createOrderSync } from '@tributary/order-sync'
import { createProjector } from '@tributary/projector'
import type { Service } from '@tributary/runtime'
import { createHttpServer, createMetricsServer, type HttpServer } from '@tributary/runtime/http'
import { keepStart } from './kept-start.ts'
import { operatedEndpoints } from './operated-endpoints.ts'
import type { Platform } from './platform.ts'

export const SERVICE_NAMES = ['ingest', 'order-sync', 'contact-sync', 'projector', 'dispatcher', 'console'] as const
export type ServiceName = (typeof SERVICE_NAMES)[number]

/** The named services and the HTTP server of their process, in the order in which they start. */
export function createServices(platform: Platform, names: readonly ServiceName[]): { services: Service[]; http: HttpServer } {
  const routers: ReturnType<typeof createIngest>['router'][] = []
  const factories: Record<ServiceName, () => Service> = {
    ingest() {
      const ingest = createIngest(platform)
      routers.push(ingest.router)
      return ingest
    },
    'order-sync': () => createOrderSync(platform),
    'contact-sync': () => createContactSync(platform),
    projector: () => createProjector(platform),
    dispatcher: () => createDispatcher(platform),
    console() {
      const made = createConsole({ ...platform, endpoints: operatedEndpoints(platform) })
      routers.push(made.router)
      return made
    },
  }
  const named = SERVICE_NAMES.filter((name) => names.includes(name)).map((name) => factories[name]())
  const { configuration, logger, withoutDatabase } = platform
  const health = [...named, withoutDatabase ? DATABASE_AWAY : rowIdsOf(platform)]
  const services = [...(names.includes('ingest') ? startKeeperOf(platform) : []), ...named]
  const http = createHttpServer({ ...configuration.server, logger, routers, health })
  const { metrics } = configuration
  if (metrics.port === undefined) return { services: [...services, http], http }
  const metricsServer = createMetricsServer({ host: metrics.host, port: metrics.port, logger, health })
  return { services: [...services, metricsServer, http], http }
}

/** So that a process with ingest can start while the database is away. */
function startKeeperOf(platform: Platform): Service[] {
  const { spool } = platform.configuration.ingest
  return spool && !platform.withoutDatabase ? [keepStart({ ...platform, folder: spool.folder })] : []
}

/** All that was asked for begins when the database is back. */
const DATABASE_AWAY: Service = {
  name: 'database',
  start: async () => {},
  stop: async () => {},
  health: async () => ({
    name: 'database',
    status: 'degraded',
    reason: 'It could not be used when this process started. Until it can, only ingest runs, and keeps what comes on its disk.',
  }),
}

/** Without its worker number a process can append no order; it shows in health, because nothing else would say why. */
function rowIdsOf(platform: Platform): Service {
  return {
    name: 'row-ids',
    start: async () => {},
    stop: async () => {},
    async health() {
      if (platform.mayIssueRowIds()) return { name: 'row-ids', status: 'ok' }
      return {
        name: 'row-ids',
        status: 'down',
        reason: 'The lease of the worker number ran out. If the database is well and this stays, restart the process.',
      }
    },
  }
}
