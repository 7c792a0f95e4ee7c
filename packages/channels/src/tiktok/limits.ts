import { LRUCache } from 'lru-cache'
import { ChannelError } from '../port.ts'

/** Milliseconds without a call after the first refusal, and at most. */
const SHORTEST = 1_000
const LONGEST = 60_000
const MOST_SHOPS = 20_000

/** Throws or answers ChannelError CHANNEL_BUDGET_SPENT, with the time until the next call may be made. */
export type Limits = {
  check(shop: string): void
  /** TikTok refused a call for there being too many. `asked` is how long it wants to be left alone, if it said. */
  met(shop: string, asked: number | undefined): ChannelError
  passed(shop: string): void
}

/**
 * TikTok counts calls by app and shop and says of no number how large it is, so only a refusal tells. Then nothing is asked of that shop
 * for a second, doubled by each further refusal up to a minute. Nothing is known of other shops by it: hence CHANNEL_BUDGET_SPENT
 * and not CHANNEL_RATE_LIMITED, which would stop them all.
 */
export function createLimits({ clock }: { clock: () => number }): Limits {
  const limits = new LRUCache<string, { wait: number; since: number; until: number }>({ max: MOST_SHOPS })

  /** How long a shop is left alone yet; not at all by a clock that was set back, which would make it hours. */
  function left(shop: string): number {
    const limit = limits.get(shop)
    const now = clock()
    return limit === undefined || now < limit.since ? 0 : Math.max(0, limit.until - now)
  }

  return {
    check(shop) {
      const wait = left(shop)
      if (wait > 0) throw spent(wait)
    },
    met(shop, asked = 0) {
      const since = clock()
      const before = limits.get(shop)
      // Calls that were made together are refused together.
      const stands = left(shop)
      const wait = stands > 0 && before ? before.wait : Math.min(LONGEST, before ? before.wait * 2 : SHORTEST)
      const until = since + Math.max(stands > 0 ? stands : wait, asked)
      limits.set(shop, { wait, since, until })
      return spent(until - since)
    },
    passed(shop) {
      // One that was under way when the limit was met says nothing of it.
      if (left(shop) === 0) limits.delete(shop)
    },
  }
}

function spent(wait: number): ChannelError {
  const message = 'TikTok Shop takes no more calls for this shop for now'
  return new ChannelError('CHANNEL_BUDGET_SPENT', message, { remedy: 'retry', retryAfter: Math.ceil(wait) })
}
