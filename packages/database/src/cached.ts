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

/**
 * What `load` gives, or what it gave last when it fails or takes longer than `patienceMs` milliseconds: for what is better a
 * little old than missing. Without a `known` value the first load has nothing to fall back on: it is waited for, and its failure
 * is thrown.
 */
export function orLast<T>(patienceMs: number, load: () => Promise<T>, known?: T): () => Promise<T> {
  let last: { value: T } | undefined = known === undefined ? undefined : { value: known }
  return async () => {
    const loading = load().then((value) => {
      last = { value }
      return value
    })
    if (!last) return await loading
    const { value } = last
    const { promise: late, resolve } = Promise.withResolvers<T>()
    const timer = setTimeout(() => resolve(value), patienceMs)
    return await Promise.race([loading.catch(() => value), late]).finally(() => clearTimeout(timer))
  }
}
