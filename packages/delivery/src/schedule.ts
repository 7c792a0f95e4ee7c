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

/**
 * Milliseconds to wait after `failures` failed tries, or undefined when the schedule is used up. Up to a fifth is added
 * at random, so that keys that failed together do not come back together; a wait the receiver asked for is kept at least.
 */
export function waitAfter(
  failures: number,
  options: { schedule: readonly number[]; retryAfter?: number | undefined; random?: () => number },
): number | undefined {
  const wait = options.schedule[failures - 1]
  if (wait === undefined) return undefined
  const random = options.random ?? Math.random
  const base = Math.max(wait, options.retryAfter ?? 0)
  return Math.round(base * (1 + random() * 0.2))
}
