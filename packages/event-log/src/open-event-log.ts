import { openMysqlLog } from './mysql/mysql-log.ts'
import { observedLog } from './observed-log.ts'
import type { EventLogOptions } from './options.ts'
import { type EventLog, EventLogError } from './port.ts'

/** Its own name for itself, and that of its connection strings; `+discover` asks the first host who leads the cluster. */
const EVENTSTOREDB = /^(?:eventstoredb|esdb)(?:\+discover)?$/

/**
 * Opens the log at `url`. A topic is made by its first use. The tables must be there (`tributary migrate`). Nothing is
 * dialled before the first call. Throws EventLogError LOG_URL_INVALID, which never repeats the address: it holds a password.
 */
export async function openEventLog(options: EventLogOptions): Promise<EventLog> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(options.url)?.[1]?.toLowerCase()
  if (scheme === 'mysql') return observedLog(openMysqlLog(options))
  if (scheme === 'kafka') {
    // KafkaJS takes a twentieth of a second to load, and gRPC with its messages a third and 30 MB, which nobody else should pay.
    const { openKafkaLog } = await import('./kafka/kafka-log.ts')
    return observedLog(openKafkaLog(options))
  }
  if (scheme !== undefined && EVENTSTOREDB.test(scheme)) {
    const { openEventStoreDbLog } = await import('./eventstoredb/eventstoredb-log.ts')
    return observedLog(openEventStoreDbLog(options))
  }
  const found = scheme === undefined ? 'has no scheme' : `begins with '${scheme}://'`
  throw new EventLogError(
    'LOG_URL_INVALID',
    `The address of the log ${found}. Known: mysql://user:password@host:port/database, kafka://host:port, eventstoredb://host:port`,
    {
      retriable: false,
    },
  )
}
