import { type Connection, transactionOn } from '@tributary/database'
import type { Projection } from '../definition.ts'
import { readGeneration } from './generation.ts'
import { finishLeft } from './live-gate.ts'
import { building, retired, swappedTables } from './names.ts'
import type { RebuildEvent } from './options.ts'
import type { BuildContext } from './partition-builder.ts'
import { isEnded, type RebuildRecord, rebuildOf, updateRebuild } from './record.ts'
import { asRunner, refused } from './runner.ts'
import { dropTables, existingTables } from './shadow-tables.ts'
import { fence, settleRollback, swapBack } from './swap.ts'
import { swapPatiently } from './swap-patiently.ts'
import { refuseHanging } from './table-shape.ts'

/** `times` is missing of one that an earlier run had brought behind its rename. */
export type Rollback = { generation: number; times?: { renameMilliseconds: number; fencedMilliseconds: number } }

/**
 * Puts the tables back that the last swap took out, also when rebuilds behind it were given up; the live consumer then applies to them what came since. One that was
 * interrupted goes on, or is finished. Throws
 * ProjectionError PROJECTION_REBUILD_REFUSED when there are none.
 */
export function rollBackRebuild(
  options: Pick<BuildContext, 'projection' | 'database'> & { signal: AbortSignal; onEvent?: (event: RebuildEvent) => void },
): Promise<Rollback> {
  const { projection } = options
  return asRunner(options, async (session) => {
    const { before, after } = await finishLeft(session, projection)
    if (before?.state === 'rolling-back' && after?.state === 'rolled-back') return await endRollback(session, projection, after)
    const live = await rebuildOf(session, projection, await readGeneration(session, projection))
    const record = after && isEnded(after) ? live : after
    if (record?.state !== 'done')
      throw refused(
        `The last rebuild of ${projection.name} is ${after?.state ?? 'none'}; only one that is done can be rolled back.`,
      )
    const old = swappedTables(projection).map(retired(record.generation - 1))
    if ((await existingTables(session, old)).size < old.length)
      throw refused(`The tables of ${projection.name} from before the last rebuild are gone.`)
    await refuseHanging(session, projection)
    const times = await swapPatiently(options, async () => {
      const began = performance.now()
      await fence(session, projection, record, 'rolling-back')
      let renameMilliseconds: number
      try {
        renameMilliseconds = await swapBack(session, projection, record.generation)
      } catch (error) {
        await updateRebuild(session, record, { state: 'done' })
        throw error
      }
      await transactionOn(session, (connection) => settleRollback(connection, projection, record))
      return { renameMilliseconds, fencedMilliseconds: performance.now() - began }
    })
    return { ...(await endRollback(session, projection, record)), times }
  })
}

async function endRollback(session: Connection, projection: Projection, { generation }: RebuildRecord): Promise<Rollback> {
  await dropTables(session, projection, building(generation))
  return { generation: await readGeneration(session, projection) }
}
