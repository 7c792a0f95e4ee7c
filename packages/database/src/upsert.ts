import type { Connection } from './database.ts'
import { DatabaseError, type DatabaseErrorCode } from './errors.ts'
import { areUsual, preparedRow, preparedRows, preparedValues, type UsualValues } from './prepared-rows.ts'
import { joinRows, type RowsText, type RowText, rowText } from './row-texts.ts'

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
  /** Values that nearly every row has; saying so makes writing many rows cheaper and changes nothing else. */
  usual?: UsualValues
}

/** The values of one row, in the order of `columns`. */
export type UpsertRow = readonly unknown[]

const MOST_ROWS = 1_000
const MOST_BYTES = 4 * 1024 * 1024

/**
 * Writes rows by primary key, new ones and known ones alike, in as few statements as their size allows: at most 1,000
 * rows and, unless a single row has more, 4 MB each, or what the server takes (max_allowed_packet) when that is less. Many rows go
 * through prepared statements where the server keeps them, the rest as text. Throws DatabaseError, for a single row that the server
 * does not take DATABASE_PACKET_TOO_LARGE.
 */
export async function upsert(connection: Connection, shape: UpsertShape, rows: readonly UpsertRow[]): Promise<void> {
  await writeRows(connection, upsertText(shape), shape, rows)
}

/** Writes rows as `upsert` does, with a statement whose one placeholder stands behind VALUES. Throws DatabaseError. */
export async function writeRows(
  connection: Connection,
  text: string,
  { columns, usual: expected }: Pick<UpsertShape, 'columns' | 'usual'>,
  rows: readonly UpsertRow[],
): Promise<void> {
  let written = 0
  for (let count = preparedRows(rows.length); count; count = preparedRows(rows.length - written)) {
    const part = rows.slice(written, written + count)
    const usual = expected && areUsual(part, columns, expected) ? expected : {}
    const values = preparedValues(part, columns, usual, MOST_BYTES)
    if (!values) break
    const statement = preparedText(text, count, preparedRow(columns, usual))
    if (!(await isTaken(connection.query(statement, values, { prepared: true })))) break
    written += count
  }
  await writeTexts(connection, text, rows.slice(written), MOST_BYTES)
}

/** Writes rows as text; in smaller parts when the server takes none so large. */
async function writeTexts(connection: Connection, text: string, rows: readonly UpsertRow[], mostBytes: number): Promise<void> {
  let written = 0
  for (const part of partRows(rows, { mostBytes })) {
    const sent = connection.query(text, [part])
    if (part.rows === 1) await sent
    else if (!(await isTaken(sent))) return writeTexts(connection, text, rows.slice(written), part.bytes / 2)
    written += part.rows
  }
}

const NOT_TAKEN: ReadonlySet<DatabaseErrorCode> = new Set<DatabaseErrorCode>([
  'DATABASE_PACKET_TOO_LARGE',
  'DATABASE_NOT_PREPARED',
])

/**
 * False for a statement that is larger than the server takes, and when the server keeps no prepared statement more, or lost this one:
 * then nothing was written, and in smaller parts or as text it can be.
 */
async function isTaken(sent: Promise<unknown>): Promise<boolean> {
  try {
    await sent
    return true
  } catch (error) {
    if (error instanceof DatabaseError && NOT_TAKEN.has(error.code)) return false
    throw error
  }
}

/** The statement of an upsert; its one placeholder takes the rows. VALUES() is what MySQL 5.7, 8 and MariaDB share. */
export function upsertText({ table, primaryKey, columns, assign }: UpsertShape): string {
  const changed = assign ?? columns.filter((column) => !primaryKey.includes(column))
  const assigned = changed.length > 0 ? changed : primaryKey
  return [
    `INSERT INTO ${quoted(table)} (${columns.map(quoted).join(', ')}) VALUES ?`,
    `ON DUPLICATE KEY UPDATE ${assigned.map((column) => `${quoted(column)} = VALUES(${quoted(column)})`).join(', ')}`,
  ].join(' ')
}

/** Texts of prepared statements are few; those beyond are made each time. */
const MOST_TEXTS = 100
const texts = new Map<string, string>()

/**
 * The statement for so many rows that are each written as `row`. The same text each time, because its 30 KB are hashed where
 * it is looked up, and a string keeps its hash: with making it, that took 4 microseconds of what an order costs a rebuild.
 */
function preparedText(text: string, rows: number, row: string): string {
  const name = `${rows} ${row} ${text}`
  const known = texts.get(name)
  if (known !== undefined) return known
  const made = text.replace('VALUES ?', () => `VALUES ${Array<string>(rows).fill(row).join(', ')}`)
  if (texts.size < MOST_TEXTS) texts.set(name, made)
  return made
}

/** Cuts rows into texts that each fit one statement. A row over the limit stands alone. */
export function* partRows(
  rows: readonly UpsertRow[],
  { mostRows = MOST_ROWS, mostBytes = MOST_BYTES }: { mostRows?: number; mostBytes?: number } = {},
): Generator<RowsText> {
  let part: RowText[] = []
  let bytes = 0
  for (const values of rows) {
    const row = rowText(values)
    if (part.length > 0 && (part.length === mostRows || bytes + row.bytes > mostBytes)) {
      yield joinRows(part)
      part = []
      bytes = 0
    }
    part.push(row)
    bytes += row.bytes
  }
  if (part.length > 0) yield joinRows(part)
}

/** A name with a dot is that of a table in another database. */
function quoted(identifier: string): string {
  return identifier
    .split('.')
    .map((part) => `\`${part.replaceAll('`', '``')}\``)
    .join('.')
}
