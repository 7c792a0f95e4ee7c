import { type Database, processIdentity } from '@tributary/database'
import type { Logger } from '@tributary/runtime'
import type { AppendQueue } from './append-queue.ts'
import { createCalls } from './calls.ts'
import { follow } from './following/follow.ts'
import { createMembership } from './following/membership.ts'
import type { FollowedTopic, ReaderContext } from './following/partition-reader.ts'
import { createSharedReading, type JoinedReading } from './following/shared-reading.ts'
import type { TailWatcher } from './following/tail-watcher.ts'
import { checkEvents } from './limits.ts'
import { type EventLog, EventLogError, type Position, type RecordedEvent, type Slice } from './port.ts'
import { untilPossible } from './retriable.ts'

const LEASE = 10_000
const LIMIT = 500

/** What a process keeps for a topic that it uses: one queue and one watcher, so that appends share commits and followers looks. */
export type OpenTopic = {
  topic: FollowedTopic
  queue: AppendQueue
  watcher: TailWatcher
  ends(): Promise<Position[]>
  read(partition: number, from: Position, options: { limit?: number; maxBytes?: number; signal?: AbortSignal }): Promise<Slice>
  /** Called before each following. */
  followed?(): void
  /** Names who is to be told of events that this process has written, consecutive ones of a partition, before the watcher is. */
  tellWritten?(listener: (partition: number, events: readonly RecordedEvent[]) => void): void
  /** Resolves when nothing goes on that an append began. The queue is idle by then. */
  settled?(): Promise<void>
}

/** What one kind of server adds to what all logs have in common. */
export type Driver = {
  name: string
  /** Keeps who follows which partition. */
  database: Database
  lease?: number | undefined
  logger: Logger | undefined
  /** Makes an error of the port of what the server's client threw, and lets others pass. */
  asLogError(thrown: unknown, doing: string): unknown
  findTopic(name: string): Promise<FollowedTopic>
  openTopic(topic: FollowedTopic): OpenTopic
  /** Lets go of the server. Nothing uses it by then. */
  close(): Promise<void>
}

/** A log of topics: its calls, queues, groups and end, the same whatever server stands behind it. */
export function createLogOfTopics(driver: Driver): EventLog {
  const { database, lease = LEASE, logger, asLogError } = driver
  const calls = createCalls(asLogError)
  const opened = new Map<number, FollowedFromHere>()

  async function open(name: string): Promise<FollowedFromHere> {
    const topic = await driver.findTopic(name)
    const found = opened.get(topic.id) ?? withFollowers(driver.openTopic(topic))
    opened.set(topic.id, found)
    return found
  }

  /** Readers know how to wait for errors of the port. */
  async function patiently<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw asLogError(error, doing)
    }
  }

  return {
    driver: driver.name,
    append: (name, events, { signal } = {}) =>
      calls.run('keep events', async () => {
        signal?.throwIfAborted()
        const sizes = checkEvents(events)
        const { queue } = await open(name)
        if (events.length === 0) return []
        const sized = events.map((event, index) => ({ event, bytes: sizes[index] ?? 0 }))
        return await queue.append(sized, signal)
      }),
    read: (name, partition, from, options = {}) =>
      calls.run('be read', async () => {
        const { topic, read } = await open(name)
        checkPartition(topic, partition)
        return await read(partition, from, options)
      }),
    follow: ({ topic: name, group, follower, signal, limit = LIMIT, maxBytes, gathering }) =>
      calls.run('be followed', async () => {
        const ending = AbortSignal.any([signal, calls.closing])
        const trouble = { topic: name, trouble: 'The topic cannot be opened; trying on', logger }
        const found = await untilPossible(() => patiently('be opened', () => open(name)), ending, trouble)
        if (!found) return
        const { topic, watcher } = found
        found.followed?.()
        const joined = found.joinReading()
        const membership = createMembership(database, topic, group, processIdentity(), lease)
        const context: ReaderContext = {
          ...{ topic, watcher, follower, maxBytes, gathering, logger },
          limit: typeof limit === 'function' ? limit : () => limit,
          ends: () => patiently('be read', () => found.ends()),
          // Alone there is nobody to share with, and nothing is kept.
          read: (partition, from, options) =>
            patiently('be read', () => (found.followers > 1 ? joined.read : found.read)(partition, from, options)),
        }
        found.followers += 1
        try {
          await follow(context, membership, lease, ending)
        } finally {
          found.followers -= 1
          joined.leave()
        }
      }),
    partitions: (name) => calls.run('be opened', async () => (await open(name)).topic.partitions),
    ends: (name) => calls.run('be read', async () => await (await open(name)).ends()),
    close: async () => {
      await calls.close()
      for (const { queue, settled } of opened.values()) {
        // A caller that gave up left its append behind.
        await queue.idle()
        await settled?.()
      }
      await driver.close()
    },
  }
}

/** A topic with the readings that its followers in this process share. */
type FollowedFromHere = OpenTopic & { followers: number; joinReading(): JoinedReading }

function withFollowers(open: OpenTopic): FollowedFromHere {
  const { join, add } = createSharedReading(open.read, open.watcher.failedLooks)
  const followed = { ...open, followers: 0, joinReading: join }
  open.tellWritten?.((partition, events) => {
    if (followed.followers > 1) add(partition, events)
  })
  return followed
}

/** Throws EventLogError LOG_PARTITION_UNKNOWN when the topic has no such partition. */
function checkPartition(topic: FollowedTopic, partition: number): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < topic.partitions) return
  const message = `The topic ${topic.name} has partitions 0 to ${topic.partitions - 1}, not ${partition}.`
  throw new EventLogError('LOG_PARTITION_UNKNOWN', message, { retriable: false })
}
