import type { Database } from '@tributary/database'
import { type EventLog, readSlices } from '@tributary/event-log'
import { CONTACT_TOPIC, channelName } from '@tributary/events'

const ORDER_TABLES = ['eg_order_order', 'eg_order_order_detail', 'eg_order_order_original'] as const
const CONTACT_TABLES = ['eg_wework_event_member', 'eg_wework_member', 'eg_wework_member_dept', 'eg_wework_department'] as const
type Table = (typeof ORDER_TABLES)[number] | (typeof CONTACT_TABLES)[number]

/** What the sandbox read back at its end. */
export type Report = {
  orders: number
  channels: Record<string, number>
  /** Members whose directory row is there. Only where contacts flow. */
  contacts?: number
  /** Rows that are not deleted. */
  rows: Partial<Record<Table, number>>
  delivered: number
  /** Of the first order of each marketplace: how many the marketplace has, once, and how many receivers heard so. */
  shipments: { confirmed: number; delivered: number }
  seconds: number
}

/** What was sent; `deliveries` are those of orders. */
export type Expected = {
  orders: number
  lines: number
  contacts: number
  deliveries: number
  shipments: Report['shipments']
}

/**
 * Reads tables and log back. `delivered` is what the receivers verified: each order once for each
 * receiver, and each change of a directory. `missing` says
 * in words what did not arrive; it is empty when everything that was sent has arrived everywhere, once.
 */
export async function readReport(
  { database, log }: { database: Database; log: EventLog },
  {
    expected,
    delivered,
    shipments,
    withContacts,
    seconds,
  }: {
    expected: Expected
    delivered: number
    shipments: Report['shipments']
    withContacts: boolean
    seconds: number
  },
): Promise<{ report: Report; missing: string[] }> {
  const byChannel = await database.query<{ channel: number; orders: number }[]>(
    'SELECT channel, COUNT(DISTINCT order_id) AS orders FROM eg_order_order WHERE deleted = 0 GROUP BY channel ORDER BY channel',
  )
  const count = async (table: Table): Promise<[Table, number]> => {
    const [row] = await database.query<{ live: number }[]>('SELECT COUNT(*) AS live FROM ?? WHERE deleted = 0', [table])
    return [table, row?.live ?? 0]
  }
  const tables = [...(expected.orders > 0 || !withContacts ? ORDER_TABLES : []), ...(withContacts ? CONTACT_TABLES : [])]
  const rows: Report['rows'] = Object.fromEntries(await Promise.all(tables.map(count)))
  const report: Report = {
    orders: byChannel.reduce((sum, { orders }) => sum + orders, 0),
    channels: Object.fromEntries(byChannel.map(({ channel, orders }) => [channelName(channel), orders])),
    ...(withContacts ? { contacts: rows.eg_wework_member ?? 0 } : {}),
    rows,
    delivered,
    shipments,
    seconds: Math.round(seconds * 10) / 10,
  }
  const changes = withContacts ? await countContactChanges(log) : 0
  return { report, missing: whatIsMissing(report, { ...expected, deliveries: expected.deliveries + changes }) }
}

function whatIsMissing(report: Report, expected: Expected): string[] {
  const { orders, lines, contacts, deliveries } = expected
  const wanted: [string, number | undefined, number][] = [
    ['orders', report.orders, orders],
    ['rows in eg_order_order', report.rows.eg_order_order, orders],
    ['rows in eg_order_order_detail', report.rows.eg_order_order_detail, lines],
    ['rows in eg_order_order_original', report.rows.eg_order_order_original, orders],
    ['rows in eg_wework_event_member', report.rows.eg_wework_event_member, contacts],
    ['rows in eg_wework_member', report.rows.eg_wework_member, contacts],
    ['rows in eg_wework_member_dept', report.rows.eg_wework_member_dept, contacts],
    ['verified deliveries', report.delivered, deliveries],
    ['confirmed shipments', report.shipments.confirmed, expected.shipments.confirmed],
    ['verified deliveries of shipments', report.shipments.delivered, expected.shipments.delivered],
  ]
  return wanted.flatMap(([what, found, right]) =>
    found === undefined || found === right ? [] : [`${what}: ${found} instead of ${right}`],
  )
}

/** How many changes the log holds, each of which the partner must have been told. */
export async function countContactChanges(log: EventLog): Promise<number> {
  let changes = 0
  for (const [partition, to] of (await log.ends(CONTACT_TOPIC)).entries())
    for await (const { events } of readSlices(log, CONTACT_TOPIC, partition, { to }))
      changes += events.filter(({ event }) => event.type === 'ContactChanged').length
  return changes
}
