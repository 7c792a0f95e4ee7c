import { isRetriable } from './coded.ts'

/** Resolves after `milliseconds`, or at once when `signal` aborts; never throws. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, Math.max(0, milliseconds))
    signal?.addEventListener('abort', done, { once: true })
  })
}

/** Exponential back-off with full-range jitter of one half: attempt 1 waits about `base`, never more than `most`. */
export function backOff(attempt: number, base: number, most: number): number {
  const whole = Math.min(most, base * 2 ** Math.min(attempt - 1, 30))
  return whole / 2 + (Math.random() * whole) / 2
}

/**
 * What `work` answers, which is tried again as long as its error says that waiting may help (`retriable`) and `signal` has not aborted.
 * For what somebody gives us once: it must be kept, whatever the database does meanwhile. So `work` must do no harm when an earlier
 * try of it was done, and only its answer got lost. Throws what `work` threw last.
 */
export async function insist<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (signal.aborted || !isRetriable(error)) throw error
      await pause(backOff(attempt, 50, 2_000), signal)
    }
  }
}
