import type { Connection } from '@tributary/database'
import type { Projection, TableDefinition } from '../definition.ts'
import type { PhysicalName } from '../load-states.ts'
import { makeMarker } from './generation.ts'
import { building, markerOf, swappedTables } from './names.ts'

/**
 * Makes the empty tables of a generation as the live ones are, with the columns that the projection has and they have not
 * yet (`TableDefinition.added`). Repeated after a crash it makes what is missing.
 */
export async function makeShadowTables(connection: Connection, projection: Projection, generation: number): Promise<void> {
  const physical = building(generation)
  for (const table of projection.tables) {
    const shadow = physical(table.name)
    await connection.query('CREATE TABLE IF NOT EXISTS ?? LIKE ??', [shadow, table.name])
    await addColumns(connection, shadow, table)
  }
  await makeMarker(connection, markerOf(projection), generation - 1)
  await makeMarker(connection, physical(markerOf(projection)), generation)
}

/** Removes all tables of a projection that have a name of this kind. */
export async function dropTables(connection: Connection, projection: Projection, physical: PhysicalName): Promise<void> {
  await connection.query('DROP TABLE IF EXISTS ??', [swappedTables(projection).map(physical)])
}

/** Which of the names are tables: of this database, or of the one that a name begins with. */
export async function existingTables(connection: Connection, names: readonly string[]): Promise<Set<string>> {
  const found = new Set<string>()
  const bySchema = Map.groupBy(names, (name) => (name.includes('.') ? (name.split('.')[0] ?? '') : null))
  for (const [schema, inSchema] of bySchema) {
    const rows = await connection.query<{ name: string }[]>(
      `SELECT table_name AS name FROM information_schema.tables
       WHERE table_schema = COALESCE(?, DATABASE()) AND table_name IN (?)`,
      [schema, inSchema.map((name) => name.split('.').at(-1))],
    )
    for (const { name } of rows) found.add(schema === null ? name : `${schema}.${name}`)
  }
  return found
}

async function addColumns(connection: Connection, shadow: string, { added = [] }: TableDefinition): Promise<void> {
  if (added.length === 0) return
  const present = new Set(await columnsOf(connection, shadow))
  for (const { column, definition } of added)
    if (!present.has(column)) await connection.query(`ALTER TABLE ?? ADD COLUMN ?? ${definition}`, [shadow, column])
}

/** The columns of a table, in order. */
export async function columnsOf(connection: Connection, table: string): Promise<string[]> {
  const rows = await connection.query<{ name: string }[]>(
    `SELECT column_name AS name FROM information_schema.columns
     WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ? ORDER BY ordinal_position`,
    table.includes('.') ? table.split('.') : [null, table],
  )
  return rows.map(({ name }) => name)
}
