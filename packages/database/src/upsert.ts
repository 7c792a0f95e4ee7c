import type { Connection } from './database.ts'
import { mostBytes as mostBytesOf } from './statement-size.ts'

/**
 * What an upsert writes. A row is found by its primary key, which must be among `columns`. In a table with another unique
 * index the caller must see to it that no row takes another's place there: the upsert would change that row instead.
 * `assign` says which columns change in a row that exists, in this order, and all but the key by default.
 */
export type UpsertShape = {
  table: string
  primaryKey: readonly string[]
  columns: readonly string[]
  assign?: readonly string[]
}

/** The values of one row, in the order of `columns`. */
export type UpsertRow = readonly unknown[]

const MOST_ROWS = 1_000
const MOST_BYTES = 4 * 1024 * 1024

/**
 * Writes rows by primary key, new ones and known ones alike, in as few statements as their size allows: at most 1,000
 * rows and, unless a single row has more, 4 MB each. Throws DatabaseError.
 */
export async function upsert(connection: Connection, shape: UpsertShape, rows: readonly UpsertRow[]): Promise<void> {
  const text = upsertText(shape)
  for (const chunk of chunkRows(rows)) await connection.query(text, [chunk])
}

/** The statement of an upsert; its one placeholder takes an array of rows. VALUES() is what MySQL 5.7, 8 and MariaDB share. */
export function upsertText({ table, primaryKey, columns, assign }: UpsertShape): string {
  const changed = assign ?? columns.filter((column) => !primaryKey.includes(column))
  const assigned = changed.length > 0 ? changed : primaryKey
  return [
    `INSERT INTO ${quoted(table)} (${columns.map(quoted).join(', ')}) VALUES ?`,
    `ON DUPLICATE KEY UPDATE ${assigned.map((column) => `${quoted(column)} = VALUES(${quoted(column)})`).join(', ')}`,
  ].join(' ')
}

/** Cuts rows into lists that each fit one statement. A row over the limit stands alone. */
export function chunkRows(
  rows: readonly UpsertRow[],
  { mostRows = MOST_ROWS, mostBytes = MOST_BYTES }: { mostRows?: number; mostBytes?: number } = {},
): UpsertRow[][] {
  const chunks: UpsertRow[][] = []
  let chunk: UpsertRow[] = []
  let bytes = 0
  for (const row of rows) {
    const size = mostBytesOf(row)
    if (chunk.length > 0 && (chunk.length === mostRows || bytes + size > mostBytes)) {
      chunks.push(chunk)
      chunk = []
      bytes = 0
    }
    chunk.push(row)
    bytes += size
  }
  if (chunk.length > 0) chunks.push(chunk)
  return chunks
}

/** A name with a dot is that of a table in another database. */
function quoted(identifier: string): string {
  return identifier
    .split('.')
    .map((part) => `\`${part.replaceAll('`', '``')}\``)
    .join('.')
}
