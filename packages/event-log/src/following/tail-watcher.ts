import type { Logger } from '@tributary/runtime'
import type { Position } from '../port.ts'

/** Milliseconds between two looks at the ends of a topic; a reader that keeps up looks no more often either. */
const SHORTEST = 5
const LONGEST = 1_000
/**
 * The same while this process appends: what its readers wait for is mostly its own, of which it is told, and an event of another
 * process is seen so much later at most. At 200 appends a second looks had been a fifth of all statements.
 */
const BESIDE_OUR_OWN = 25
/** A reader waits at most this share of the silence before. */
const SHARE_OF_SILENCE = 1 / 8

type Waiter = { partition: number; from: Position; resolve(): void }

export type TailWatcher = {
  /** Resolves when the partition holds the event at `from`, or when `signal` aborts. */
  reached(partition: number, from: Position, signal: AbortSignal): Promise<void>
  /** Where the partition ended at the last look. */
  end(partition: number): Position
  /** Tells what this process has appended itself, which saves the look. */
  advance(ends: Iterable<[number, Position]>): void
  /** How often a look has failed so far: the log was away, and may have come back with less than it had. */
  failedLooks(): number
}

/**
 * One for all followers of a topic in a process. While somebody waits it reads all ends with one query of a few rows,
 * every 5 ms when events are coming and up to every second in silence; so idle costs one query a second for each
 * process and topic, and an event of another process after a minute of silence is seen within a second.
 * While nobody waits it asks nothing. Where something else tells of new events, `shortest` keeps looks apart.
 */
export function createTailWatcher(
  loadEnds: () => Promise<Position[]>,
  logger?: Logger,
  shortest: number = SHORTEST,
): TailWatcher {
  const ends = new Map<number, Position>()
  const waiters = new Set<Waiter>()
  let lastEvent = performance.now()
  let timer: NodeJS.Timeout | undefined
  /** When the timer looks, by performance.now(). */
  let nextLook = 0
  let lastLook = Number.NEGATIVE_INFINITY
  let looking = false
  /** Whether this process appended since the last look began. */
  let appended = false
  let failures = 0
  let failedLooks = 0

  function learn(newEnds: Iterable<[number, Position]>): void {
    for (const [partition, end] of newEnds) {
      if (end <= (ends.get(partition) ?? -1)) continue
      ends.set(partition, end)
      lastEvent = performance.now()
    }
    for (const waiter of waiters) if (isReached(waiter)) waiter.resolve()
  }

  const endOf = (partition: number): Position => ends.get(partition) ?? 0

  const isReached = ({ partition, from }: { partition: number; from: Position }) => endOf(partition) > from

  async function look(): Promise<void> {
    timer = undefined
    // Appended since the timer was set.
    if (appended && lastLook + BESIDE_OUR_OWN > performance.now()) return arm()
    looking = true
    appended = false
    lastLook = performance.now()
    try {
      learn((await loadEnds()).entries())
      failures = 0
    } catch (error) {
      failures += 1
      failedLooks += 1
      if (failures === 1) logger?.warn({ err: error }, 'The ends of the log cannot be read; trying on')
    }
    looking = false
    arm()
  }

  function arm(): void {
    if (looking || waiters.size === 0) return
    const now = performance.now()
    const silence = failures > 0 ? LONGEST : (now - lastEvent) * SHARE_OF_SILENCE
    const least = appended ? Math.max(shortest, BESIDE_OUR_OWN) : shortest
    const due = Math.max(now, lastLook + Math.min(LONGEST, Math.max(least, silence)))
    // Readers come to wait one after another: if each put the look off, none would be told before the last has come.
    if (timer && nextLook <= due) return
    disarm()
    nextLook = due
    timer = setTimeout(look, due - now)
  }

  function disarm(): void {
    clearTimeout(timer)
    timer = undefined
  }

  return {
    end: endOf,
    advance: (newEnds) => {
      appended = true
      learn(newEnds)
    },
    failedLooks: () => failedLooks,
    reached: (partition, from, signal) =>
      new Promise((resolve) => {
        if (signal.aborted || isReached({ partition, from })) return resolve()
        const done = () => {
          waiters.delete(waiter)
          signal.removeEventListener('abort', done)
          if (waiters.size === 0) disarm()
          resolve()
        }
        const waiter = { partition, from, resolve: done }
        signal.addEventListener('abort', done, { once: true })
        waiters.add(waiter)
        // Who comes here has just worked off events, or just begun: more may be there already.
        lastEvent = performance.now()
        arm()
      }),
  }
}
