import { channelName } from '@tributary/events'
import type { HealthReport, Service } from '@tributary/runtime'
import { createRouter } from '@tributary/runtime/http'
import type { Router } from 'express'
import type { IngestContext } from './context.ts'
import { createKeeper, type KeeperFigures } from './keeper.ts'
import { countNotificationsFromZero } from './measure.ts'
import { createQueueReaders } from './notification-queue.ts'
import { keepNotification, notificationRoute } from './notification-routes.ts'
import { authorizeRoute } from './oauth/authorize-route.ts'
import { callbackRoute } from './oauth/callback-route.ts'
import { keepConsent } from './oauth/keep-consent.ts'
import { countParkedConsents } from './oauth/parked-consents.ts'
import type { ConsentReception, NotificationReception } from './reception.ts'
import { createSpool } from './spool/spool.ts'
import { createWework } from './wework/wework.ts'
import { HEALTH_WITHIN, within } from './within.ts'

/**
 * Takes what marketplaces send: notifications and consents. Verify, keep in the log, answer; everything else is a
 * reader's work. The router belongs into the HTTP server of the process.
 */
export function createIngest(context: IngestContext): Service & { readonly router: Router } {
  const settings = context.configuration.ingest?.spool
  const spool = settings ? createSpool({ ...settings, drains: !context.withoutDatabase }, context) : undefined
  const works = { notification: keepNotification(context), consent: keepConsent(context) }
  const keeper = createKeeper<NotificationReception | ConsentReception, void>({
    ...context,
    spool,
    kinds: ['notification', 'consent'],
    work: (reception, append) =>
      reception.kind === 'notification' ? works.notification(reception, append) : works.consent(reception, append),
  })
  const wework = createWework(context, spool)
  const queues = createQueueReaders(context, keeper)
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
      await spool?.start()
      for (const queue of queues) queue.start()
    },
    async health() {
      const [ofWework, ofConsents] = await Promise.all([wework.health(), parkedConsents(context)])
      const parts = [
        { name: 'wework', report: ofWework },
        { name: 'spool', report: spool?.health() },
        { name: 'consents', report: ofConsents },
        ...queues.map((queue) => ({ name: queue.name, report: queue.health() })),
      ]
      return parts.reduce((report, part) => withPart(report, part.name, part.report), healthOf(keeper.figures()))
    },
    async stop() {
      // First: what a queue has given must be kept or left to come again.
      await Promise.all(queues.map((queue) => queue.stop()))
      await Promise.all([keeper.stop(), wework.stop()])
      await spool?.stop()
    },
  }
}

/** Consents that nobody here had asked for; a seller waits behind each. */
async function parkedConsents(context: IngestContext): Promise<{ reason?: string; details: Record<string, unknown> }> {
  // Without the database others say all there is to say.
  const waiting = await within(HEALTH_WITHIN, () => countParkedConsents(context)).catch(() => null)
  const reason = `${waiting} consents wait for an operator. See: tributary consent list`
  return { ...(waiting === null || waiting === 0 ? {} : { reason }), details: { waiting } }
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

function withPart(
  report: HealthReport,
  name: string,
  part: { reason?: string; details: Record<string, unknown> } | undefined,
): HealthReport {
  if (part === undefined) return report
  const reasons = [report.reason, part.reason].filter((reason) => reason !== undefined)
  return {
    name: report.name,
    status: part.reason === undefined ? report.status : 'degraded',
    ...(reasons.length > 0 ? { reason: reasons.join(' ') } : {}),
    details: { ...report.details, [name]: part.details },
  }
}
