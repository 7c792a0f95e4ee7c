import { createHash } from 'node:crypto'
import { type Connection, type Database, DatabaseError, openDatabase } from '@tributary/database'
import type { Cell, Row } from '@tributary/projection'
import { HistoryError } from '../errors.ts'
import { columnsReadOf } from './columns.ts'
import type { RowId } from './report.ts'

/** The database of an existing system. It is only read. */
export type Source = {
  database: Database
  /** Names it in `tributary_import` without naming it to others. */
  digest: string
}

/**
 * Throws HistoryError HISTORY_SOURCE_INVALID, which never repeats the address: it may hold a password; and DatabaseError,
 * which says that it is not our own database.
 */
export async function openSource(url: string, tables: readonly string[]): Promise<Source> {
  let address: URL
  let database: Database
  try {
    address = new URL(url)
    database = openDatabase(url, { connections: 2 })
  } catch (cause) {
    throw new HistoryError(
      'HISTORY_SOURCE_INVALID',
      'Give the address of the existing database: mysql://user:password@host:port/database.',
      { cause },
    )
  }
  try {
    await checkTables(database, tables)
  } catch (error) {
    await database.close()
    if (!(error instanceof DatabaseError)) throw error
    throw new DatabaseError(error.code, `The existing system: ${error.message}`, { cause: error })
  }
  const name = `${address.hostname.toLowerCase()}:${address.port || '3306'}${address.pathname}`
  return { database, digest: createHash('sha256').update(name).digest('hex') }
}

async function checkTables(database: Connection, tables: readonly string[]): Promise<void> {
  const found = await database.query<{ name: string; column: string }[]>(
    `SELECT table_name AS name, column_name AS \`column\` FROM information_schema.columns
     WHERE table_schema = DATABASE() AND table_name IN (?)`,
    [[...tables]],
  )
  const missing = tables.filter((table) => !found.some(({ name }) => name === table))
  if (missing.length > 0) throw lacks(`table ${missing.join(', ')}`)
  const columns = tables.flatMap((table) =>
    columnsReadOf(table)
      .filter((column) => !found.some((one) => one.name === table && one.column === column))
      .map((column) => `${table}.${column}`),
  )
  if (columns.length > 0) throw lacks(`column ${columns.join(', ')}`)
}

const lacks = (what: string): HistoryError =>
  new HistoryError(
    'HISTORY_SOURCE_INVALID',
    `The existing database has no ${what}, or its user may not read it. Give it one as the given tables have it, in a copy or a view.`,
  )

/** The one wide column of the given tables; all others of 200 rows have 13 MB at most. */
const ORIGINAL = { table: 'eg_order_order_original', column: 'original' } as const
/** Most bytes of it that are held at once, but for one value that is larger. */
const MOST_BYTES = 32 * 1024 * 1024

/**
 * Rows of a table by id, from behind `after` on, whole, fewer than `limit` where they are wide; none when no more are there. An id beyond
 * 2^53 is a text. Throws DatabaseError.
 */
export async function rowsAfter(source: Connection, table: string, after: Cell, limit: number): Promise<Row[]> {
  const behind = 'FROM ?? WHERE id > ? ORDER BY id LIMIT ?'
  const select = (most: number) => source.query<Row[]>(`SELECT * ${behind}`, [table, after, most])
  if (table !== ORIGINAL.table) return await select(limit)
  const sizes = await source.query<{ bytes: number | null }[]>(`SELECT LENGTH(??) AS bytes ${behind}`, [
    ...[ORIGINAL.column, table, after, limit],
  ])
  const [first] = cutByBytes(sizes, ({ bytes }) => Number(bytes))
  return first ? await select(first.length) : []
}

/** Cuts orders so that the originals of each part can be held at once. Throws DatabaseError. */
export async function partsOfOrders(source: Connection, orders: readonly Row[]): Promise<Row[][]> {
  if (orders.length === 0) return []
  const sizes = await source.query<{ id: Cell; bytes: number | null }[]>(
    'SELECT order_id AS id, SUM(LENGTH(??)) AS bytes FROM ?? WHERE order_id IN (?) GROUP BY order_id',
    [ORIGINAL.column, ORIGINAL.table, orders.map(({ id }) => id)],
  )
  const bytes = new Map(sizes.map((size) => [size.id, Number(size.bytes)]))
  return cutByBytes(orders, ({ id }) => bytes.get(id ?? null) ?? 0)
}

function cutByBytes<T>(items: readonly T[], bytesOf: (item: T) => number): T[][] {
  const parts: T[][] = []
  let bytes = 0
  for (const item of items) {
    bytes += bytesOf(item)
    const current = parts.at(-1)
    if (current && bytes <= MOST_BYTES) current.push(item)
    else {
      parts.push([item])
      bytes = bytesOf(item)
    }
  }
  return parts
}

/**
 * The ids of those live rows before which another live one stands for the same thing: the columns, letter by letter, say which thing
 * that is. The given tables have no unique index that would have kept it out.
 */
export async function secondRows(
  source: Connection,
  { table, columns }: { table: string; columns: readonly string[] },
  rows: readonly Row[],
): Promise<Set<RowId>> {
  if (rows.length === 0) return new Set()
  const valuesOf = (row: Row) => columns.map((column) => row[column] ?? null)
  const nameOf = (row: Row) => JSON.stringify(valuesOf(row))
  const all = await source.query<Row[]>(
    `SELECT ?? FROM ?? WHERE deleted = 0 AND (${columns.map(() => '??').join(', ')}) IN (?) ORDER BY id`,
    [['id', ...columns], table, ...columns, rows.map(valuesOf)],
  )
  const first = new Map<string, Row>()
  for (const row of all.filter(({ id }) => unfitId(id) === undefined)) if (!first.has(nameOf(row))) first.set(nameOf(row), row)
  return new Set(rows.filter((row) => first.get(nameOf(row))?.['id'] !== row['id']).map(idOf))
}

export async function countRows(source: Connection, table: string): Promise<number> {
  const [row] = await source.query<{ count: number }[]>('SELECT COUNT(*) AS count FROM ??', [table])
  return Number(row?.count ?? 0)
}

/** How far an earlier run came, 0 before the first. */
export async function readCheckpoint(database: Connection, { digest }: Source, kind: string): Promise<Cell> {
  const [row] = await database.query<{ last: Cell }[]>(
    'SELECT last_id AS last FROM tributary_import WHERE source = ? AND kind = ?',
    [digest, kind],
  )
  return row?.last ?? 0
}

export async function writeCheckpoint(database: Connection, { digest }: Source, kind: string, last: Cell): Promise<void> {
  await database.query(
    `INSERT INTO tributary_import (source, kind, last_id, update_time) VALUES (?, ?, ?, ?)
     ON DUPLICATE KEY UPDATE last_id = VALUES(last_id), update_time = VALUES(update_time)`,
    [digest, kind, last, Date.now()],
  )
}

/** A row's id as it is to be told. */
export const idOf = (row: Row): RowId => row['id'] ?? 0

/** A text of a row; NULL, which the given tables do not have there, says nothing. */
export const textIn = (row: Row, column: string): string => String(row[column] ?? '')

/** Why an id cannot be an id here, or undefined. */
export function unfitId(id: unknown): string | undefined {
  return Number.isSafeInteger(id) && Number(id) > 0 ? undefined : 'its id is not a whole number from 1 to 2^53 - 1'
}
