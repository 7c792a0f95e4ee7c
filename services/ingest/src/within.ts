/** How long health may look at the database, milliseconds: a report that takes two seconds counts as a service that is down. */
export const HEALTH_WITHIN = 1_000

/** Something took longer than we can wait. */
export class LateError extends Error {
  override readonly name = 'LateError'
  readonly code = 'LATE'
  readonly retriable = true
}

/**
 * The result of `work`, or a LateError once `milliseconds` have passed; then the signal aborts, too. What hangs may not
 * hear a signal, so the time-out rejects by itself. Unlike AbortSignal.timeout it leaves no timer behind.
 */
export async function within<T>(milliseconds: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const timeout = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new LateError(`It took longer than ${milliseconds} ms.`)
      timeout.abort(error)
      reject(error)
    }, milliseconds)
  })
  try {
    return await Promise.race([work(timeout.signal), late])
  } finally {
    clearTimeout(timer)
  }
}
