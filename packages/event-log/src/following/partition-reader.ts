import { type Logger, pause } from '@tributary/runtime'
import type { Follower, Position, Slice } from '../port.ts'
import { untilPossible } from '../retriable.ts'
import type { TailWatcher } from './tail-watcher.ts'

/** A topic as its followers share it; `id` names it in the tables of the group. */
export type FollowedTopic = { id: number; name: string; partitions: number }

/** What the readers of one follower share. */
export type ReaderContext = {
  topic: FollowedTopic
  /** For each partition the position of its next event. */
  ends(): Promise<Position[]>
  read(partition: number, from: Position, options: { limit: number; maxBytes?: number }): Promise<Slice>
  watcher: TailWatcher
  follower: Follower
  limit: () => number
  maxBytes: number | undefined
  gathering: number | undefined
  logger: Logger | undefined
}

/** The first slice asked for, in events. Each next one may be twice as long as what the last one gave. */
const FIRST_SLICE = 64

/**
 * Milliseconds from one look at the end of a partition to the next. What comes meanwhile shares a slice, and with it a
 * transaction of each follower; whoever waits for an append waits behind those. An event after a pause waits for nothing,
 * and neither does a follower that is behind. 20 were tried: with 2,000 deliveries a second the slowest of a hundred took
 * 93 ms in place of 59, and answers to webhooks were no faster.
 */
const GATHERING = 5

/**
 * Gives a partition's events to the follower, one slice after another, until `signal` aborts. Throws what the follower
 * throws. A database that is away is waited for.
 */
export async function readPartition(context: ReaderContext, partition: number, signal: AbortSignal): Promise<void> {
  const { follower, watcher, maxBytes, gathering = GATHERING } = context
  let from = await follower.assigned(partition, signal)
  const lost = follower.lost?.(partition)
  const ending = lost ? AbortSignal.any([signal, lost]) : signal
  const patience = { topic: context.topic.name, trouble: 'The log cannot be read; trying on', logger: context.logger }
  await untilPossible(() => checkStart(context, partition, from), signal, patience)
  let length = FIRST_SLICE
  let next = 0
  while (!signal.aborted) {
    await watcher.reached(partition, from, ending)
    const rest = next - performance.now()
    // A timer of no length takes a millisecond.
    if (rest > 0) await pause(rest, ending)
    lost?.throwIfAborted()
    const limit = Math.min(context.limit(), length)
    const options = { limit, ...(maxBytes === undefined ? {} : { maxBytes }) }
    const slice = await untilPossible(() => context.read(partition, from, options), signal, patience)
    if (!slice) return
    // A log may give less than was asked for far from its end, too, but hardly as little as this.
    next = slice.events.length < Math.min(limit, FIRST_SLICE) ? performance.now() + gathering : 0
    if (slice.events.length > 0) await follower.batch(partition, slice, Math.max(0, watcher.end(partition) - slice.next))
    from = slice.next
    // The server goes through the whole length, even where the bytes allow only a few large events.
    length = Math.max(FIRST_SLICE, slice.events.length * 2)
  }
}

/** A cursor beyond the end would pass over, in silence, all events up to it. */
async function checkStart({ ends, topic }: ReaderContext, partition: number, from: Position): Promise<void> {
  const end = (await ends())[partition] ?? 0
  if (from <= end) return
  throw new Error(
    `A follower of ${topic.name}/${partition} starts at position ${from}, but the log ends at ${end}. ` +
      'If the log was restored from an older copy than the cursors, restore both or set the cursor back.',
  )
}
