import type { Database } from '@tributary/database'
import { type EventLog, openEventLog } from '@tributary/event-log'
import type { Configuration, Logger } from '@tributary/runtime'

/** The log that the configuration names; on the same database it shares the pool. */
export function openLog(
  { logUrl, databaseUrl, partitions }: Configuration,
  database: Database,
  logger: Logger,
): Promise<EventLog> {
  // Another MySQL database has all that its log needs; a log that is none keeps event ids and groups beside the cursors.
  const isElsewhere = logUrl !== databaseUrl && /^mysql:/i.test(logUrl)
  return openEventLog({ url: logUrl, partitions, logger, ...(isElsewhere ? {} : { database }) })
}
