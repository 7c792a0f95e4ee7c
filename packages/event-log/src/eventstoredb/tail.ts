import { type Position as CommitPosition, END, streamNameFilter } from '@eventstore/db-client'
import { backOff, type Logger, pause } from '@tributary/runtime'
import type { FollowedTopic } from '../following/partition-reader.ts'
import type { Position } from '../port.ts'
import type { Connection } from './connection.ts'
import { asLogError } from './failure.ts'
import { partitionPrefix } from './messages.ts'

export type Tail = {
  /** Begins to listen, unless it does already. */
  start(): void
  /** Where partitions really end. A subscription that is behind these and tells nothing for `STALLED` is left for a new one. */
  compare(ends: readonly Position[]): void
  stop(): Promise<void>
}

/** How long a subscription may tell nothing while the log has gone on, milliseconds. */
const STALLED = 2_000

/**
 * One subscription to `$all` a topic and process, filtered by the server to the links of the topic's partitions: it tells
 * where they end now, and readers read. A subscription of the client never comes back by itself, so one that ends is followed
 * by another from the last link that was seen, with a back-off; and one that stands still is noticed by progress, not by its
 * connection. Whatever becomes of it, readers miss nothing: they go by positions, and look by themselves once a second.
 */
export function createTail(options: {
  connection: Connection
  topic: FollowedTopic
  onEnd(partition: number, end: Position): void
  logger: Logger | undefined
}): Tail {
  const { connection, topic, onEnd, logger } = options
  const stopping = new AbortController()
  const prefix = partitionPrefix(topic.name)
  let listening: Promise<void> | undefined
  let last: CommitPosition | undefined
  let current: { told: Map<number, Position>; behindSince: number | undefined; fail(error: unknown): void } | undefined

  async function listen(): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted; ) {
      const before = performance.now()
      const error = await listenOnce()
      if (stopping.signal.aborted) return
      failures = performance.now() - before > STALLED ? 1 : failures + 1
      if (failures === 1)
        logger?.warn({ topic: topic.name, err: error }, 'The subscription to the log ended; subscribing again')
      await pause(backOff(failures, 100, 5_000), stopping.signal)
    }
  }

  /** Answers why it ended. */
  async function listenOnce(): Promise<unknown> {
    const ended = Promise.withResolvers<unknown>()
    const filter = streamNameFilter({ prefixes: [prefix], checkpointInterval: 1_000 })
    const subscription = connection.subscribe((client) => client.subscribeToAll({ fromPosition: last ?? END, filter }))
    const own: typeof current = { told: new Map(), behindSince: undefined, fail: ended.resolve }
    subscription.on('confirmation', () => {
      current = own
    })
    subscription.on('data', ({ event: link }) => {
      if (!link) return
      const partition = Number(link.streamId.slice(prefix.length))
      last = link.position
      own.behindSince = undefined
      own.told.set(partition, Number(link.revision) + 1)
      onEnd(partition, Number(link.revision) + 1)
    })
    subscription.on('error', (error) => ended.resolve(asLogError(error, 'be followed')))
    subscription.on('end', () => ended.resolve(undefined))
    const stop = () => ended.resolve(undefined)
    stopping.signal.addEventListener('abort', stop)
    if (stopping.signal.aborted) stop()
    const error = await ended.promise
    stopping.signal.removeEventListener('abort', stop)
    current = undefined
    await subscription.unsubscribe().catch(() => {})
    return error
  }

  return {
    start() {
      listening ??= listen()
    },
    compare(ends) {
      if (!current) return
      const { told, behindSince, fail } = current
      // Before it has told of a partition it owes only what comes after this look.
      for (const [partition, end] of ends.entries()) if (!told.has(partition)) told.set(partition, end)
      const isBehind = ends.some((end, partition) => (told.get(partition) ?? 0) < end)
      current.behindSince = isBehind ? (behindSince ?? performance.now()) : undefined
      if (isBehind && behindSince !== undefined && performance.now() - behindSince > STALLED)
        fail(new Error('The subscription tells nothing, and the log has gone on.'))
    },
    async stop() {
      stopping.abort()
      await listening
    },
  }
}
