import type { EventLog } from '@tributary/event-log'
import { encodeEvent, ORDER_TOPIC, type Topic } from '@tributary/events'
import { type Logger, Problem } from '@tributary/runtime'
import { appendInParts } from './append-in-parts.ts'
import type { Reception } from './reception.ts'
import type { Spool } from './spool/spool.ts'
import { within } from './within.ts'
import type { Append, Work } from './work.ts'

/** What a sender waits for and understands, and where what it says goes. */
export type Keeping = {
  topic: Topic
  /** Milliseconds in which an answer must be out, unless `keep` says otherwise. What is kept later all the same does no harm. */
  deadline: number
  /** The answer that makes it send again. */
  notKept: 500 | 503
}

/** Marketplaces give up after three seconds, so an answer must be out before. */
const OF_MARKETPLACES: Keeping = { topic: ORDER_TOPIC, deadline: 2_500, notKept: 503 }
const RETRY_AFTER_SECONDS = '30'
/** The log's part of the deadline where a spool stands behind it, which must get its own. */
const SHARE_OF_LOG = 0.6

/** `kept` where it belongs, with what the work answered, or in the spool on the way there. */
export type Kept<T> = { place: 'log'; answer: T } | { place: 'spool' }

export type Keeper<R extends Reception, T> = {
  /** Keeps what was received; when that fails or takes too long, throws a Problem that makes the sender try again. */
  keep(reception: R, deadline?: number): Promise<Kept<T>>
  figures(): KeeperFigures
  /** Refuses new work and resolves when what is in hand is kept or failed. */
  stop(): Promise<void>
}

/** `spooled` of those that were kept went to the spool. */
export type KeeperFigures = {
  kept: number
  spooled: number
  failed: number
  lastKeptTime: number | null
  lastFailedTime: number | null
}

/** What a keeper keeps with: without a spool, what the log does not take is not kept. */
export type KeepingWith<R extends Reception, T> = {
  log: EventLog
  spool: Spool | undefined
  logger: Logger
  kinds: readonly R['kind'][]
  work: Work<R, T>
}

/** The one way into the log: nothing is acknowledged that did not come out of `keep`. */
export function createKeeper<R extends Reception, T>(
  { log, spool, logger, kinds, work }: KeepingWith<R, T>,
  { topic, deadline: usual, notKept: status }: Keeping = OF_MARKETPLACES,
): Keeper<R, T> {
  const figures: KeeperFigures = { kept: 0, spooled: 0, failed: 0, lastKeptTime: null, lastFailedTime: null }
  const inHand = new Set<Promise<unknown>>()
  let stopping = false
  for (const kind of kinds) spool?.drains(kind, topic, work)

  const atOnce = async (reception: R, milliseconds: number): Promise<Kept<T>> => ({
    place: 'log',
    answer: await within(milliseconds, (signal) => work(reception, appendTo(log, topic, signal))),
  })

  async function atOnceOrSpooled(reception: R, behind: Spool, deadline: number): Promise<Kept<T>> {
    if (behind.isEmpty()) {
      try {
        return await atOnce(reception, deadline * SHARE_OF_LOG)
      } catch (error) {
        logger.warn({ err: error, kind: reception.kind }, 'what was received goes to the spool')
      }
    }
    await behind.put(reception)
    figures.spooled += 1
    return { place: 'spool' }
  }

  async function attempt(reception: R, deadline: number): Promise<Kept<T>> {
    try {
      const kept = await (spool ? atOnceOrSpooled(reception, spool, deadline) : atOnce(reception, deadline))
      figures.kept += 1
      figures.lastKeptTime = Date.now()
      return kept
    } catch (error) {
      figures.failed += 1
      figures.lastFailedTime = Date.now()
      throw notKept(status, 'It could not be kept just now. Send it again later.', error)
    }
  }

  return {
    async keep(reception, deadline = usual) {
      if (stopping) throw notKept(status, 'This process is stopping. Send it again.')
      const running = attempt(reception, deadline)
      inHand.add(running)
      try {
        return await running
      } finally {
        inHand.delete(running)
      }
    },
    figures: () => ({ ...figures }),
    async stop() {
      stopping = true
      await Promise.allSettled(inHand)
    },
  }
}

const appendTo =
  (log: EventLog, topic: Topic, signal: AbortSignal): Append =>
  (events) =>
    appendInParts(log, topic, events.map(encodeEvent), (append) => append(signal))

const notKept = (status: number, detail: string, cause?: unknown): Problem =>
  new Problem(status, 'NOT_KEPT', detail, { headers: { 'Retry-After': RETRY_AFTER_SECONDS }, cause })
