import { type Database, openDatabase } from '@tributary/database'
import { createAppendQueue } from '../append-queue.ts'
import { createTailWatcher } from '../following/tail-watcher.ts'
import { createLogOfTopics } from '../log-of-topics.ts'
import type { EventLogOptions } from '../options.ts'
import { type EventLog, EventLogError, type RecordedEvent } from '../port.ts'
import { writeCalls } from './append-calls.ts'
import { asLogError } from './failure.ts'
import { createSliceReader } from './read-slice.ts'
import { createTopics } from './topics.ts'
import type { Written } from './write-batch.ts'

/** The log as tables of a MySQL or MariaDB server (migration 003). Positions have no gaps. */
export function openMysqlLog({ url, database: shared, partitions, logger, lease }: EventLogOptions): EventLog {
  const database = shared ?? openPool(url)
  const topics = createTopics(database, partitions)
  return createLogOfTopics({
    ...{ name: 'mysql', database, lease, logger, asLogError },
    findTopic: topics.open,
    openTopic(topic) {
      const watcher = createTailWatcher(() => topics.ends(topic), logger)
      let tell: (partition: number, events: readonly RecordedEvent[]) => void = () => {}
      const onWritten = ({ ends, added }: Written) => {
        for (const [partition, events] of Map.groupBy(added, (event) => event.partition)) tell(partition, events)
        watcher.advance(ends)
      }
      return {
        ...{ topic, watcher },
        queue: createAppendQueue(topic.name, (calls) => writeCalls({ database, topic, logger, onWritten }, calls)),
        ends: () => topics.ends(topic),
        tellWritten: (listener) => {
          tell = listener
        },
        read: createSliceReader(database, topic),
      }
    },
    close: async () => {
      if (!shared) await database.close()
    },
  })
}

function openPool(url: string): Database {
  try {
    return openDatabase(url)
  } catch (error) {
    const { message } = error instanceof Error ? error : new Error(String(error))
    throw new EventLogError('LOG_URL_INVALID', message, { retriable: false, cause: error })
  }
}
