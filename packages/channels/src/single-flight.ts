/**
 * Runs `work` once for everybody who asks for the same key at the same time. The work is shared, so it must not follow one
 * caller's signal: it ends by its own time-out, and a caller that gives up only stops waiting.
 */
export function createSingleFlight<T>(): (key: string, signal: AbortSignal, work: () => Promise<T>) => Promise<T> {
  const flights = new Map<string, Promise<T>>()
  return async (key, signal, work) => {
    signal.throwIfAborted()
    const flight = flights.get(key) ?? work().finally(() => flights.delete(key))
    flights.set(key, flight)
    return await unlessAborted(flight, signal)
  }
}

/** What the flight brings, or the reason of the signal when that comes first. */
export function unlessAborted<T>(flight: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abandon = () => reject(signal.reason)
    signal.addEventListener('abort', abandon, { once: true })
    flight.then(resolve, reject).finally(() => signal.removeEventListener('abort', abandon))
  })
}
