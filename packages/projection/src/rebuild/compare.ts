import type { Connection } from '@tributary/database'
import { inParts } from '@tributary/runtime'
import type { Cell, Projection, Row } from '../definition.ts'
import type { PhysicalName } from '../load-states.ts'
import { columnsOf } from './shadow-tables.ts'

/** `missing` in the rebuilt table, `new` in it, or `different` in some columns. */
type DifferenceKind = 'missing' | 'new' | 'different'

/** A row that the live table and the rebuilt one do not have alike. Values are of the columns that both tables have. */
export type RowDifference = {
  table: string
  id: number
  kind: DifferenceKind
  changes: { column: string; live: Cell; rebuilt: Cell }[]
}

export type TableComparison = {
  table: string
  rows: { live: number; rebuilt: number }
  /** How many rows differ, and the first of them. */
  differing: number
  differences: RowDifference[]
  /** Those behind the first, by id; most of them are in flight when tables that are written are compared. */
  others: ReadonlyMap<number, DifferenceKind>
}

/** How many rows of a rebuilt table are compared. */
export type ComparisonProgress = { table: string; done: number; total: number }

/** Rows whose checksums are taken together, by ranges of the id. */
const CHUNK = 5_000
const MOST_DIFFERENCES = 1_000
const MOST_OTHERS = 200_000
/** Ids in one SELECT. Servers make other, worse plans for lists of more than 1,000. */
const MOST_IN_A_LIST = 500
/** Whole rows in hand at once; of the raw orders one may have megabytes. */
const WHOLE_ROWS = 50

type Pair = { table: string; live: string; rebuilt: string; columns: string[] }
type Range = { from: number; to: number }

/**
 * Compares the live tables of a projection with those that were rebuilt, every column that both have, without stopping
 * anybody: ranges of ids by count and checksum, the checksum of each row where those differ, and column by column only rows that differ.
 * While the live tables are written, a row may be told to differ that does not; `compareAgain` settles that when both stand still.
 */
export async function compareTables(
  connection: Connection,
  projection: Projection,
  rebuilt: PhysicalName,
  { signal, onProgress }: { signal: AbortSignal; onProgress?: (progress: ComparisonProgress[]) => void },
): Promise<TableComparison[]> {
  const progress: ComparisonProgress[] = []
  if (onProgress)
    for (const { name } of projection.tables)
      progress.push({ table: name, done: 0, total: await countRows(connection, rebuilt(name)) })
  const comparisons: TableComparison[] = []
  for (const [index, { name }] of projection.tables.entries()) {
    const pair = await pairOf(connection, name, rebuilt(name))
    const onRows = (done: number) => {
      const one = progress[index]
      if (one) one.done = done
      onProgress?.(progress)
    }
    comparisons.push(await compareTable(connection, pair, { signal, onRows }))
  }
  return comparisons
}

async function countRows(connection: Connection, table: string): Promise<number> {
  const [row] = await connection.query<{ count: number }[]>('SELECT COUNT(*) AS count FROM ??', [table])
  return Number(row?.count ?? 0)
}

/**
 * Looks again at the rows that differed, of which one table may only have been ahead of the other. Those that are not among the first
 * are looked at when some of the first do not differ any more, or when they are `all` to be.
 */
export async function compareAgain(
  connection: Connection,
  before: readonly TableComparison[],
  rebuilt: PhysicalName,
  options: { all: boolean; signal: AbortSignal },
): Promise<TableComparison[]> {
  const after: TableComparison[] = []
  for (const comparison of before) {
    const pair = await pairOf(connection, comparison.table, rebuilt(comparison.table))
    after.push(comparison.differing === 0 ? comparison : await lookAgain(connection, pair, comparison, options))
  }
  return after
}

