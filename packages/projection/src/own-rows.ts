import { type Connection, DatabaseError } from '@tributary/database'
import { inParts } from '@tributary/runtime'
import type { Row, TableDefinition } from './definition.ts'
import { ProjectionError } from './errors.ts'

/** Ids in one SELECT. Servers make other, worse plans for lists of more than 1,000. */
const MOST_IN_A_LIST = 500

export type Written = { table: TableDefinition; physical: string; rows: readonly Row[] }

/**
 * Ends when `writing` has ended and every row of it stands under its own id. In a table with a unique index besides its
 * primary key, an upsert of a new row that finds its place taken changes the row that has it and says nothing. What the
 * index takes for the same is the database's to say: its collation tells apart neither upper and lower case, nor accents,
 * nor spaces at the end. Throws ProjectionError PROJECTION_PLACE_TAKEN, and what `writing` throws.
 */
export async function untilOwn(connection: Connection, written: Written, writing: Promise<void>): Promise<void> {
  const { table, physical, rows } = written
  if (!table.unique) return await writing
  try {
    await writing
  } catch (error) {
    const isTaken = error instanceof DatabaseError && error.code === 'DATABASE_DUPLICATE'
    throw (isTaken ? await placeTaken(connection, written, rows) : undefined) ?? error
  }
  if ((await countStanding(connection, physical, rows)) === rows.length) return
  const missing = await missingOf(connection, physical, rows)
  throw (await placeTaken(connection, written, missing)) ?? new TypeError(`A row of ${table.name} was not written.`)
}

async function countStanding(connection: Connection, physical: string, rows: readonly Row[]): Promise<number> {
  let standing = 0
  for (const some of inParts(rows, MOST_IN_A_LIST)) {
    const ids = some.map(({ id }) => id)
    const [found] = await connection.query<{ count: number }[]>('SELECT COUNT(*) AS count FROM ?? WHERE id IN (?)', [
      physical,
      ids,
    ])
    standing += Number(found?.count)
  }
  return standing
}

async function missingOf(connection: Connection, physical: string, rows: readonly Row[]): Promise<Row[]> {
  const missing: Row[] = []
  for (const row of rows) if ((await countStanding(connection, physical, [row])) === 0) missing.push(row)
  return missing
}

/** The error that names the first of the rows whose place another one has. */
async function placeTaken(
  connection: Connection,
  { table, physical }: Written,
  rows: readonly Row[],
): Promise<ProjectionError | undefined> {
  const columns = table.unique ?? []
  for (const row of rows) {
    const [owner] = await connection.query<{ id: number }[]>(
      `SELECT id FROM ?? WHERE ${columns.map(() => '?? = ?').join(' AND ')} AND id <> ? LIMIT 1`,
      [physical, ...columns.flatMap((column) => [column, row[column]]), row['id']],
    )
    if (owner)
      return new ProjectionError(
        'PROJECTION_PLACE_TAKEN',
        `Row ${row['id']} of ${table.name} has no place beside row ${owner.id}: the unique index over ${columns.join(', ')} takes both for one, as it does not tell apart upper and lower case, accents, or spaces at the end.`,
      )
  }
  return undefined
}
