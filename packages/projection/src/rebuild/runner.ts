import { type Connection, DatabaseError, isLockHeld, keptAwake, withNamedLock } from '@tributary/database'
import { ProjectionError } from '../errors.ts'
import { lockOf } from './names.ts'
import type { BuildContext } from './partition-builder.ts'
import { latestRebuild } from './record.ts'

/** The server ends the runner's connection when it is silent for so long, seconds. */
const IDLE = 30

/**
 * Runs `work` while holding the projection's lock, and keeps its connection awake. Throws ProjectionError
 * PROJECTION_REBUILD_REFUSED when another process holds it.
 */
export async function asRunner<T>(
  { projection, database }: Pick<BuildContext, 'projection' | 'database'>,
  work: (session: Connection) => Promise<T>,
): Promise<T> {
  let isOurs = false
  try {
    return await withNamedLock(database, { name: lockOf(projection), idleSeconds: IDLE }, (session) => {
      isOurs = true
      return keptAwake(session, IDLE, () => work(session))
    })
  } catch (error) {
    // A statement of the work may have waited in vain for a lock, too: that is another's, and another message.
    if (isOurs || !(error instanceof DatabaseError && error.code === 'DATABASE_LOCK_TIMEOUT')) throw error
    const record = await latestRebuild(database, projection)
    throw refused(
      `Another process (${record?.runner ?? 'unknown'}) is rebuilding ${projection.name}. See: tributary projection status`,
      error,
    )
  }
}

/** Whether some process is rebuilding a projection, or rolls it back, now. Throws DatabaseError. */
export const isBeingRebuilt = (database: Connection, projection: Pick<BuildContext['projection'], 'name'>): Promise<boolean> =>
  isLockHeld(database, lockOf(projection))

export const refused = (message: string, cause?: unknown): ProjectionError =>
  new ProjectionError('PROJECTION_REBUILD_REFUSED', message, { cause })
