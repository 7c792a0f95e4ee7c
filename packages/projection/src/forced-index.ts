import { type Connection, DatabaseError } from '@tributary/database'

/** An index that may be forced, with the columns by which it looks, in their order. */
export type ForcibleIndex = { name: string; columns: readonly string[] }

type Shown = {
  Key_name: string
  Column_name: string | null
  Sub_part: number | null
  Index_type: string
  /** Of MySQL 8. */
  Visible?: 'YES' | 'NO'
  /** Of MariaDB. */
  Ignored?: 'YES' | 'NO'
}

/** The indexes of a table that are ordered by whole columns, and that the server does not ignore. Throws DatabaseError. */
export async function forcibleIndexes(connection: Connection, table: string): Promise<ForcibleIndex[]> {
  const shown = await connection.query<Shown[]>('SHOW INDEX FROM ??', [table])
  return [...Map.groupBy(shown, ({ Key_name }) => Key_name)].flatMap(([name, parts]) => {
    const columns = parts.map(({ Column_name }) => Column_name).filter((column) => column !== null)
    const isUsable = parts.every(
      (part) => part.Index_type === 'BTREE' && part.Sub_part === null && part.Visible !== 'NO' && part.Ignored !== 'YES',
    )
    return isUsable && columns.length === parts.length ? [{ name, columns }] : []
  })
}

/**
 * Makes a function that hands on what `read` answered, the names of indexes, and reads them anew behind a statement that was refused:
 * who looks after the database may have put a better index in the place of one whose name is remembered here.
 */
export function whileUsable<T>(read: (connection: Connection) => Promise<T>) {
  let known: T | undefined
  return async <R>(connection: Connection, work: (known: T) => Promise<R>): Promise<R> => {
    known ??= await read(connection)
    try {
      return await work(known)
    } catch (error) {
      if (error instanceof DatabaseError && error.code === 'DATABASE_SCHEMA_MISMATCH') known = undefined
      throw error
    }
  }
}
