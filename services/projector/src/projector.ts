import type { Database } from '@tributary/database'
import type { EventLog } from '@tributary/event-log'
import { orders } from '@tributary/orders'
import { type RunningProjection, startProjection } from '@tributary/projection'
import type { HealthReport, HealthStatus, Logger, Service } from '@tributary/runtime'
import { sellers } from '@tributary/sellers'
import type { Vault } from '@tributary/vault'

export type ProjectorContext = { database: Database; log: EventLog; vault: Vault; logger: Logger }

const PROJECTIONS = [orders, sellers]
const WORST_FIRST: readonly HealthStatus[] = ['down', 'degraded', 'ok']

/** Keeps the tables of orders and sellers. Its health is that of the projection that does worst; `details` has each. */
export function createProjector({ database, log, vault, logger }: ProjectorContext): Service {
  let running: RunningProjection[] = []
  const name = 'projector'
  return {
    name,
    start: async () => {
      running = PROJECTIONS.map((projection) => startProjection({ projection, database, log, vault, logger }))
    },
    health: async () => {
      const reports = await Promise.all(running.map((projection) => projection.health()))
      if (reports.length === 0) return { name, status: 'down', reason: 'It has not been started.' }
      return together(name, reports)
    },
    stop: async () => {
      await Promise.all(running.map((projection) => projection.stop()))
    },
  }
}

function together(name: string, reports: readonly HealthReport[]): HealthReport {
  const status = WORST_FIRST.find((level) => reports.some((report) => report.status === level)) ?? 'ok'
  const reasons = reports.flatMap((report) => (report.reason === undefined ? [] : [`${report.name}: ${report.reason}`]))
  return {
    name,
    status,
    ...(reasons.length === 0 ? {} : { reason: reasons.join(' ') }),
    details: Object.fromEntries(reports.map((report) => [report.name, report.details ?? {}])),
  }
}
