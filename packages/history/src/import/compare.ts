import type { Connection, Database } from '@tributary/database'
import type { Cell, Row } from '@tributary/projection'
import { AUDIT_COLUMNS } from '@tributary/projection/folding'
import { readSealHeader, type Vault } from '@tributary/vault'
import { type ImportKind, TABLES_OF_KIND } from './import.ts'
import type { RowId } from './report.ts'
import { isEmptyInfo } from './sellers.ts'
import { idOf, openSource, rowsAfter } from './source.ts'

/** How the tables compare with those of the existing system, row by row, found by id. */
export type Comparison = {
  table: string
  rows: number
  equal: number
  /** Rows that the tables here lack; the import's report says why, or the projector has not come so far. */
  missing: number
  /** Rows that differ, by column. */
  different: Record<string, number>
  /** The first hundred ids that are missing or differ. */
  examples: RowId[]
}

const ROWS_AT_ONCE = 500
const MOST_EXAMPLES = 100
/** They take the time of the event, and `tributary` as author; `deleted` is compared. */
const NOT_COMPARED: ReadonlySet<string> = new Set(AUDIT_COLUMNS.filter((column) => column !== 'deleted'))

/**
 * Compares every column of every row but who wrote it and when; refresh tokens, which are sealed here, by their content.
 * Throws HistoryError, DatabaseError, VaultError.
 */
export async function compareWithSource(options: {
  kind: ImportKind
  from: string
  database: Database
  vault: Vault
  /** Where a table of theirs stands here, under its own name unless told. */
  here?: (table: string) => string
}): Promise<Comparison[]> {
  const { kind, from, database, vault, here = (table) => table } = options
  const source = await openSource(from, TABLES_OF_KIND[kind])
  // Sellers have an import of their own.
  const tables = kind === 'orders' ? TABLES_OF_KIND.orders.slice(0, 3) : TABLES_OF_KIND[kind]
  try {
    const comparisons: Comparison[] = []
    for (const table of tables)
      comparisons.push(await compareTable(source.database, database, vault, { table, here: here(table) }))
    return comparisons
  } finally {
    await source.database.close()
  }
}

async function compareTable(
  source: Connection,
  target: Connection,
  vault: Vault,
  { table, here }: { table: string; here: string },
): Promise<Comparison> {
  const comparison: Comparison = { table, rows: 0, equal: 0, missing: 0, different: {}, examples: [] }
  for (let last: Cell = 0; ; ) {
    const rows = await rowsAfter(source, table, last, ROWS_AT_ONCE)
    if (rows.length === 0) return comparison
    last = rows.at(-1)?.['id'] ?? 0
    const found = await target.query<Row[]>('SELECT * FROM ?? WHERE id IN (?)', [here, rows.map((row) => row['id'])])
    const byId = new Map(found.map((row) => [row['id'], row]))
    for (const row of rows) note(comparison, row, await columnsThatDiffer(vault, row, byId.get(row['id'] ?? null)))
  }
}

async function columnsThatDiffer(vault: Vault, wanted: Row, got: Row | undefined): Promise<string[] | 'missing'> {
  if (!got) return 'missing'
  const different = Object.keys(wanted).filter((column) => !NOT_COMPARED.has(column) && wanted[column] !== got[column])
  const token = different.indexOf('refresh_token')
  if (token >= 0 && (await opened(vault, String(got['refresh_token']))) === wanted['refresh_token']) different.splice(token, 1)
  // Ours says when the grant was given; what the existing system kept there is compared only where there is something.
  const info = different.indexOf('attach_info')
  if (info >= 0 && isEmptyInfo(wanted['attach_info'] ?? null)) different.splice(info, 1)
  return different
}

async function opened(vault: Vault, jwe: string): Promise<string | undefined> {
  if (jwe === '') return undefined
  const [outcome] = await vault.open([{ ...readSealHeader(jwe), jwe }])
  return outcome?.kind === 'opened' ? outcome.plaintext : undefined
}

function note(comparison: Comparison, row: Row, different: string[] | 'missing'): void {
  comparison.rows += 1
  if (different === 'missing') comparison.missing += 1
  else for (const column of different) comparison.different[column] = (comparison.different[column] ?? 0) + 1
  if (different.length === 0) comparison.equal += 1
  else if (comparison.examples.length < MOST_EXAMPLES) comparison.examples.push(idOf(row))
}
