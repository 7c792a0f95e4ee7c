const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/**
 * The waits after the first, second, ... failed try, in milliseconds: ten tries over about 75 hours.
 * Source: Standard Webhooks, spec/standard-webhooks.md, "Deliverability and reliability".
 */
export const STANDARD_SCHEDULE: readonly number[] = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
]

/** At most so much is added to a wait that a receiver named, milliseconds: it said when, and should not have to wait for us. */
const MOST_BEHIND_ASKED = MINUTE

/**
 * Milliseconds to wait after `failures` failed tries, or undefined when the schedule is used up. Up to a fifth is added
 * at random, so that keys that failed together do not come back together. A longer wait that the receiver asked for is kept, with up
 * to a tenth of it added, and a minute at most.
 */
export function waitAfter(
  failures: number,
  options: { schedule: readonly number[]; retryAfter?: number | undefined; random?: () => number },
): number | undefined {
  const wait = options.schedule[failures - 1]
  if (wait === undefined) return undefined
  const { retryAfter: asked = 0, random = Math.random } = options
  const share = random()
  return Math.round(Math.max(wait * (1 + share * 0.2), asked + share * Math.min(asked * 0.1, MOST_BEHIND_ASKED)))
}
