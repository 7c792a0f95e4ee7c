import { type Database, processIdentity } from '@tributary/database'
import { type AppendQueue, createAppendQueue } from '../append-queue.ts'
import { createCalls } from '../calls.ts'
import { type Claims, createClaims } from '../event-ids.ts'
import { follow } from '../following/follow.ts'
import { createMembership } from '../following/membership.ts'
import type { FollowedTopic, ReaderContext } from '../following/partition-reader.ts'
import { createTailWatcher, type TailWatcher } from '../following/tail-watcher.ts'
import { checkEvents } from '../limits.ts'
import type { EventLogOptions } from '../options.ts'
import { type EventLog, EventLogError, type Position } from '../port.ts'
import { untilPossible } from '../retriable.ts'
import { asLogError, type Cluster, createCluster, createKafka } from './client.ts'
import { createReader } from './reader.ts'
import { createSockets } from './sockets.ts'
import { createTopics } from './topics.ts'
import { parseKafkaUrl } from './url.ts'
import { createSender, type Sender, writeCalls } from './writer.ts'

const LEASE = 10_000
const LIMIT = 500

type OpenTopic = { topic: FollowedTopic; queue: AppendQueue; watcher: TailWatcher; claims: Claims }

/**
 * The log on Apache Kafka, or what speaks its protocol. Positions are offsets and may have gaps. Event ids and the sharing
 * of partitions stand in `database`, beside the cursors: a group of Kafka would move every partition whenever a member
 * comes or goes, and its offsets are not what we go by (docs/kafka.md).
 */
export function openKafkaLog(options: EventLogOptions): EventLog {
  const { url, partitions, logger, lease = LEASE } = options
  const address = parseKafkaUrl(url)
  if (!options.database)
    throw new EventLogError('LOG_URL_INVALID', 'A log on Kafka needs the database as well, which keeps its event ids.', {
      retriable: false,
    })
  const database: Database = options.database
  const sockets = createSockets()
  const kafka = createKafka(address, logger, sockets.open)
  const cluster = createCluster(kafka)
  const topics = createTopics({ kafka, cluster, database, partitions, replication: address.replication, logger })
  const sender = createSender(kafka, address.compression)
  const { read } = createReader(cluster)
  const opened = new Map<number, OpenTopic>()
  const calls = createCalls(asLogError)

  async function open(name: string): Promise<OpenTopic> {
    const topic = await topics.open(name)
    const known = opened.get(topic.id)
    if (known) return known
    const watcher = createTailWatcher(() => topics.ends(name, topic.partitions), logger)
    const claims = claimsOf({ database, cluster, topic, read })
    const queue = createAppendQueue(name, (batch) =>
      writeCalls({ topic, sender, claims, logger, onWritten: watcher.advance }, batch),
    )
    const made = { topic, queue, watcher, claims }
    opened.set(topic.id, made)
    return made
  }

  return {
    driver: 'kafka',
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
    read: (name, partition, from, options = {}) =>
      calls.run('be read', async () => {
        const { topic } = await open(name)
        if (!Number.isInteger(partition) || partition < 0 || partition >= topic.partitions)
          throw new EventLogError(
            'LOG_PARTITION_UNKNOWN',
            `The topic ${name} has partitions 0 to ${topic.partitions - 1}, not ${partition}.`,
            { retriable: false },
          )
        return await read(name, partition, from, options)
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
        const { topic, watcher } = found
        const membership = createMembership(database, topic, group, processIdentity(), lease)
        const context: ReaderContext = {
          ...{ topic, watcher, follower, limit, maxBytes, logger },
          ends: () => patiently('be read', () => topics.ends(name, topic.partitions)),
          read: (partition, from, options) => patiently('be read', () => read(name, partition, from, options)),
        }
        await follow(context, membership, lease, ending)
      }),
    partitions: (name) => calls.run('be opened', async () => (await open(name)).topic.partitions),
    ends: (name) =>
      calls.run('be read', async () => {
        const { topic } = await open(name)
        return await topics.ends(name, topic.partitions)
      }),
    close: async () => {
      await calls.close()
      for (const { queue, claims } of opened.values()) {
        await queue.idle()
        await claims.recorded()
      }
      await closeAll(sender, cluster)
      sockets.destroyAll()
    },
  }
}

/** Errors of kafkajs as those of the port, which readers know how to wait for. */
async function patiently<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asLogError(error, doing)
  }
}

async function closeAll(sender: Sender, cluster: Cluster): Promise<void> {
  await sender.close()
  await cluster.disconnect().catch(() => {})
}

function claimsOf({
  database,
  cluster,
  topic,
  read,
}: {
  database: Database
  cluster: Cluster
  topic: FollowedTopic
  read: ReturnType<typeof createReader>['read']
}): Claims {
  return createClaims(database, topic, async (partition, ids, since) => {
    const places = new Map<string, Position>()
    const sought = new Set(ids)
    const [found] = await cluster.fetchTopicsOffset([
      { topic: topic.name, partitions: [{ partition }], fromTimestamp: Math.max(0, since) },
    ])
    // -1: nothing was taken since then.
    const start = Number(found?.partitions[0]?.offset ?? -1)
    for (let position: Position = start; position >= 0 && places.size < sought.size; ) {
      const slice = await read(topic.name, partition, position)
      for (const { event, position: place } of slice.events) if (sought.has(event.id)) places.set(event.id, place)
      if (slice.next === position) break
      position = slice.next
    }
    return places
  })
}
