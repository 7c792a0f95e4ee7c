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
export function backOff(attempt: number, base: number, most: number, random: () => number = Math.random): number {
  const whole = Math.min(most, base * 2 ** Math.min(attempt - 1, 30))
  return whole / 2 + (random() * whole) / 2
}
