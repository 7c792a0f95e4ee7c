import { ipKeyGenerator } from 'express-rate-limit'

/** Callers that are remembered to have proved themselves. */
const MOST_PROVEN = 1_000

/** Who may still try to log in. Times in milliseconds. */
export type FailedLogins = {
  /** How long a caller at this address, with this token, has to wait before it is looked at; 0 when it need not. */
  waitOf(address: string, digest: string): number
  failed(address: string): void
  /** A token that was right is looked at again wherever it comes from, so that who guesses shuts out nobody else behind a proxy. */
  succeeded(digest: string): void
}

/**
 * Counts the logins that failed by the address that they came from, a network of IPv6 as one: to look at a token costs a hash and a
 * statement, or a signature, and a guess should not. `most` in a `window` that begins with the first. `digest` stands for a token.
 */
export function createFailedLogins(options: { most: number; window: number; now?: () => number }): FailedLogins {
  const { most, window, now = () => performance.now() } = options
  /** By address, in the order in which their windows end. */
  const counts = new Map<string, { failed: number; end: number }>()
  /** The one that was used last is the last. */
  const proven = new Set<string>()

  function dropEnded(): void {
    for (const [address, { end }] of counts) {
      if (end > now()) return
      counts.delete(address)
    }
  }

  return {
    waitOf(address, digest) {
      dropEnded()
      const count = counts.get(ipKeyGenerator(address))
      return count === undefined || count.failed < most || proven.has(digest) ? 0 : Math.max(0, count.end - now())
    },
    failed(address) {
      dropEnded()
      const key = ipKeyGenerator(address)
      const count = counts.get(key) ?? { failed: 0, end: now() + window }
      counts.set(key, { ...count, failed: count.failed + 1 })
    },
    succeeded(digest) {
      proven.delete(digest)
      proven.add(digest)
      const [oldest] = proven
      if (proven.size > MOST_PROVEN && oldest !== undefined) proven.delete(oldest)
    },
  }
}