async function lookAgain(
  connection: Connection,
  pair: Pair,
  before: TableComparison,
  { all, signal }: { all: boolean; signal: AbortSignal },
): Promise<TableComparison> {
  const ids = before.differences.map(({ id }) => id)
  const first = await differencesOf(connection, pair, ids)
  const isSettling = first.length < ids.length
  const same = [...before.others].map(([id, kind]) => ({ id, kind }))
  if (!all && !isSettling) return { ...before, rows: rowsAfter(before, [...first, ...same]), differences: first }
  // Of those that were too many to be remembered nobody knows which they are.
  if (before.differing > ids.length + before.others.size) return await compareTable(connection, pair, { signal })
  const still: { id: number; kind: DifferenceKind }[] = []
  for (const some of inParts(same, MOST_IN_A_LIST)) {
    signal.throwIfAborted()
    const list = some.map(({ id }) => id)
    for (const one of await differingOf(connection, pair, { condition: 'id IN (?)', values: [list] })) still.push(one)
  }
  const told = still.splice(0, MOST_DIFFERENCES - first.length)
  const next = await differencesOf(
    connection,
    pair,
    told.map(({ id }) => id),
  )
  return {
    table: before.table,
    rows: rowsAfter(before, [...first, ...next, ...still]),
    differing: first.length + next.length + still.length,
    differences: [...first, ...next],
    others: new Map(still.map(({ id, kind }) => [id, kind])),
  }
}

/** How many rows both tables have when only these still differ; what does not any more is in both. */
function rowsAfter({ rows, differences, others }: TableComparison, still: readonly { id: number; kind: DifferenceKind }[]) {
  const now = new Map(still.map(({ id, kind }) => [id, kind]))
  let { live, rebuilt } = rows
  const count = (id: number, kind: DifferenceKind): void => {
    if (kind === 'new' && now.get(id) !== 'new') live += 1
    if (kind === 'missing' && now.get(id) !== 'missing') rebuilt += 1
  }
  for (const { id, kind } of differences) count(id, kind)
  for (const [id, kind] of others) count(id, kind)
  return { live, rebuilt }
}

/** Count and checksum over every column of every row, NULL told apart from empty. The same for equal tables on any server. */
export async function checksumTable(connection: Connection, table: string): Promise<{ rows: number; checksum: string }> {
  const columns = await columnsOf(connection, table)
  return await checksum(connection, table, columns, { from: 0, to: Number.MAX_SAFE_INTEGER })
}

async function pairOf(connection: Connection, live: string, rebuilt: string): Promise<Pair> {
  const both = new Set(await columnsOf(connection, rebuilt))
  return { table: live, live, rebuilt, columns: (await columnsOf(connection, live)).filter((column) => both.has(column)) }
}

async function compareTable(
  connection: Connection,
  pair: Pair,
  { signal, onRows }: { signal: AbortSignal; onRows?: (done: number) => void },
): Promise<TableComparison> {
  const rows = { live: 0, rebuilt: 0 }
  const differences: RowDifference[] = []
  const others = new Map<number, DifferenceKind>()
  let differing = 0
  for (let range = await nextRange(connection, pair, 0); range; range = await nextRange(connection, pair, range.to)) {
    signal.throwIfAborted()
    const [live, rebuilt] = await Promise.all(
      [pair.live, pair.rebuilt].map((table) => checksum(connection, table, pair.columns, range as Range)),
    )
    rows.live += live?.rows ?? 0
    rows.rebuilt += rebuilt?.rows ?? 0
    onRows?.(rows.rebuilt)
    if (live?.rows === rebuilt?.rows && live?.checksum === rebuilt?.checksum) continue
    const { from, to } = range
    const found = await differingOf(connection, pair, { condition: 'id > ? AND id <= ?', values: [from, to] })
    const told = found.splice(0, MOST_DIFFERENCES - differences.length)
    const first = await differencesOf(
      connection,
      pair,
      told.map(({ id }) => id),
    )
    differing += first.length + found.length
    differences.push(...first)
    for (const { id, kind } of found.slice(0, MOST_OTHERS - others.size)) others.set(id, kind)
  }
  return { table: pair.table, rows, differing, differences, others }
}

