import type { Configuration, WeworkCorp } from '@tributary/runtime'

/** A corp whose directory is kept; `schema` is the database that holds its tables, our own where it is left out. */
export type MappedCorp = { customer: string; suiteId: string; authCorpId: string; schema?: string }

/**
 * The corps whose directory is kept, and where. The given tables have no column for the corp, so a database holds one: where
 * several corps are given the same, or several are given none, which means our own, none of these is kept.
 */
export function mappedCorps(wework: Configuration['wework']): MappedCorp[] {
  const bySchema = Map.groupBy(configuredCorps(wework), ({ schema }) => schema ?? '')
  return [...bySchema.values()].flatMap((corps) => (corps.length === 1 ? corps : []))
}

/** Every corp that the configuration names, whether its directory is kept or not. */
export function configuredCorps(wework: Configuration['wework']): MappedCorp[] {
  return Object.entries(wework).flatMap(([customer, { suite, corps, selfBuilt }]) => [
    ...Object.entries(suite ? corps : {}).map(([authCorpId, corp]) =>
      directoryOf({ customer, suiteId: suite?.suiteId ?? '', authCorpId }, corp),
    ),
    ...Object.values(selfBuilt).map((app) => directoryOf({ customer, suiteId: '', authCorpId: app.corpId }, app)),
  ])
}

const directoryOf = (name: Omit<MappedCorp, 'schema'>, { schema }: WeworkCorp): MappedCorp => ({
  ...name,
  ...(schema === undefined ? {} : { schema }),
})
