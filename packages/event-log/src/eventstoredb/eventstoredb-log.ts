import { type Database, processIdentity } from '@tributary/database'
import { type AppendQueue, createAppendQueue } from '../append-queue.ts'
import { createCalls } from '../calls.ts'
import { createClaims } from '../event-ids.ts'
import { follow } from '../following/follow.ts'
import { createMembership } from '../following/membership.ts'
import type { FollowedTopic, ReaderContext } from '../following/partition-reader.ts'
import { createTailWatcher, type TailWatcher } from '../following/tail-watcher.ts'
import { checkEvents } from '../limits.ts'
import { checkPartition } from '../mysql/topics.ts'
import type { EventLogOptions } from '../options.ts'
import { type EventLog, EventLogError } from '../port.ts'
import { untilPossible } from '../retriable.ts'
import { createConnection } from './connection.ts'
import { asLogError } from './failure.ts'
import { createKeyStreams } from './key-streams.ts'
import { linkIdOf, partitionStream } from './messages.ts'
import { createPartitionStreams } from './partition-streams.ts'
import { readSlice } from './reader.ts'
import { findRevisions } from './streams.ts'
import { createTail, type Tail } from './tail.ts'
import { createTopics } from './topics.ts'
import { parseEventStoreDbUrl } from './url.ts'
import { writeCalls } from './writer.ts'

const LEASE = 10_000
const LIMIT = 500
/** Milliseconds between looks at the ends: the subscription tells of new events, a look only whether it still does. */
const LOOK = 1_000

type OpenTopic = { topic: FollowedTopic; queue: AppendQueue; watcher: TailWatcher; tail: Tail }

/**
 * The log on EventStoreDB. Events stand in a stream for each key; the stream of a partition holds links to them, whose revisions
 * are the positions, without gaps. Event ids and the sharing of partitions stand in `database`, beside the cursors
 * (docs/eventstoredb.md).
 */
export function openEventStoreDbLog(options: EventLogOptions): EventLog {
  const { url, partitions, logger, lease = LEASE } = options
  const address = parseEventStoreDbUrl(url)
  if (!options.database)
    throw new EventLogError('LOG_URL_INVALID', 'A log on EventStoreDB needs the database as well, which keeps its event ids.', {
      retriable: false,
    })
  const database: Database = options.database
  const connection = createConnection(address)
  const topics = createTopics(connection, database, partitions)
  const calls = createCalls(asLogError)
  const opened = new Map<number, OpenTopic>()

  async function open(name: string): Promise<OpenTopic> {
    const topic = await topics.open(name)
    const known = opened.get(topic.id)
    if (known) return known
    const watcher = createTailWatcher(() => endsOf(topic), logger, LOOK)
    const onEnd = (partition: number, end: number) => watcher.advance([[partition, end]])
    const tail = createTail({ connection, topic, onEnd, logger })
    const claims = createClaims(database, topic, async (partition, ids, since) => {
      const idOf = new Map(ids.map((id) => [linkIdOf(id), id]))
      const links = await findRevisions(connection, partitionStream(name, partition), [...idOf.keys()], since)
      return new Map([...links].map(([link, position]) => [idOf.get(link) ?? link, position]))
    })
    const context = {
      ...{ topic, claims, logger, onWritten: watcher.advance },
      keys: createKeyStreams(connection, name),
      partitions: createPartitionStreams(connection, name),
    }
    const queue = createAppendQueue(name, (batch) => writeCalls(context, batch))
    const made = { topic, queue, watcher, tail }
    opened.set(topic.id, made)
    return made
  }

  /** Where partitions end, which readers that wait and the subscription hear of. */
  async function endsOf(topic: FollowedTopic) {
    const ends = await topics.ends(topic)
    const known = opened.get(topic.id)
    known?.watcher.advance(ends.entries())
    known?.tail.compare(ends)
    return ends
  }

  return {
    driver: 'eventstoredb',
    append: (name, events, { signal } = {}) =>
      calls.run('keep events', async () => {
        signal?.throwIfAborted()
        const sizes = checkEvents(events)
        const { queue } = await open(name)
        if (events.length === 0) return []
        return await queue.append(
          events.map((event, index) => ({ event, bytes: sizes[index] ?? 0 })),
          signal,
        )
      }),
    read: (name, partition, from, readOptions = {}) =>
      calls.run('be read', async () => {
        const { topic } = await open(name)
        checkPartition(topic, partition)
        return await readSlice(connection, name, partition, from, readOptions)
      }),
    follow: ({ topic: name, group, follower, signal, limit = LIMIT, maxBytes }) =>
      calls.run('be followed', async () => {
        const ending = AbortSignal.any([signal, calls.closing])
        const trouble = 'The topic cannot be opened; trying on'
        const found = await untilPossible(() => patiently('be opened', () => open(name)), ending, {
          topic: name,
          trouble,
          logger,
        })
        if (!found) return
        const { topic, watcher, tail } = found
        tail.start()
        const membership = createMembership(database, topic, group, processIdentity(), lease)
        const context: ReaderContext = {
          ...{ topic, watcher, follower, limit, maxBytes, logger },
          ends: () => patiently('be read', () => endsOf(topic)),
          read: (partition, from, slice) => patiently('be read', () => readSlice(connection, name, partition, from, slice)),
        }
        await follow(context, membership, lease, ending)
      }),
    partitions: (name) => calls.run('be opened', async () => (await open(name)).topic.partitions),
    ends: (name) => calls.run('be read', async () => await endsOf((await open(name)).topic)),
    close: async () => {
      await calls.close()
      for (const { queue, tail } of opened.values()) {
        // A caller that gave up left its append behind.
        await queue.idle()
        await tail.stop()
      }
      await connection.close()
    },
  }
}

/** Errors of the client as those of the port, which readers know how to wait for. */
async function patiently<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asLogError(error, doing)
  }
}
