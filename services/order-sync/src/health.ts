import type { Database } from '@tributary/database'
import type { HealthReport } from '@tributary/runtime'
import { countOrderReads } from './order-read-tasks.ts'
import type { OrderReceiver } from './order-receiver.ts'
import { listPolls } from './poll-rows.ts'
import { grantsOfSellers, keyOf } from './seller-grants.ts'

/** How many intervals a poll may be behind before we call it late. */
const LATE_AFTER = 3
/** An order that has waited this long to be read deserves a look, milliseconds. */
const OLD = 5 * 60_000

/** Health is progress: sellers polled in time, orders read soon after they were asked for. Throws DatabaseError. */
export async function judgeOrderSync(
  database: Database,
  parts: {
    consumer: HealthReport
    received: ReturnType<OrderReceiver['figures']>
    unreadable: number
    interval: number
    now: number
  },
): Promise<HealthReport> {
  const { consumer, received, unreadable, interval, now } = parts
  const grants = await grantsOfSellers(database, now)
  const ended = grants.filter(({ grant }) => grant === 'ended').map(({ sellerId }) => sellerId)
  const authorized = new Set(grants.filter(({ grant }) => grant !== 'ended').map(keyOf))
  const polls = await listPolls(database)
  const late = polls.filter(
    (poll) =>
      authorized.has(keyOf(poll)) &&
      (poll.successTime === 0 ? poll.lastError !== '' : now - poll.successTime > LATE_AFTER * interval),
  )
  const { waiting, parked, dropped, oldest } = await countOrderReads(database)
  const oldestSeconds = oldest === null ? 0 : Math.round((now - oldest) / 1000)
  const reasons = [
    ...(consumer.reason === undefined ? [] : [consumer.reason]),
    ...(ended.length > 0 ? [`${ended.length} sellers must consent again.`] : []),
    ...(late.length > 0 ? [`${late.length} sellers have not been polled in time.`] : []),
    ...(parked > 0 ? [`${parked} orders cannot be read until a person acts.`] : []),
    ...(oldestSeconds * 1000 > OLD ? [`An order has waited for ${oldestSeconds} s to be read.`] : []),
  ]
  return {
    name: 'order-sync',
    status: consumer.status === 'ok' && reasons.length > 0 ? 'degraded' : consumer.status,
    ...(reasons.length > 0 ? { reason: reasons.join(' ') } : {}),
    details: {
      sellers: authorized.size,
      mustConsentAgain: ended,
      pollsLate: late.map(({ sellerId, lastError }) => ({ sellerId, lastError })),
      reads: { waiting, parked, dropped, oldestSeconds },
      ...received,
      unreadable,
      hints: consumer.details,
    },
  }
}
