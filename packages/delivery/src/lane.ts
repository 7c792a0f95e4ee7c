import type { Position } from '@tributary/event-log'
import { isEndpoints, type Outcome } from './outcome.ts'
import { waitAfter } from './schedule.ts'

/**
 * The deliveries of one key at one endpoint while they are in trouble. The head is tried; the others wait in order.
 *
 *                 head fails            schedule used up
 *   (no lane) ───────────────► retrying ───────────────► blocked
 *       ▲                      │  ▲   ▲                     │
 *       └── settled, nothing ──┘  │   └──── retryLanes ─────┘
 *           waits                 └── head fails again, or is settled and the next in order becomes the head
 *
 * A person may skip a head (`skipHead`): the lane is `skipped` until its owner has put the head among the dead letters.
 *
 * `attempts` are the tries of the present head; `failures` those that count against the schedule, which a probe of a
 * failing endpoint does not. `nextTime` and `since` in milliseconds since 1970.
 */
export type Lane = {
  key: string
  head: Position
  attempts: number
  failures: number
  nextTime: number
  state: 'retrying' | 'blocked' | 'skipped'
  /** Why the head is not delivered; a short class, never text of the receiver's. */
  reason: string
  since: number
}

/** A lane whose head was not tried yet, due at `nextTime`. */
export const untriedLane = (key: string, head: Position, nextTime: number, reason: string): Lane => ({
  key,
  head,
  attempts: 0,
  failures: 0,
  nextTime,
  state: 'retrying',
  reason,
  since: nextTime,
})

/** The lane after its head was tried and not delivered. What is the endpoint's failure, as a probe's is, costs the lane nothing. */
export function afterFailure(
  lane: Lane,
  outcome: Outcome,
  options: { probe: boolean; now: number; schedule: readonly number[]; random?: () => number },
): Lane {
  const tried = { ...lane, attempts: lane.attempts + 1, reason: outcome.reason }
  if (options.probe || isEndpoints(outcome)) return { ...tried, nextTime: options.now }
  const failures = lane.failures + 1
  const retryAfter = outcome.kind === 'throttled' ? outcome.retryAfter : undefined
  const wait = waitAfter(failures, { ...options, retryAfter })
  return wait === undefined ? { ...tried, failures, state: 'blocked' } : { ...tried, failures, nextTime: options.now + wait }
}

/** The lane after its head was settled and `next` became the head. */
export const afterSettled = (lane: Lane, next: Position, now: number): Lane => ({
  ...untriedLane(lane.key, next, now, ''),
  since: lane.since,
})
