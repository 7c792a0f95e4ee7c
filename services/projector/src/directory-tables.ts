import type { Database } from '@tributary/database'
import type { Projection } from '@tributary/projection'

/**
 * Makes the tables of a directory that stands in another database than ours, as ours are. The database itself is the
 * operator's to make, with the right to create tables in it. Throws DatabaseError.
 */
export async function makeDirectoryTables(database: Database, projections: readonly Projection[]): Promise<void> {
  for (const { name } of projections.flatMap(({ tables }) => tables)) {
    const [schema, table] = name.split('.')
    if (schema && table) await database.query('CREATE TABLE IF NOT EXISTS ?? LIKE ??', [name, table])
  }
}
