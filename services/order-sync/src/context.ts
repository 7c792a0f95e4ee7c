import type { Channel } from '@tributary/channels'
import type { Database } from '@tributary/database'
import type { EventLog } from '@tributary/event-log'
import type { RowIds } from '@tributary/events'
import type { Configuration, Logger } from '@tributary/runtime'
import type { Vault } from '@tributary/vault'

/** What order-sync uses of the platform. */
export type OrderSyncContext = {
  configuration: Pick<Configuration, 'orderSync'>
  database: Database
  log: EventLog
  vault: Vault
  channels: ReadonlyMap<number, Channel>
  rowIds: RowIds
  logger: Logger
}

/** A seller as the marketplace knows it. */
export type SellerName = { channel: number; sellerId: string }

/** An order as the marketplace knows it. */
export type OrderName = SellerName & { orderId: string }

/** Who appended an event, as it says. */
export const SOURCE = '/tributary/order-sync'
