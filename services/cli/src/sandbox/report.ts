import type { Database } from '@tributary/database'
import { channelName } from '@tributary/events'

/** What the sandbox read back at its end. */
export type Report = {
  orders: number
  channels: Record<string, number>
  rows: { eg_order_order: number; eg_order_order_detail: number; eg_order_order_original: number }
  delivered: number
  seconds: number
}

/** Reads the tables back. `delivered` is what the receivers verified, each event once for each receiver. */
export async function readReport(database: Database, delivered: number, seconds: number): Promise<Report> {
  const byChannel = await database.query<{ channel: number; orders: number }[]>(
    'SELECT channel, COUNT(DISTINCT order_id) AS orders FROM eg_order_order WHERE deleted = 0 GROUP BY channel ORDER BY channel',
  )
  const count = async (table: string) => {
    const [row] = await database.query<{ live: number }[]>('SELECT COUNT(*) AS live FROM ?? WHERE deleted = 0', [table])
    return row?.live ?? 0
  }
  return {
    orders: byChannel.reduce((sum, { orders }) => sum + orders, 0),
    channels: Object.fromEntries(byChannel.map(({ channel, orders }) => [channelName(channel), orders])),
    rows: {
      eg_order_order: await count('eg_order_order'),
      eg_order_order_detail: await count('eg_order_order_detail'),
      eg_order_order_original: await count('eg_order_order_original'),
    },
    delivered,
    seconds: Math.round(seconds * 10) / 10,
  }
}

/** What is missing, in words; empty when everything that was sent has arrived everywhere, once. */
export function whatIsMissing(report: Report, expected: { orders: number; lines: number; deliveries: number }): string[] {
  const compare = (what: string, found: number, wanted: number) =>
    found === wanted ? [] : [`${what}: ${found} instead of ${wanted}`]
  return [
    ...compare('orders', report.orders, expected.orders),
    ...compare('rows in eg_order_order', report.rows.eg_order_order, expected.orders),
    ...compare('rows in eg_order_order_detail', report.rows.eg_order_order_detail, expected.lines),
    ...compare('rows in eg_order_order_original', report.rows.eg_order_order_original, expected.orders),
    ...compare('verified deliveries', report.delivered, expected.deliveries),
  ]
}
