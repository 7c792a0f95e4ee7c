import type { Database } from '@tributary/database'
import { channelName } from '@tributary/events'
import { counter, gauge, observe, type Reading } from '@tributary/runtime'
import { countShipments } from '@tributary/shipping'
import { secondsSince } from './age.ts'
import { callsLeft } from './call-budget.ts'
import { countOrderReads } from './order-read-operations.ts'
import { grantsOfSellers } from './seller-grants.ts'

const received = counter({
  name: 'tributary_orders_received_total',
  help: 'Orders that were appended because they are new or have changed, by what had them read.',
  labels: ['channel', 'origin'],
})
const refreshes = counter({
  name: 'tributary_token_refreshes_total',
  help: 'Refreshes of access tokens, by how they ended: refreshed, ended (the seller must consent again) or failed.',
  labels: ['channel', 'outcome'],
})
const reads = gauge({
  name: 'tributary_order_reads',
  help: 'Orders that are to be read at marketplaces: waiting, parked until a person acts, or dropped.',
  labels: ['state'],
})
const oldestRead = gauge({
  name: 'tributary_order_read_oldest_seconds',
  help: 'How long the order has waited that waits longest to be read.',
})
const shipments = gauge({
  name: 'tributary_shipments',
  help: 'Packages that marketplaces are still to be told of: waiting, or parked until a person acts.',
  labels: ['state'],
})
const oldestShipment = gauge({
  name: 'tributary_shipment_oldest_seconds',
  help: 'How long the package has waited that waits longest to be announced.',
})
const budget = gauge({
  name: 'tributary_channel_calls_left',
  help: "Calls that a marketplace's daily limit leaves to all processes.",
  labels: ['channel', 'operation'],
})
const sellers = gauge({
  name: 'tributary_sellers',
  help: 'Sellers by their grant: standing, ending (within 14 days), or ended, so that the seller must consent again.',
  labels: ['channel', 'grant'],
})

export const countReceived = (channel: number, origin: string, orders: number): void =>
  received.add(orders, { channel: channelName(channel), origin })
export const countRefresh = (channel: number, outcome: 'refreshed' | 'ended' | 'failed'): void =>
  refreshes.add(1, { channel: channelName(channel), outcome })

/** Tells at every scrape what the tables know of order-sync, until the function that it answers is called. */
export function observeOrderSync(database: Database, channels: readonly number[], reminderDays: number): () => void {
  for (const channel of channels)
    for (const outcome of ['refreshed', 'ended', 'failed'] as const)
      refreshes.add(0, { channel: channelName(channel), outcome })
  return observe('order-sync', async () => {
    const now = Date.now()
    const [tasks, packages, grants, left] = await Promise.all([
      countOrderReads(database),
      countShipments(database),
      grantsOfSellers(database, { now, reminderDays }),
      Promise.all(channels.map((channel) => callsLeft(database, channel, now))),
    ])
    return [
      ...(['waiting', 'parked', 'dropped'] as const).map((state) => reads.reading(tasks[state], { state })),
      oldestRead.reading(secondsSince(tasks.oldest, now), {}),
      ...(['waiting', 'parked'] as const).map((state) => shipments.reading(packages[state], { state })),
      oldestShipment.reading(secondsSince(packages.oldest, now), {}),
      ...left
        .flat()
        .map(({ channel, operation, calls }) => budget.reading(calls, { channel: channelName(channel), operation })),
      ...channels.flatMap((channel): Reading[] =>
        (['standing', 'ending', 'ended'] as const).map((grant) =>
          sellers.reading(grants.filter((one) => one.channel === channel && one.grant === grant).length, {
            channel: channelName(channel),
            grant,
          }),
        ),
      ),
    ]
  })
}
