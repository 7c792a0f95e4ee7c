import type { Connection } from '@tributary/database'
import type { Projection } from '../definition.ts'
import { markerOf } from './names.ts'

/**
 * The generation of the tables that readers see: 1 until the first rebuild. It stands in a table comment because a comment
 * travels with RENAME TABLE, in the one statement that swaps: after a crash it says, beyond doubt, which side we are on.
 * The given tables keep the comments of their contract, so a marker table of ours carries it. Throws DatabaseError.
 */
export async function readGeneration(connection: Connection, projection: Pick<Projection, 'name'>): Promise<number> {
  const [row] = await connection.query<{ comment: string }[]>(
    'SELECT table_comment AS comment FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?',
    [markerOf(projection)],
  )
  return row ? Number(/^generation (\d+)$/.exec(row.comment)?.[1] ?? 1) : 1
}

/** Makes a marker of a generation, unless it is there. */
export async function makeMarker(connection: Connection, table: string, generation: number): Promise<void> {
  await connection.query(
    `CREATE TABLE IF NOT EXISTS ?? (id TINYINT NOT NULL PRIMARY KEY) ENGINE = InnoDB COMMENT = 'generation ${Math.trunc(generation)}'`,
    [table],
  )
}
