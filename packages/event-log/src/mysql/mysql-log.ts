import { openDatabase, processIdentity } from '@tributary/database'
import { backOff, pause } from '@tributary/runtime'
import { checkEvents } from '../limits.ts'
import type { EventLogOptions } from '../open-event-log.ts'
import { type EventLog, EventLogError } from '../port.ts'
import { type AppendQueue, createAppendQueue } from './append-queue.ts'
import { asLogError, isRetriable } from './failure.ts'
import { follow } from './follow.ts'
import { createMembership } from './membership.ts'
import { readSlice } from './read-slice.ts'
import { createTailWatcher, type TailWatcher } from './tail-watcher.ts'
import { checkPartition, createTopics, type Topic } from './topics.ts'

const LEASE = 10_000
const LIMIT = 500

/** What a process keeps for each topic that it uses. */
type OpenTopic = { topic: Topic; queue: AppendQueue; watcher: TailWatcher }

/** The log as tables of a MySQL or MariaDB server (migration 003). Positions have no gaps. */
export function openMysqlLog({ url, database: shared, partitions, logger, lease = LEASE }: EventLogOptions): EventLog {
  const database = shared ?? openDatabase(url)
  const topics = createTopics(database, partitions)
  const opened = new Map<number, OpenTopic>()
  const inHand = new Set<Promise<unknown>>()
  const closing = new AbortController()

  async function open(name: string): Promise<OpenTopic> {
    if (closing.signal.aborted) throw new EventLogError('LOG_CLOSED', 'The log has been closed.', { retriable: false })
    const topic = await topics.open(name)
    const known = opened.get(topic.id)
    if (known) return known
    const watcher = createTailWatcher(() => topics.ends(topic), logger)
    const queue = createAppendQueue({ database, topic, logger, onWritten: ({ ends }) => watcher.advance(ends) })
    const made = { topic, queue, watcher }
    opened.set(topic.id, made)
    return made
  }

  async function openWhenPossible(name: string, signal: AbortSignal): Promise<OpenTopic | undefined> {
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        return await open(name)
      } catch (error) {
        if (!isRetriable(error)) throw error
        if (attempt === 1) logger?.warn({ topic: name, err: error }, 'The topic cannot be opened; trying on')
        await pause(backOff(attempt, 100, 5_000), signal)
      }
    }
    return undefined
  }

  async function during<T>(doing: string, work: () => Promise<T>): Promise<T> {
    const running = work()
    inHand.add(running)
    try {
      return await running
    } catch (error) {
      throw asLogError(error, doing)
    } finally {
      inHand.delete(running)
    }
  }

  return {
    driver: 'mysql',
    append: (name, events, { signal } = {}) =>
      during('keep events', async () => {
        signal?.throwIfAborted()
        const sizes = checkEvents(events)
        const { queue } = await open(name)
        signal?.throwIfAborted()
        if (events.length === 0) return []
        return await queue.append(
          events.map((event, index) => ({ event, bytes: sizes[index] ?? 0 })),
          signal,
        )
      }),
    read: (name, partition, from, options = {}) =>
      during('be read', async () => {
        const { topic } = await open(name)
        checkPartition(topic, partition)
        return await readSlice(database, topic, partition, from, options)
      }),
    follow: ({ topic: name, group, follower, signal, limit = LIMIT, maxBytes }) =>
      during('be followed', async () => {
        const ending = AbortSignal.any([signal, closing.signal])
        const found = await openWhenPossible(name, ending)
        if (!found) return
        const { topic, watcher } = found
        const membership = createMembership(database, topic, group, processIdentity(), lease)
        await follow({ database, topics, topic, watcher, follower, limit, maxBytes, logger }, membership, lease, ending)
      }),
    partitions: (name) => during('be opened', async () => (await open(name)).topic.partitions),
    ends: (name) => during('be read', async () => await topics.ends((await open(name)).topic)),
    close: async () => {
      closing.abort()
      await Promise.allSettled([...inHand])
      if (!shared) await database.close()
    },
  }
}
