import type { Database } from '@tributary/database'
import { EventLogError, type Position } from '../port.ts'

export type Topic = { id: number; name: string; partitions: number }

/** What both MySQL's column and Kafka allow. */
const NAME = /^[A-Za-z0-9._-]{1,100}$/

export type Topics = {
  /** The topic of this name, made with the configured number of partitions when it is new. Asks the database once. */
  open(name: string): Promise<Topic>
  /** For each partition the position its next event gets. */
  ends(topic: Topic): Promise<Position[]>
}

/** The topics of one database. `partitions` counts only for those that are new. */
export function createTopics(database: Database, partitions: number): Topics {
  const opened = new Map<string, Promise<Topic>>()
  return {
    open(name) {
      const known = opened.get(name)
      if (known) return known
      const topic = openTopic(database, name, partitions)
      opened.set(name, topic)
      topic.catch(() => opened.delete(name))
      return topic
    },
    ends: async (topic) => {
      const rows = await database.query<{ next_position: number }[]>(
        'SELECT next_position FROM tributary_log_partition WHERE topic_id = ? ORDER BY partition_no',
        [topic.id],
      )
      return rows.map((row) => row.next_position)
    },
  }
}

async function openTopic(database: Database, name: string, partitions: number): Promise<Topic> {
  if (!NAME.test(name)) {
    const message = 'A topic needs a name of 1 to 100 letters, digits, dots, hyphens or underscores.'
    throw new EventLogError('LOG_TOPIC_UNKNOWN', message, { retriable: false })
  }
  const existing = await findTopic(database, name)
  if (existing) return existing
  await database.transaction(async (connection) => {
    await connection.query(
      'INSERT INTO tributary_log_topic (name, partitions) VALUES (?, ?) ON DUPLICATE KEY UPDATE name = VALUES(name)',
      [name, partitions],
    )
    // Another process may have made the topic a moment ago, with another number.
    const [topic] = await connection.query<Topic[]>('SELECT id, partitions FROM tributary_log_topic WHERE name = ?', [name])
    const counters = Array.from({ length: topic?.partitions ?? 0 }, (_, partition) => [topic?.id, partition])
    await connection.query(
      `INSERT INTO tributary_log_partition (topic_id, partition_no) VALUES ?
       ON DUPLICATE KEY UPDATE partition_no = VALUES(partition_no)`,
      [counters],
    )
  })
  const made = await findTopic(database, name)
  if (made) return made
  throw new EventLogError('LOG_TOPIC_UNKNOWN', `The topic ${name} was made and is not there.`, { retriable: true })
}

async function findTopic(database: Database, name: string): Promise<Topic | undefined> {
  const [topic] = await database.query<Topic[]>('SELECT id, name, partitions FROM tributary_log_topic WHERE name = ?', [name])
  return topic
}
