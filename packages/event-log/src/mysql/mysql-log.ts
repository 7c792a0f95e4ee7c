import { type Database, openDatabase, processIdentity } from '@tributary/database'
import { createCalls } from '../calls.ts'
import { follow } from '../following/follow.ts'
import { createMembership } from '../following/membership.ts'
import type { ReaderContext } from '../following/partition-reader.ts'
import { checkEvents } from '../limits.ts'
import type { EventLogOptions } from '../options.ts'
import { type EventLog, EventLogError } from '../port.ts'
import { asLogError } from './failure.ts'
import { createOpenTopics } from './open-topics.ts'
import { readSlice } from './read-slice.ts'
import { checkPartition, createTopics } from './topics.ts'

const LEASE = 10_000
const LIMIT = 500

/** The log as tables of a MySQL or MariaDB server (migration 003). Positions have no gaps. */
export function openMysqlLog({ url, database: shared, partitions, logger, lease = LEASE }: EventLogOptions): EventLog {
  const database = shared ?? openPool(url)
  const topics = createTopics(database, partitions)
  const { open, openWhenPossible, idle } = createOpenTopics(database, topics, logger)
  const calls = createCalls(asLogError)

  return {
    driver: 'mysql',
    append: (topic, events, { signal } = {}) =>
      calls.run('keep events', async () => {
        signal?.throwIfAborted()
        const sizes = checkEvents(events)
        const { queue } = await open(topic)
        if (events.length === 0) return []
        const sized = events.map((event, index) => ({ event, bytes: sizes[index] ?? 0 }))
        return await queue.append(sized, signal)
      }),
    read: (name, partition, from, options = {}) =>
      calls.run('be read', async () => {
        const { topic } = await open(name)
        checkPartition(topic, partition)
        return await readSlice(database, topic, partition, from, options)
      }),
    follow: ({ topic: name, group, follower, signal, limit = LIMIT, maxBytes }) =>
      calls.run('be followed', async () => {
        const ending = AbortSignal.any([signal, calls.closing])
        const found = await openWhenPossible(name, ending)
        if (!found) return
        const { topic, watcher } = found
        const membership = createMembership(database, topic, group, processIdentity(), lease)
        const ends = () => topics.ends(topic)
        const read: ReaderContext['read'] = (partition, from, options) => readSlice(database, topic, partition, from, options)
        await follow({ topic, ends, read, watcher, follower, limit, maxBytes, logger }, membership, lease, ending)
      }),
    partitions: (topic) => calls.run('be opened', async () => (await open(topic)).topic.partitions),
    ends: (topic) => calls.run('be read', async () => await topics.ends((await open(topic)).topic)),
    close: async () => {
      await calls.close()
      // A caller that gave up left its append behind.
      await idle()
      if (!shared) await database.close()
    },
  }
}

function openPool(url: string): Database {
  try {
    return openDatabase(url)
  } catch (error) {
    const { message } = error instanceof Error ? error : new Error(String(error))
    throw new EventLogError('LOG_URL_INVALID', message, { retriable: false, cause: error })
  }
}
