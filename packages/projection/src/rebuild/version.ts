import type { Connection } from '@tributary/database'
import type { Projection } from '../definition.ts'
import { ProjectionError } from '../errors.ts'
import { readGeneration } from './generation.ts'

/**
 * Refuses a projection that is older than the one by which the live tables were made: what it folds would stand between rows of
 * another shape. Tables that no rebuild made, those of the first generation, take every version. Throws ProjectionError
 * PROJECTION_OUTDATED, and DatabaseError.
 */
export async function refuseOutdated(connection: Connection, projection: Pick<Projection, 'name' | 'version'>): Promise<void> {
  const { name, version = 1 } = projection
  const generation = await readGeneration(connection, projection)
  const [row] = await connection.query<{ version: number }[]>(
    'SELECT version FROM tributary_rebuild WHERE projection = ? AND generation = ?',
    [name, generation],
  )
  if (!row || row.version <= version) return
  throw new ProjectionError(
    'PROJECTION_OUTDATED',
    `The tables of ${name} (generation ${generation}) are those of its version ${row.version}, and this release has version ${version}, so it leaves them alone. Run the release that rebuilt them, or go back: tributary rebuild ${name} --rollback`,
  )
}
