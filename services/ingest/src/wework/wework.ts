import { type CorpName, findCorp } from '@tributary/database'
import { CONTACT_TOPIC } from '@tributary/events'
import type { Route } from '@tributary/runtime/http'
import { openSettings } from '@tributary/vault'
import { LRUCache } from 'lru-cache'
import type { IngestContext } from '../context.ts'
import { createKeeper } from '../keeper.ts'
import type { Spool } from '../spool/spool.ts'
import { HEALTH_WITHIN, within } from '../within.ts'
import { openAddresses } from './addresses.ts'
import type { Unreadable } from './context.ts'
import { countQuarantine } from './quarantine.ts'
import { keepCallback, weworkRoutes } from './routes.ts'

/** WeCom waits for one second (W90642), and the answer has a way to go. */
const DEADLINE = 700

/** The part of ingest that faces WeCom: its routes, and how it does. Without a configured customer there is neither. */
export function createWework(context: IngestContext, spool: Spool | undefined) {
  const customers = context.configuration.wework ?? {}
  const unreadable: Unreadable = { count: 0, lastTime: null }
  const own = { ...context, settings: openSettings(context), authorizationOf: rememberedAuthorizations(context) }
  const keeper = createKeeper(
    { ...context, spool, kinds: ['callback'], work: keepCallback(own, customers) },
    { topic: CONTACT_TOPIC, deadline: DEADLINE, notKept: 500 },
  )
  const hasAddresses = Object.values(customers).some(({ suite, selfBuilt }) => suite || Object.keys(selfBuilt).length > 0)
  const routes: Route[] = hasAddresses ? weworkRoutes(own, { addresses: openAddresses(customers), keeper, unreadable }) : []

  return {
    routes,
    /** Undefined where WeCom is not configured. `reason` is for operators when something needs a look. */
    async health(): Promise<{ reason?: string; details: Record<string, unknown> } | undefined> {
      if (!hasAddresses) return undefined
      const figures = keeper.figures()
      // Without the database others say all there is to say.
      const quarantined = await within(HEALTH_WITHIN, () => countQuarantine(context.database)).catch(() => null)
      const reasons = [
        ...((figures.lastFailedTime ?? 0) > (figures.lastKeptTime ?? 0)
          ? ['The last callback of WeCom could not be kept; it was asked to try again.']
          : []),
        ...((unreadable.lastTime ?? 0) > (figures.lastKeptTime ?? 0)
          ? ['The last callback of WeCom could not be read: check its EncodingAESKey.']
          : []),
        ...(quarantined !== null && quarantined > 0
          ? [`${quarantined} signed callbacks of the last day were not for us: see tributary wework quarantine.`]
          : []),
      ]
      const details = { ...figures, unreadable: unreadable.count, quarantined }
      return { ...(reasons.length > 0 ? { reason: reasons.join(' ') } : {}), details }
    },
    stop: () => keeper.stop(),
  }
}

/** Corps that call within a second of each other; more cost a look-up each. */
const MOST_CORPS = 10_000
const REMEMBERED_FOR = 1_000

/**
 * Spares each callback a look-up. For a second after a corp has come back, its callbacks are still sealed under the key that
 * its cancellation destroyed, and so come out empty; the reading that follows every authorization makes up for it.
 */
function rememberedAuthorizations({ database }: Pick<IngestContext, 'database'>): (corp: CorpName) => Promise<number> {
  const known = new LRUCache<string, Promise<number>>({ max: MOST_CORPS, ttl: REMEMBERED_FOR })
  return (corp) => {
    const key = JSON.stringify([corp.customer, corp.suiteId, corp.corpId])
    const remembered = known.get(key)
    if (remembered) return remembered
    const authorization = findCorp(database, corp).then((found) => found?.authorization ?? 0)
    known.set(key, authorization)
    authorization.catch(() => known.delete(key))
    return authorization
  }
}
