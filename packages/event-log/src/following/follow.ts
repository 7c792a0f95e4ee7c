import { backOff, isRetriable, pause } from '@tributary/runtime'
import { withinFarewell } from '../farewell.ts'
import type { Membership } from './membership.ts'
import { type ReaderContext, readPartition } from './partition-reader.ts'
import { shareOf } from './share.ts'

/** How long a partition rests after its follower threw, in milliseconds. */
const REST = 1_000
/**
 * How long at first until a follower is assigned a partition again that was taken from it while the lease stayed. The swap of a
 * rebuild takes every partition of a projection so; with the rest, and a look at the group a second later, tables stood still
 * for up to four seconds after a rename of ten milliseconds.
 */
const SOON = 10
const LATEST = 100
/** Then others may try. */
const MOST_TRIES = 20

/** `mayHelp`: the partition was taken from the follower, or cannot be given to it yet. */
type Ended = { error: unknown; mayHelp: boolean }
type Reading = { abort(): void; done: Promise<void> }

/**
 * One member of a group: keeps its place there, takes its share of the partitions, reads them, and gives back what
 * others should have. Resolves after `signal` aborted and every partition was revoked.
 */
export async function follow(
  context: ReaderContext,
  membership: Membership,
  lease: number,
  signal: AbortSignal,
): Promise<void> {
  const { logger, topic } = context
  const readings = new Map<number, Reading>()
  let failures = 0
  while (!signal.aborted) {
    try {
      await adjust()
      failures = 0
    } catch (error) {
      failures += 1
      if (failures === 1) logger?.warn({ topic: topic.name, err: error }, 'The group cannot be reached; trying on')
    }
    await pause(failures === 0 ? lease / 10 : backOff(failures, lease / 10, lease), signal)
  }
  await Promise.all([...readings.values()].map(({ done }) => done))
  // A lease that the database does not hear of runs out.
  await withinFarewell(membership.leave())

  async function adjust(): Promise<void> {
    const view = await membership.renew()
    const { take, giveBack } = shareOf(membership.id, view)
    for (const [partition, reading] of readings) {
      const { owner } = view.leases[partition] ?? {}
      if (owner !== membership.id || giveBack.includes(partition)) reading.abort()
    }
    for (const { partition, owner } of view.leases) {
      // Ours without a reading: it ended while the database could not be told.
      const wanted = owner === membership.id || take.includes(partition)
      if (wanted && !readings.has(partition) && (await membership.take(partition, owner))) start(partition)
    }
  }

  function start(partition: number): void {
    const stop = new AbortController()
    const done = read(partition, AbortSignal.any([signal, stop.signal])).finally(() => readings.delete(partition))
    readings.set(partition, { abort: () => stop.abort(), done })
  }

  async function read(partition: number, revoked: AbortSignal): Promise<void> {
    const rest = revoked.aborted ? 0 : await readWhileOurs(partition, revoked)
    await withinFarewell(membership.giveBack(partition, rest))
  }

  /** Reads, and begins anew where that may help and nobody else has the lease. Answers how long the partition should rest. */
  async function readWhileOurs(partition: number, revoked: AbortSignal): Promise<number> {
    for (let attempt = 1; ; attempt += 1) {
      const began = performance.now()
      const ended = await readUntilRevoked(partition, revoked)
      if (ended === undefined) return 0
      if (performance.now() - began > REST) attempt = 1
      if (!ended.mayHelp || attempt > MOST_TRIES) {
        const message = 'A partition is given back because its follower failed'
        logger?.warn({ topic: topic.name, partition, err: ended.error }, message)
        return REST
      }
      await pause(backOff(attempt, SOON, LATEST), revoked)
      if (!(await isStillOurs(partition, revoked))) return 0
    }
  }

  /** A database that does not answer tells nothing; the lease runs out then. */
  async function isStillOurs(partition: number, revoked: AbortSignal): Promise<boolean> {
    return !revoked.aborted && (await membership.isOwner(partition).catch(() => false))
  }

  /** Answers what ended it, and whether beginning anew may help; nothing when it was revoked. */
  async function readUntilRevoked(partition: number, revoked: AbortSignal): Promise<Ended | undefined> {
    const { follower } = context
    const stop = new AbortController()
    const ending = AbortSignal.any([revoked, stop.signal])
    let ended: Ended | undefined
    try {
      await readPartition(context, partition, ending)
    } catch (error) {
      if (!revoked.aborted) ended = { error, mayHelp: follower.lost?.(partition)?.aborted === true || isRetriable(error) }
    }
    stop.abort()
    await follower.revoked(partition).catch((error: unknown) => {
      logger?.warn({ topic: topic.name, partition, err: error }, 'A follower failed while it let a partition go')
    })
    return ended
  }
}
