import { backOff } from '@tributary/runtime'

/** How long things may take and how soon they are tried again, in milliseconds. Only tests have another than this one. */
export type Pace = {
  /** How often an idle loop looks at its table: at once after it found work, then less and less often. */
  idle: { shortest: number; longest: number }
  /** Between tries of what may work later. */
  retry: { first: number; most: number }
  /** After what only a person can mend: nobody has to tell us that it was. */
  parked: number
  /** A claim must outlast the slowest read; a process that is seen to be gone loses its claims at once. */
  claim: number
  /** How far behind the clock a window ends, because the clock of a marketplace may be behind ours. */
  clockMargin: number
  /** How often the open orders of a seller are read again. */
  sweep: number
}

export const PACE: Pace = {
  idle: { shortest: 5, longest: 1_000 },
  retry: { first: 1_000, most: 15 * 60_000 },
  parked: 60 * 60_000,
  claim: 2 * 60_000,
  clockMargin: 60_000,
  sweep: 24 * 60 * 60_000,
}

/** Milliseconds before try `attempt` + 1: exponential with jitter, and at least what the marketplace asked for. */
export function retryWait(pace: Pace, attempt: number, retryAfter = 0): number {
  const wait = backOff(Math.max(1, attempt), pace.retry.first, pace.retry.most)
  // Whoever was told the same time to come back should not come back in the same instant.
  return Math.round(retryAfter > 0 ? Math.max(retryAfter, wait) + Math.random() * pace.retry.first : wait)
}
