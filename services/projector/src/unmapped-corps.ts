import { cached, type Database } from '@tributary/database'
import type { HealthReport } from '@tributary/runtime'
import type { DirectoryOf } from '@tributary/wework'

/** Milliseconds for which an answer is good: probes come more often than corps. */
const GOOD_FOR = 30_000

/** Says in health which corps send changes of members that no directory takes, and how many came. */
export function watchUnmappedCorps(database: Database, mapped: readonly DirectoryOf[]): () => Promise<HealthReport> {
  const count = cached(GOOD_FOR, () => countUnmapped(database, mapped))
  return async () => {
    const corps = await count()
    const name = 'wework-directories'
    if (corps.length === 0) return { name, status: 'ok', details: { unmapped: [] } }
    const list = corps.map(({ corp, suite, events }) => `${corp} (${suite || 'self-built'}): ${events} events`).join(', ')
    return {
      name,
      status: 'degraded',
      reason: `No database is configured for the directory of ${list}. Give each corp one: qifu.eg.wework-map.<customer>.corps.`,
      details: { unmapped: corps },
    }
  }
}

async function countUnmapped(database: Database, mapped: readonly DirectoryOf[]) {
  const known = mapped.map(({ authCorpId }) => authCorpId)
  const rows = await database.query<{ corp: string; suite: string; events: number }[]>(
    `SELECT auth_corp_id AS corp, suite_id AS suite, COUNT(*) AS events FROM eg_wework_event_member
     WHERE BINARY auth_corp_id NOT IN (?) GROUP BY auth_corp_id, suite_id ORDER BY auth_corp_id, suite_id LIMIT 20`,
    [known.length > 0 ? known : ['']],
  )
  return rows
}
