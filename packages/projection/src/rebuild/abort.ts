import { type Connection, transactionOn } from '@tributary/database'
import { finishLeft } from './live-gate.ts'
import { builderOf, building } from './names.ts'
import type { BuildContext } from './partition-builder.ts'
import { isEnded, type RebuildRecord, type RebuildState, updateRebuild } from './record.ts'
import { asRunner } from './runner.ts'
import { dropTables } from './shadow-tables.ts'
import { forgetParked } from './swap.ts'

/**
 * Gives up a rebuild that has not ended and that nobody runs. Answers how it ended: 'aborted', or 'done' or 'rolled-back' when it was
 * behind its rename and could only be finished; undefined when none is under way. Throws like `rebuildProjection`.
 */
export function abortRebuild(options: Pick<BuildContext, 'projection' | 'database'>): Promise<RebuildState | undefined> {
  return asRunner(options, async (session) => {
    const { before, after } = await finishLeft(session, options.projection)
    if (!before || !after || isEnded(before)) return undefined
    if (isEnded(after)) return after.state
    await abort(session, options, after)
    return 'aborted'
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
