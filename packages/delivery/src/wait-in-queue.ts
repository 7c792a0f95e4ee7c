/**
 * A promise of a place in a queue: `join` answers how to leave it, which an abort of `signal` does. Rejects with the
 * signal's reason.
 */
export function waitInQueue<T>(signal: AbortSignal, join: (resolve: (given: T) => void) => () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    let leave: (() => void) | undefined
    let isGiven = false
    const abort = () => {
      leave?.()
      reject(signal.reason)
    }
    leave = join((given) => {
      isGiven = true
      if (leave) signal.removeEventListener('abort', abort)
      resolve(given)
    })
    // Most are given their place at once, and a listener costs more than that.
    if (!isGiven) signal.addEventListener('abort', abort, { once: true })
  })
}
