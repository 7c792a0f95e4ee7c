import { channelName } from '@tributary/events'
import { createRouter, type HealthReport, type Service } from '@tributary/runtime'
import type { Router } from 'express'
import type { IngestContext } from './context.ts'
import { createKeeper, type KeeperFigures } from './keeper.ts'
import { countNotificationsFromZero } from './measure.ts'
import { notificationRoute } from './notification-routes.ts'
import { authorizeRoute } from './oauth/authorize-route.ts'
import { callbackRoute } from './oauth/callback-route.ts'
import { createWework } from './wework/wework.ts'

/**
 * Takes what marketplaces send: notifications and consents. Verify, keep in the log, answer; everything else is a
 * reader's work. The router belongs into the HTTP server of the process.
 */
export function createIngest(context: IngestContext): Service & { readonly router: Router } {
  const keeper = createKeeper(context.log)
  const wework = createWework(context)
  return {
    name: 'ingest',
    router: createRouter([
      notificationRoute(context, keeper),
      authorizeRoute(context),
      callbackRoute(context, keeper),
      ...wework.routes,
    ]),
    async start() {
      for (const channel of context.channels.keys()) countNotificationsFromZero(channelName(channel))
    },
    async health() {
      return withWework(healthOf(keeper.figures()), await wework.health())
    },
    async stop() {
      await Promise.all([keeper.stop(), wework.stop()])
    },
  }
}

function healthOf(figures: KeeperFigures): HealthReport {
  const failing = figures.lastFailedTime !== null && figures.lastFailedTime >= (figures.lastKeptTime ?? 0)
  return {
    name: 'ingest',
    status: failing ? 'degraded' : 'ok',
    ...(failing ? { reason: 'The last notification could not be kept; senders were asked to try again.' } : {}),
    details: { ...figures },
  }
}

function withWework(
  report: HealthReport,
  wework: Awaited<ReturnType<ReturnType<typeof createWework>['health']>>,
): HealthReport {
  if (wework === undefined) return report
  const reasons = [report.reason, wework.reason].filter((reason) => reason !== undefined)
  return {
    name: report.name,
    status: wework.reason === undefined ? report.status : 'degraded',
    ...(reasons.length > 0 ? { reason: reasons.join(' ') } : {}),
    details: { ...report.details, wework: wework.details },
  }
}
