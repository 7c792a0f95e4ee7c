import { findCorp } from '@tributary/database'
import type { ImportedCorp, WeworkImport } from '@tributary/history'
import { corpSubject, departmentPseudonym, mappedCorps, memberPseudonym } from '@tributary/wecom'
import { CommandError, UsageError } from '../failure.ts'
import type { LogAccess } from '../setting-up.ts'

/** Of the four tables the only one that holds rows of every corp, and so stands in our own database. */
const EVENT_TABLE = 'eg_wework_event_member'

/**
 * Whose rows an import of WeCom's tables brings: those of the directory are of the one corp that is named, or configured;
 * member events name theirs. Throws CommandError or UsageError IMPORT_CORP.
 */
export async function weworkImport(access: LogAccess, corpId: string | undefined): Promise<WeworkImport> {
  const corps = mappedCorps(access.configuration.wework)
  const wanted = corpId === undefined ? corps : corps.filter(({ authCorpId }) => authCorpId === corpId)
  const [one, ...others] = wanted
  if (!one && corpId !== undefined)
    throw new CommandError('IMPORT_CORP', `No directory of a corp '${corpId}' is kept here. See qifu.eg.wework-map.`)
  if (!one || others.length > 0) {
    const names =
      corps.map(({ authCorpId }) => authCorpId).join(', ') || 'those that qifu.eg.wework-map names; it names none that is kept'
    throw new UsageError('IMPORT_CORP', `Say whose directory it is: --corp with one of ${names}.`)
  }
  const { schema } = one
  const corp = await importedCorp(access, { ...one, corpId: one.authCorpId })
  const known = new Map<string, ImportedCorp | undefined>()
  return {
    corp: schema === undefined ? corp : { ...corp, schema },
    async corpOf(suiteId, ofCorp) {
      const name = JSON.stringify([suiteId, ofCorp])
      if (known.has(name)) return known.get(name)
      const customer = customerOf(access, suiteId, ofCorp)
      const found = customer === undefined ? undefined : await importedCorp(access, { customer, suiteId, corpId: ofCorp })
      known.set(name, found)
      return found
    },
  }
}

/** Where a table of theirs stands here. */
export const placeOf =
  ({ corp: { schema } }: WeworkImport) =>
  (table: string): string =>
    schema === undefined || table === EVENT_TABLE ? table : `${schema}.${table}`

/** Under which customer a suite, or a corp with an app of its own, is configured. */
function customerOf({ configuration }: LogAccess, suiteId: string, corpId: string): string | undefined {
  const found = Object.entries(configuration.wework).find(([, { suite, selfBuilt }]) =>
    suiteId === '' ? Object.values(selfBuilt).some((app) => app.corpId === corpId) : suite?.suiteId === suiteId,
  )
  return found?.[0]
}

async function importedCorp(
  { database, vault }: LogAccess,
  { customer, suiteId, corpId }: { customer: string; suiteId: string; corpId: string },
): Promise<ImportedCorp> {
  const corp = { customer, suiteId, corpId }
  const authorization = (await findCorp(database, corp))?.authorization ?? 0
  return {
    ...corp,
    subject: corpSubject(vault, corp, authorization),
    member: (id) => memberPseudonym(vault, corp, id),
    department: (id) => departmentPseudonym(vault, corp, id),
  }
}
