import { type Database, listSellers } from '@tributary/database'
import type { HealthReport } from '@tributary/runtime'
import { listRefusedGrants } from './access-token-rows.ts'
import type { SellerName } from './context.ts'
import { hasGrant } from './grants.ts'
import { countOrderReads } from './order-read-tasks.ts'
import type { OrderReceiver } from './order-receiver.ts'
import { listPolls } from './poll-rows.ts'

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
  const sellers = await standingOfSellers(database)
  const polls = await listPolls(database)
  const late = polls.filter(
    (poll) =>
      sellers.authorized.has(keyOf(poll)) &&
      (poll.successTime === 0 ? poll.lastError !== '' : now - poll.successTime > LATE_AFTER * interval),
  )
  const { waiting, parked, dropped, oldest } = await countOrderReads(database)
  const oldestSeconds = oldest === null ? 0 : Math.round((now - oldest) / 1000)
  const reasons = [
    ...(consumer.reason === undefined ? [] : [consumer.reason]),
    ...(sellers.ended.length > 0 ? [`${sellers.ended.length} sellers must consent again.`] : []),
    ...(late.length > 0 ? [`${late.length} sellers have not been polled in time.`] : []),
    ...(parked > 0 ? [`${parked} orders cannot be read until a person acts.`] : []),
    ...(oldestSeconds * 1000 > OLD ? [`An order has waited for ${oldestSeconds} s to be read.`] : []),
  ]
  return {
    name: 'order-sync',
    status: consumer.status === 'ok' && reasons.length > 0 ? 'degraded' : consumer.status,
    ...(reasons.length > 0 ? { reason: reasons.join(' ') } : {}),
    details: {
      sellers: sellers.authorized.size,
      mustConsentAgain: sellers.ended,
      pollsLate: late.map(({ sellerId, lastError }) => ({ sellerId, lastError })),
      reads: { waiting, parked, dropped, oldestSeconds },
      ...received,
      unreadable,
      hints: consumer.details,
    },
  }
}

async function standingOfSellers(database: Database): Promise<{ authorized: Set<string>; ended: string[] }> {
  const refused = new Map((await listRefusedGrants(database)).map((one) => [keyOf(one), one.grantId]))
  const sellers = await listSellers(database)
  const ended = sellers.filter((seller) => !hasGrant(seller, refused.get(keyOf(seller))))
  const authorized = new Set(sellers.filter((seller) => !ended.includes(seller)).map(keyOf))
  return { authorized, ended: ended.map(({ sellerId }) => sellerId) }
}

function keyOf({ channel, sellerId }: SellerName): string {
  return `${channel}:${sellerId}`
}
