import { type Connection, cached, type Database } from '@tributary/database'
import { codeOf, type HealthReport } from '@tributary/runtime'
import type { DirectoryOf } from '@tributary/wework'

/** Milliseconds for which an answer is good: probes come more often than corps. */
const GOOD_FOR = 30_000
/** Corps that are told, and events of each that are counted: enough to see that something is missing. */
const MOST_CORPS = 20
const MOST_EVENTS = 1_000

/**
 * Says in health which corps send changes of members that no directory takes, and how many came. A database that is away is
 * told of, like everywhere, and is no reason to be down at once.
 */
export function watchUnmappedCorps(database: Database, mapped: readonly DirectoryOf[]): () => Promise<HealthReport> {
  const count = cached(GOOD_FOR, () => countUnmapped(database, mapped))
  const name = 'wework-directories'
  return async () => {
    try {
      return reportOf(name, await count())
    } catch (error) {
      return { name, status: 'degraded', reason: `It cannot be read which corps have no directory here (${codeOf(error)}).` }
    }
  }
}

type Unmapped = { corp: string; suite: string; events: number }

function reportOf(name: string, corps: readonly Unmapped[]): HealthReport {
  if (corps.length === 0) return { name, status: 'ok', details: { unmapped: [] } }
  const list = corps.map(({ corp, suite, events }) => {
    return `${corp} (${suite || 'self-built'}): ${events}${events < MOST_EVENTS ? '' : ' or more'} events`
  })
  return {
    name,
    status: 'degraded',
    reason: `No database is configured for the directory of ${list.join(', ')}. Give each corp one: qifu.eg.wework-map.<customer>.corps.`,
    details: { unmapped: corps },
  }
}

/**
 * Steps from corp to corp through the index: the table has a row for every change of a member that there ever was, and a
 * probe waits. Ids that the column's collation takes for one count as one.
 */
async function countUnmapped(database: Connection, mapped: readonly DirectoryOf[]): Promise<Unmapped[]> {
  const known = new Set(mapped.map(({ authCorpId }) => authCorpId))
  const unmapped: Unmapped[] = []
  for (let corp = await nextCorp(database); corp !== undefined; corp = await nextCorp(database, corp)) {
    if (known.has(corp)) continue
    const rows = await database.query<{ suite: string; events: number }[]>(
      `SELECT suite_id AS suite, COUNT(*) AS events
       FROM (SELECT suite_id FROM eg_wework_event_member WHERE auth_corp_id = ? LIMIT ${MOST_EVENTS}) some
       GROUP BY suite_id ORDER BY suite_id`,
      [corp],
    )
    for (const row of rows) unmapped.push({ corp, ...row })
    if (unmapped.length >= MOST_CORPS) break
  }
  return unmapped.slice(0, MOST_CORPS)
}

async function nextCorp(database: Connection, after?: string): Promise<string | undefined> {
  const [row] = await database.query<{ corp: string }[]>(
    `SELECT auth_corp_id AS corp FROM eg_wework_event_member FORCE INDEX (idx_auth_corp_id)
     ${after === undefined ? '' : 'WHERE auth_corp_id > ?'} ORDER BY auth_corp_id LIMIT 1`,
    after === undefined ? [] : [after],
  )
  return row?.corp
}