/** The ids behind `after` that hold the next chunk of either table. */
async function nextRange(connection: Connection, { live, rebuilt }: Pair, after: number): Promise<Range | undefined> {
  const ends = await Promise.all(
    [live, rebuilt].map(async (table) => {
      const [row] = await connection.query<{ last: number | null }[]>(
        'SELECT MAX(id) AS last FROM (SELECT id FROM ?? WHERE id > ? ORDER BY id LIMIT ?) chunk',
        [table, after, CHUNK],
      )
      return row?.last ?? null
    }),
  )
  const found = ends.filter((end) => end !== null)
  // A table that ends holds nothing more: then the other one alone says how far.
  return found.length === 0 ? undefined : { from: after, to: Math.min(...found) }
}

/** All columns of a row as one text, for a statement with their names as values. */
const lineOf = (columns: readonly string[]): string =>
  `CONCAT_WS('\\0', ${columns.map(() => "COALESCE(CONCAT('=', ??), '-')").join(', ')})`

async function checksum(connection: Connection, table: string, columns: readonly string[], { from, to }: Range) {
  const [row] = await connection.query<{ rows: number; folded: string | null; summed: string | null }[]>(
    `SELECT COUNT(*) AS \`rows\`, CAST(BIT_XOR(CRC32(line)) AS CHAR) AS folded, CAST(SUM(CRC32(line)) AS CHAR) AS summed
     FROM (SELECT ${lineOf(columns)} AS line FROM ?? WHERE id > ? AND id <= ?) row_texts`,
    [...columns, table, from, to],
  )
  return { rows: Number(row?.rows ?? 0), checksum: `${row?.folded ?? 0}:${row?.summed ?? 0}` }
}

/** Which rows are not alike in both tables, or in one of them only, of those that a condition names. */
async function differingOf(
  connection: Connection,
  { live, rebuilt, columns }: Pair,
  { condition, values }: { condition: string; values: readonly unknown[] },
): Promise<{ id: number; kind: DifferenceKind }[]> {
  const read = async (table: string) => {
    const rows = await connection.query<{ id: number; digest: number }[]>(
      `SELECT id, CRC32(${lineOf(columns)}) AS digest FROM ?? WHERE ${condition}`,
      [...columns, table, ...values],
    )
    return new Map(rows.map(({ id, digest }) => [Number(id), digest]))
  }
  const [ours, theirs] = [await read(live), await read(rebuilt)]
  const ids = [...new Set([...ours.keys(), ...theirs.keys()])].filter((id) => ours.get(id) !== theirs.get(id))
  return ids
    .toSorted((one, other) => one - other)
    .map((id) => ({ id, kind: !theirs.has(id) ? 'missing' : ours.has(id) ? 'different' : 'new' }))
}

async function differencesOf(connection: Connection, pair: Pair, ids: readonly number[]): Promise<RowDifference[]> {
  const differences: RowDifference[] = []
  for (const part of inParts(ids, WHOLE_ROWS)) {
    const read = (table: string) =>
      connection.query<Row[]>('SELECT ?? FROM ?? WHERE id IN (?) ORDER BY id', [pair.columns, table, part])
    differences.push(...differencesBetween(pair, await read(pair.live), await read(pair.rebuilt)))
  }
  return differences
}

function differencesBetween({ table, columns }: Pair, live: readonly Row[], rebuilt: readonly Row[]): RowDifference[] {
  const fresh = new Map(rebuilt.map((row) => [row['id'], row]))
  const differences: RowDifference[] = []
  for (const row of live) {
    const id = Number(row['id'])
    const other = fresh.get(row['id'] ?? null)
    fresh.delete(row['id'] ?? null)
    if (!other) {
      differences.push({ table, id, kind: 'missing', changes: [] })
      continue
    }
    const changes = columns
      .filter((column) => row[column] !== other[column])
      .map((column) => ({ column, live: row[column] ?? null, rebuilt: other[column] ?? null }))
    if (changes.length > 0) differences.push({ table, id, kind: 'different', changes })
  }
  for (const id of fresh.keys()) differences.push({ table, id: Number(id), kind: 'new', changes: [] })
  return differences
}
