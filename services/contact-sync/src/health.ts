import { listCorps } from '@tributary/database'
import type { HealthReport } from '@tributary/runtime'
import { suiteTicketName } from '@tributary/wecom'
import type { SyncContext } from './context.ts'
import { type Customers, TICKET_LIFE } from './customers.ts'

const HOUR = 3_600_000
/** How many intervals a reading may be behind before we call it late. */
const LATE_AFTER = 2

/** Health is progress: tickets that come, directories that are read in time. Throws DatabaseError. */
export async function judgeContactSync(
  context: SyncContext,
  customers: Customers,
  consumer: HealthReport,
): Promise<HealthReport> {
  const corps = (await listCorps(context.database)).filter(({ state }) => state === 'authorized')
  const now = Date.now()
  const late = LATE_AFTER * context.configuration.contactSync.intervalHours * HOUR
  const troubled = corps.filter(
    ({ lastError, successTime }) => lastError !== '' || (successTime > 0 && now - successTime > late),
  )
  const silent: string[] = []
  for (const suite of customers.suites) {
    const ticket = await context.settings.get(suiteTicketName(suite))
    if (!ticket || now - ticket.time > TICKET_LIFE) silent.push(suite.customer)
  }
  const reasons = [
    ...(consumer.reason === undefined ? [] : [consumer.reason]),
    ...(troubled.length > 0 ? [`${troubled.length} directories could not be read as they should.`] : []),
    ...(silent.length > 0 ? [`No suite_ticket of ${silent.join(', ')} within half an hour: is the command URL reached?`] : []),
  ]
  return {
    name: 'contact-sync',
    status: consumer.status === 'ok' && reasons.length > 0 ? 'degraded' : consumer.status,
    ...(reasons.length > 0 ? { reason: reasons.join(' ') } : {}),
    details: {
      corps: corps.length,
      troubled: troubled.map(({ customer, corpId, lastError }) => ({ customer, corpId, lastError })),
      withoutTicket: silent,
      changes: consumer.details,
    },
  }
}
