import type { Database } from '@tributary/database'
import type { EventLog } from '@tributary/event-log'
import type { RowIds } from '@tributary/events'
import type { Configuration, Logger } from '@tributary/runtime'
import type { Settings, Vault } from '@tributary/vault'
import type { Patience } from '@tributary/wecom'

/** What contact-sync uses of the platform. */
export type ContactSyncContext = {
  configuration: Pick<Configuration, 'wework' | 'contactSync'>
  database: Database
  log: EventLog
  vault: Vault
  rowIds: RowIds
  logger: Logger
}

/** The same with what every part of it shares. */
export type SyncContext = ContactSyncContext & { settings: Settings; pace: Pace }

/** Who appended an event, as it says. */
export const SOURCE = '/tributary/contact-sync'

/** The consumer that keeps what the log says of each directory. */
export const CONSUMER = 'tributaryContactSync'

/** How long things take, milliseconds. Tests are in a hurry. */
export type Pace = {
  /** Between looks for work when there is none. */
  idle: { shortest: number; longest: number }
  /** How long a claim on a corp holds unless it is renewed. */
  claim: number
  /** After a failure: the first wait and the longest. */
  retry: { shortest: number; longest: number }
  /** How long a reading waits for the consumer to have come to the end of the log. */
  catchUp: number
  api: Partial<Patience>
}

export const PACE: Pace = {
  idle: { shortest: 500, longest: 5_000 },
  claim: 120_000,
  retry: { shortest: 60_000, longest: 3_600_000 },
  catchUp: 60_000,
  api: {},
}
