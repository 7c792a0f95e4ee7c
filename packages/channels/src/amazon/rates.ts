import { pause } from '@tributary/runtime'
import { LRUCache } from 'lru-cache'
import { ChannelError } from '../port.ts'

export type Operation = 'searchOrders' | 'getOrder' | 'confirmShipment'

/** `rate` calls a second come back, up to `burst` (usage plans of Orders API v2026-01-01 and of confirmShipment in v0). */
type Plan = { rate: number; burst: number }

export const PLANS: Readonly<Record<Operation, Plan>> = {
  searchOrders: { rate: 0.0056, burst: 20 },
  getOrder: { rate: 0.5, burst: 30 },
  confirmShipment: { rate: 2, burst: 10 },
}

/** A call waits so long for its turn, milliseconds; for longer the whole task is put off. */
const PATIENCE = 10_000
const MOST_BUCKETS = 20_000

export type Rates = {
  /** Waits for the turn of a call. Throws ChannelError CHANNEL_BUDGET_SPENT, with the time until a call is free, when that is long. */
  take(operation: Operation, seller: string, signal: AbortSignal): Promise<void>
  /** Amazon says that nothing is left (429): answers what to throw. `wait` is what it asked for, if it did. */
  exhausted(operation: Operation, seller: string, wait: number | undefined): ChannelError
}

/**
 * Amazon counts by operation and pair of app and seller, in a bucket of tokens that fills again. A bucket of ours beside it spares calls
 * that would be refused; other processes draw on Amazon's, too, so 429 empties ours. One seller's empty bucket says nothing about
 * the others: hence CHANNEL_BUDGET_SPENT and never CHANNEL_RATE_LIMITED, which would stop them all.
 */
export function createRates({
  clock,
  plans = PLANS,
  patience = PATIENCE,
}: {
  clock: () => number
  plans?: Readonly<Record<Operation, Plan>>
  patience?: number
}): Rates {
  const buckets = new LRUCache<string, { tokens: number; time: number }>({ max: MOST_BUCKETS })

  function bucketOf(operation: Operation, seller: string) {
    const { rate, burst } = plans[operation]
    const key = `${operation} ${seller}`
    const now = clock()
    const before = buckets.get(key) ?? { tokens: burst, time: now }
    const tokens = Math.min(burst, before.tokens + (Math.max(0, now - before.time) * rate) / 1000)
    const bucket = { tokens, time: now }
    buckets.set(key, bucket)
    return bucket
  }

  return {
    async take(operation, seller, signal) {
      const bucket = bucketOf(operation, seller)
      const wait = Math.max(0, ((1 - bucket.tokens) * 1000) / plans[operation].rate)
      if (wait > patience) throw spent(operation, wait)
      // Taken before the wait, so that those who come meanwhile wait behind.
      bucket.tokens -= 1
      if (wait > 0) await pause(wait, signal)
      signal.throwIfAborted()
    },
    exhausted(operation, seller, wait) {
      const bucket = bucketOf(operation, seller)
      bucket.tokens = Math.min(bucket.tokens, 0)
      return spent(operation, Math.max(wait ?? 0, 1000 / plans[operation].rate))
    },
  }
}

function spent(operation: Operation, wait: number): ChannelError {
  const message = `The calls of this seller for ${operation} are used up for now`
  return new ChannelError('CHANNEL_BUDGET_SPENT', message, { remedy: 'retry', retryAfter: Math.ceil(wait) })
}
