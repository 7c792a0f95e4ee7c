import { type RunningConsumer, startConsumer } from '@tributary/consumer'
import type { Database } from '@tributary/database'
import type { EventLog } from '@tributary/event-log'
import { INDEXED_TOPICS, indexConsumer } from '@tributary/history'
import { startProjection } from '@tributary/projection'
import type { Configuration, HealthReport, HealthStatus, Logger, Service } from '@tributary/runtime'
import type { Vault } from '@tributary/vault'
import { mappedCorps } from '@tributary/wecom'
import { makeDirectoryTables } from './directory-tables.ts'
import { projectionsOf } from './projections.ts'
import { watchUnmappedCorps } from './unmapped-corps.ts'

export type ProjectorContext = {
  configuration: Pick<Configuration, 'wework'>
  database: Database
  log: EventLog
  vault: Vault
  logger: Logger
}

const WORST_FIRST: readonly HealthStatus[] = ['down', 'degraded', 'ok']

/**
 * Keeps the tables of every projection, and the index that finds the events of a key. Its health is that of the one that
 * does worst; `details` has each.
 */
export function createProjector({ configuration, database, log, vault, logger }: ProjectorContext): Service {
  const unmapped = watchUnmappedCorps(database, mappedCorps(configuration.wework))
  let running: Pick<RunningConsumer, 'health' | 'stop'>[] = []
  const name = 'projector'
  return {
    name,
    start: async () => {
      const definitions = projectionsOf(configuration)
      await makeDirectoryTables(database, definitions)
      const projections = definitions.map((projection) => startProjection({ projection, database, log, vault, logger }))
      const indexes = INDEXED_TOPICS.map((topic) =>
        startConsumer({ definition: indexConsumer(topic, definitions), database, log, logger }),
      )
      running = [...projections, ...indexes]
    },
    health: async () => {
      if (running.length === 0) return { name, status: 'down', reason: 'It has not been started.' }
      const reports = await Promise.all([...running.map((projection) => projection.health()), unmapped()])
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
