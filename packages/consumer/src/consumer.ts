import { hostname } from 'node:os'
import type { Database } from '@tributary/database'
import type { EventLog, Follower } from '@tributary/event-log'
import { backOff, type HealthReport, type Logger, pause } from '@tributary/runtime'
import { type Admission, createAdmission } from './admission.ts'
import { summarize } from './blame.ts'
import { readEpochs } from './cursor.ts'
import { batchSizeOf, type ConsumerDefinition } from './definition.ts'
import { type ConsumerFigures, readFigures } from './figures.ts'
import { judge, judgeUnreadable } from './health.ts'
import type { Shared } from './loop.ts'
import { observeFigures } from './observe-figures.ts'
import { type Partition, takePartition } from './partition.ts'
import { newCounts } from './progress.ts'

export type RunningConsumer = {
  /** How far it is and how it does. Throws EventLogError or DatabaseError when that cannot be read. */
  figures(): Promise<ConsumerFigures>
  /** See `judge`. Never throws. */
  health(): Promise<HealthReport>
  /** Finishes the transaction in hand, starts no other, leaves the group. Callable twice. */
  stop(): Promise<void>
}

/** How often partitions look for what is due apart from batches, milliseconds. */
const TICK = 500
/** A partition lost to a fence is normally revoked at once; the group is joined anew when it is not, milliseconds. */
const LOST_TOO_LONG = 10_000
const LONGEST_PAUSE = 10_000
/** How often a member looks whether its partitions are its own, where others move the cursors, milliseconds. */
const WATCH = 1_000

/**
 * Runs a consumer in this process until `stop`: joins its group, and for every partition it is given applies the events
 * from the cursor on, each exactly once. Never gives up: what goes wrong shows in `health`, and is waited out or parked.
 * `now` is for tests of health.
 */
export function startConsumer<Prepared>(options: {
  definition: ConsumerDefinition<Prepared>
  database: Database
  log: EventLog
  logger: Logger
  now?: () => number
}): RunningConsumer {
  const { definition, database, log, logger, now = Date.now } = options
  const shared: Shared<Prepared> = { definition, database, log, logger, now, counts: newCounts() }
  const partitions = new Map<number, Partition>()
  const stopping = new AbortController()
  const admission = createAdmission(shared)
  const group = keepFollowing(shared, partitions, admission, stopping.signal)
  const ticking = setInterval(() => {
    for (const partition of partitions.values()) partition.tick()
    group.rejoinWhenLost()
  }, TICK)
  const watching = definition.isMovedByOthers ? setInterval(() => void watch(shared, partitions), WATCH) : undefined
  const figures = () => readFigures(shared, partitions)
  const forget = observeFigures(definition, figures)
  return {
    figures,
    health: healthOf(shared, partitions, admission),
    stop: async () => {
      forget()
      clearInterval(ticking)
      clearInterval(watching)
      stopping.abort(new Error('The consumer stops.'))
      await group.left
    },
  }
}

/** Stays in the group until `signal` aborts, joining again whenever following ends. `left` never rejects. */
function keepFollowing<P>(shared: Shared<P>, partitions: Map<number, Partition>, admission: Admission, signal: AbortSignal) {
  const { definition, log, logger, now } = shared
  const { topic, group } = definition
  const { batchBytes: maxBytes, gathering } = definition
  const limits = {
    limit: () => Math.min(batchSizeOf(definition), definition.sliceSize?.() ?? Number.POSITIVE_INFINITY),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(gathering === undefined ? {} : { gathering }),
  }
  let joined = new AbortController()
  let lostSince: number | undefined
  const leaveWhenRefused = (): Promise<void> =>
    admission.pass().catch((error: unknown) => {
      if (admission.refusal()) joined.abort(error)
    })

  const follow = async (): Promise<void> => {
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      joined = new AbortController()
      const since = now()
      try {
        await admission.pass()
        const follower = followerOf(shared, partitions, leaveWhenRefused)
        await log.follow({ topic, group, follower, ...limits, signal: AbortSignal.any([signal, joined.signal]) })
      } catch (error) {
        const { code, message } = summarize(error)
        if (!admission.refusal())
          logger.warn({ consumer: definition.name, code }, `following ended and begins again: ${message}`)
      }
      if (now() - since > LONGEST_PAUSE) attempt = 1
      if (!signal.aborted) await pause(backOff(attempt, 100, LONGEST_PAUSE), signal)
    }
  }
  return {
    left: follow(),
    /** Two members that took a partition from each other at once can both have lost it; a new start settles that. */
    rejoinWhenLost: (): void => {
      const isLost = [...partitions.values()].some((partition) => partition.isLost())
      lostSince = isLost ? (lostSince ?? now()) : undefined
      if (lostSince === undefined || now() - lostSince < LOST_TOO_LONG) return
      lostSince = undefined
      joined.abort(new Error('A lost partition was not revoked.'))
    },
  }
}

/** Gives up partitions that another has taken meanwhile. Never throws: a database that is away shows everywhere else. */
async function watch<P>({ definition, database }: Shared<P>, partitions: ReadonlyMap<number, Partition>): Promise<void> {
  if (partitions.size === 0) return
  const epochs = await readEpochs(database, definition.name, definition.topic).catch(() => new Map<number, number>())
  for (const [number, partition] of partitions) partition.notice(epochs.get(number) ?? 0)
}

function followerOf<P>(shared: Shared<P>, partitions: Map<number, Partition>, leaveWhenRefused: () => Promise<void>): Follower {
  const owner = `${hostname().slice(0, 60)}/${process.pid}`
  const drop = async (number: number): Promise<void> => {
    await partitions.get(number)?.end()
    partitions.delete(number)
  }
  return {
    assigned: async (number, signal) => {
      // One partition is never in two loops of this process, whatever the log does.
      await drop(number)
      const partition = await takePartition(shared, number, { owner, signal }).catch(async (error: unknown) => {
        await leaveWhenRefused()
        throw error
      })
      partitions.set(number, partition)
      return partition.start
    },
    batch: async (number, slice, left) => {
      const partition = partitions.get(number)
      if (!partition) throw new TypeError(`A slice of partition ${number} came without an assignment.`)
      await partition.batch(slice, left)
    },
    lost: (number) => partitions.get(number)?.lost,
    revoked: drop,
  }
}

function healthOf<P>(
  shared: Shared<P>,
  partitions: ReadonlyMap<number, Partition>,
  admission: Admission,
): () => Promise<HealthReport> {
  const { definition, now } = shared
  let unreadableSince: number | undefined
  return async () => {
    try {
      const report = judge(definition.name, await readFigures(shared, partitions), admission.refusal())
      unreadableSince = undefined
      return report
    } catch (error) {
      unreadableSince ??= now()
      return judgeUnreadable(definition.name, summarize(error).code, Math.round((now() - unreadableSince) / 1000))
    }
  }
}
