import type { Connection } from '@tributary/database'
import type { Projection } from '../definition.ts'
import { ProjectionError } from '../errors.ts'
import { readGeneration } from './generation.ts'
import { rebuildOf } from './record.ts'

/** The version by which the live tables were made; of those that no rebuild made, in the first generation, the least. Throws DatabaseError. */
export async function liveVersion(connection: Connection, projection: Pick<Projection, 'name'>): Promise<number> {
  return (await rebuildOf(connection, projection, await readGeneration(connection, projection)))?.version ?? 1
}

/**
 * Refuses a projection that is older than the one by which the live tables were made: what it folds would stand between rows of
 * another shape. Tables that no rebuild made take every version. Throws ProjectionError PROJECTION_OUTDATED, and DatabaseError.
 */
export async function refuseOutdated(connection: Connection, projection: Pick<Projection, 'name' | 'version'>): Promise<void> {
  const { name, version = 1 } = projection
  const live = await liveVersion(connection, projection)
  if (live <= version) return
  throw new ProjectionError(
    'PROJECTION_OUTDATED',
    `The tables of ${name} are those of its version ${live}, and this release has version ${version}, so it leaves them alone. Run the release that rebuilt them, or go back: tributary rebuild ${name} --rollback`,
  )
}
