/**
 * Keeps what `load` gave for `ttlMs` milliseconds of the monotonic clock. Callers that come while it loads share that
 * load. A failed load is not kept: the next call tries again.
 */
export function cached<T>(ttlMs: number, load: () => Promise<T>): () => Promise<T> {
  let current: { value: Promise<T>; until: number } | undefined
  return () => {
    if (current && performance.now() < current.until) return current.value
    const entry = { value: load(), until: Number.POSITIVE_INFINITY }
    current = entry
    entry.value.then(
      () => {
        entry.until = performance.now() + ttlMs
      },
      () => {
        if (current === entry) current = undefined
      },
    )
    return entry.value
  }
}
