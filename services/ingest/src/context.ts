import type { Channel } from '@tributary/channels'
import type { Database } from '@tributary/database'
import type { EventLog } from '@tributary/event-log'
import type { RowIds } from '@tributary/events'
import type { Configuration, Logger } from '@tributary/runtime'
import type { Vault } from '@tributary/vault'

/** What ingest uses of the platform. */
export type IngestContext = {
  configuration: Pick<Configuration, 'ebay'> & Partial<Pick<Configuration, 'wework' | 'ingest'>>
  database: Database
  log: EventLog
  vault: Vault
  channels: ReadonlyMap<number, Channel>
  rowIds: RowIds
  logger: Logger
  /** The database has not been seen since the start: what comes is kept in the spool, and stays there. */
  withoutDatabase?: boolean
}

/** Who appended an event, as it says. */
export const SOURCE = '/tributary/ingest'
