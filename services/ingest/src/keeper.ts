import type { EventLog } from '@tributary/event-log'
import { type Event, encodeEvent, ORDER_TOPIC, type Topic } from '@tributary/events'
import { Problem } from '@tributary/runtime'
import { within } from './within.ts'

/** What a sender waits for and understands, and where what it says goes. */
export type Keeping = {
  topic: Topic
  /** Milliseconds in which an answer must be out. What is kept later all the same does no harm. */
  deadline: number
  /** The answer that makes it send again. */
  notKept: 500 | 503
}

/** Marketplaces give up after three seconds, so an answer must be out before. */
const OF_MARKETPLACES: Keeping = { topic: ORDER_TOPIC, deadline: 2_500, notKept: 503 }
const RETRY_AFTER_SECONDS = '30'
/** A deletion may touch thousands of orders; a log refuses batches that are too large. */
const APPEND_AT_MOST = 500

export type Keeper = {
  /** Runs `work`, which keeps what was received; when it fails or takes too long, throws a Problem that makes the sender try again. */
  keep<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>
  /** Appends the events to the keeper's topic, in their order. */
  append(events: readonly Event[], signal: AbortSignal): Promise<void>
  figures(): KeeperFigures
  /** Refuses new work and resolves when what is in hand is kept or failed. */
  stop(): Promise<void>
}

export type KeeperFigures = { kept: number; failed: number; lastKeptTime: number | null; lastFailedTime: number | null }

/** The one way into the log: nothing is acknowledged that did not come out of `keep`. */
export function createKeeper(log: EventLog, { topic, deadline, notKept: status }: Keeping = OF_MARKETPLACES): Keeper {
  const figures: KeeperFigures = { kept: 0, failed: 0, lastKeptTime: null, lastFailedTime: null }
  const inHand = new Set<Promise<unknown>>()
  let stopping = false

  async function attempt<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      const result = await within(deadline, work)
      figures.kept += 1
      figures.lastKeptTime = Date.now()
      return result
    } catch (error) {
      figures.failed += 1
      figures.lastFailedTime = Date.now()
      throw notKept(status, 'It could not be kept just now. Send it again later.', error)
    }
  }

  return {
    async keep(work) {
      if (stopping) throw notKept(status, 'This process is stopping. Send it again.')
      const running = attempt(work)
      inHand.add(running)
      try {
        return await running
      } finally {
        inHand.delete(running)
      }
    },
    async append(events, signal) {
      for (let from = 0; from < events.length; from += APPEND_AT_MOST) {
        const stored = events.slice(from, from + APPEND_AT_MOST).map(encodeEvent)
        await log.append(topic, stored, { signal })
      }
    },
    figures: () => ({ ...figures }),
    async stop() {
      stopping = true
      await Promise.allSettled(inHand)
    },
  }
}

const notKept = (status: number, detail: string, cause?: unknown): Problem =>
  new Problem(status, 'NOT_KEPT', detail, { headers: { 'Retry-After': RETRY_AFTER_SECONDS }, cause })
