import { channelName } from '@tributary/events'
import { createRouter, type HealthReport, type Service } from '@tributary/runtime'
import type { Router } from 'express'
import type { IngestContext } from './context.ts'
import { createKeeper, type KeeperFigures } from './keeper.ts'
import { countNotificationsFromZero } from './measure.ts'
import { notificationRoute } from './notification-routes.ts'
import { authorizeRoute } from './oauth/authorize-route.ts'
import { callbackRoute } from './oauth/callback-route.ts'

/**
 * Takes what marketplaces send: notifications and consents. Verify, keep in the log, answer; everything else is a
 * reader's work. The router belongs into the HTTP server of the process.
 */
export function createIngest(context: IngestContext): Service & { readonly router: Router } {
  const keeper = createKeeper(context.log)
  return {
    name: 'ingest',
    router: createRouter([notificationRoute(context, keeper), authorizeRoute(context), callbackRoute(context, keeper)]),
    async start() {
      for (const channel of context.channels.keys()) countNotificationsFromZero(channelName(channel))
    },
    async health() {
      return healthOf(keeper.figures())
    },
    stop: () => keeper.stop(),
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
