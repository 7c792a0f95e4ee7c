import { type Connection, transactionOn } from '@tributary/database'
import { finishHalfWay } from './live-gate.ts'
import { builderOf, building } from './names.ts'
import type { BuildContext } from './partition-builder.ts'
import { isEnded, latestRebuild, type RebuildRecord, updateRebuild } from './record.ts'
import { asRunner } from './runner.ts'
import { dropTables } from './shadow-tables.ts'
import { forgetParked } from './swap.ts'

/** Gives up a rebuild that has not ended and that nobody runs; false when there is none. Throws like `rebuildProjection`. */
export function abortRebuild(options: Pick<BuildContext, 'projection' | 'database'>): Promise<boolean> {
  return asRunner(options, async (session) => {
    const record = await latestRebuild(session, options.projection)
    if (!record || isEnded(record)) return false
    await transactionOn(session, (connection) => finishHalfWay(connection, options.projection, record))
    const now = await latestRebuild(session, options.projection)
    if (!now || isEnded(now)) return false
    await abort(session, options, now)
    return true
  })
}

/** Ends a rebuild before its swap and removes what it built. Only for who holds the lock. */
export async function abort(
  session: Connection,
  { projection }: Pick<BuildContext, 'projection'>,
  record: RebuildRecord,
): Promise<void> {
  const builder = builderOf(projection, record.generation)
  // The cursors first: tables that were gone while cursors still said that they were full could be taken up again.
  await transactionOn(session, async (connection) => {
    await forgetParked(connection, builder)
    await connection.query('DELETE FROM tributary_cursor WHERE consumer = ?', [builder])
    await updateRebuild(connection, record, { state: 'aborted', requested: '' })
  })
  await dropTables(session, projection, building(record.generation))
}
