import type { Database } from '@tributary/database'
import type { FollowedTopic } from './following/partition-reader.ts'
import type { EventLogOptions } from './options.ts'
import { EventLogError } from './port.ts'

/** What both Kafka and our tables allow, with the prefix that tells the topic from one of the MySQL log. */
const NAME = /^[A-Za-z0-9._-]{1,90}$/

/** The database beside a log outside it. Throws EventLogError LOG_URL_INVALID when there is none. */
export function databaseFor(server: string, { database }: EventLogOptions): Database {
  if (database) return database
  const message = `A log on ${server} needs the database as well, which keeps its event ids.`
  throw new EventLogError('LOG_URL_INVALID', message, { retriable: false })
}

/** Throws EventLogError LOG_TOPIC_UNKNOWN when no log outside the database can have a topic of this name. */
export function checkOutsideTopicName(name: string): void {
  if (NAME.test(name)) return
  const message = 'A topic needs a name of 1 to 90 letters, digits, dots, hyphens or underscores.'
  throw new EventLogError('LOG_TOPIC_UNKNOWN', message, { retriable: false })
}

/**
 * The topic of a log outside the database, with the number by which the tables of groups and event ids name it. It has as many
 * partitions as it had at first, also when somebody gave it more since: with those, keys would go to other partitions than before,
 * where two at a time would work on one order.
 */
export async function registerOutsideTopic(
  database: Database,
  log: 'kafka' | 'esdb',
  name: string,
  partitions: number,
): Promise<FollowedTopic> {
  const registered = `${log}.${name}`
  await database.query(
    'INSERT INTO tributary_log_topic (name, partitions) VALUES (?, ?) ON DUPLICATE KEY UPDATE name = VALUES(name)',
    [registered, partitions],
  )
  const select = 'SELECT id, partitions FROM tributary_log_topic WHERE name = ?'
  const [row] = await database.query<{ id: number; partitions: number }[]>(select, [registered])
  if (row) return { id: row.id, name, partitions: Math.min(row.partitions, partitions) }
  throw new EventLogError('LOG_TOPIC_UNKNOWN', `The topic ${name} was registered and is not there.`, { retriable: true })
}
