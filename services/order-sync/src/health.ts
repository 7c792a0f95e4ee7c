import type { Channel } from '@tributary/channels'
import type { Database } from '@tributary/database'
import type { HealthReport } from '@tributary/runtime'
import { countShipments } from '@tributary/shipping'
import { secondsSince } from './age.ts'
import { endingSecrets } from './app-secrets.ts'
import { countOrderReads } from './order-read-operations.ts'
import type { OrderReceiver } from './order-receiver.ts'
import { listPolls } from './poll-rows.ts'
import { grantsOfSellers, keyOf } from './seller-grants.ts'

/** How many intervals a poll may be behind before we call it late. */
const LATE_AFTER = 3
/** An order that has waited this long to be read, or a package to be announced, deserves a look, milliseconds. */
const OLD = 5 * 60_000

/** Health is progress: sellers polled in time, orders read soon after they were asked for. Throws DatabaseError. */
export async function judgeOrderSync(
  database: Database,
  parts: {
    consumer: HealthReport
    shipments: HealthReport
    received: ReturnType<OrderReceiver['figures']>
    unreadable: number
    channels: ReadonlyMap<number, Channel>
    interval: number
    reminderDays: number
    now: number
  },
): Promise<HealthReport> {
  const { consumer, shipments, received, unreadable, interval, now } = parts
  const grants = await grantsOfSellers(database, parts)
  const secrets = await endingSecrets(database, parts.channels, parts)
  const oldSecrets = secrets.filter(({ days }) => days < 0)
  const ended = grants.filter(({ grant }) => grant === 'ended').map(({ sellerId }) => sellerId)
  const authorized = new Set(grants.filter(({ grant }) => grant !== 'ended').map(keyOf))
  const polls = await listPolls(database)
  const late = polls.filter(
    (poll) =>
      authorized.has(keyOf(poll)) &&
      (poll.successTime === 0 ? poll.lastError !== '' : now - poll.successTime > LATE_AFTER * interval),
  )
  const { waiting, parked, dropped, oldest } = await countOrderReads(database)
  const oldestSeconds = Math.round(secondsSince(oldest, now))
  const packages = await countShipments(database)
  const oldestPackageSeconds = Math.round(secondsSince(packages.oldest, now))
  const reasons = [
    ...[consumer, shipments].flatMap(({ reason }) => (reason === undefined ? [] : [reason])),
    ...(ended.length > 0 ? [`${ended.length} sellers must consent again. See: tributary seller list`] : []),
    ...(oldSecrets.length > 0
      ? [`The secret of app ${oldSecrets.map(({ app }) => app).join(', ')} is too old: tributary app set-secret.`]
      : []),
    ...(late.length > 0 ? [`${late.length} sellers have not been polled in time.`] : []),
    ...(parked > 0
      ? [`${parked} orders cannot be read until a person acts. See: tributary order-read list --state parked`]
      : []),
    ...(oldestSeconds * 1000 > OLD ? [`An order has waited for ${oldestSeconds} s to be read.`] : []),
    ...(packages.parked > 0
      ? [`${packages.parked} shipments cannot be announced until a person acts. See: tributary shipment list --state parked`]
      : []),
    ...(oldestPackageSeconds * 1000 > OLD ? [`A shipment has waited for ${oldestPackageSeconds} s to be announced.`] : []),
  ]
  const worst = consumer.status === 'down' || shipments.status === 'ok' ? consumer.status : shipments.status
  return {
    name: 'order-sync',
    status: worst === 'ok' && reasons.length > 0 ? 'degraded' : worst,
    ...(reasons.length > 0 ? { reason: reasons.join(' ') } : {}),
    details: {
      sellers: authorized.size,
      mustConsentAgain: ended,
      // Reminders, which are no trouble yet.
      consentsEnding: grants.flatMap(({ grant, ...ending }) => (grant === 'ending' ? [ending] : [])),
      secretsEnding: secrets,
      pollsLate: late.map(({ sellerId, lastError }) => ({ sellerId, lastError })),
      reads: { waiting, parked, dropped, oldestSeconds },
      shipments: { waiting: packages.waiting, parked: packages.parked, oldestSeconds: oldestPackageSeconds },
      ...received,
      unreadable,
      hints: consumer.details,
    },
  }
}
