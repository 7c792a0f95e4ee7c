/**
 * A projection made again beside the live one, and put in its place by one rename, so that a reader sees the old tables or
 * the new ones and never a mix. The state stands in `tributary_rebuild`; whoever runs it holds a named lock on a connection
 * of its own and writes the state on that very connection, so that a runner that was given up for dead cannot go on.
 *
 *   planned       The record is written: the generation to be, and the end of the log at this moment. → building
 *   building      Tables `…__rebuild_N` are made as the live ones are, and filled from the beginning of the log by several
 *                 partitions at once, each with a cursor of its own (`<projection>__rebuild_N`). → catching-up
 *   catching-up   The same, to where the log ends now, until little is missing. → verifying
 *   verifying     Every row is compared with the live one while both go on. What differs is reported; the caller decides.
 *                 → fenced; refused → stays, until it is resumed or aborted
 *   fenced        The live consumer's epochs were bumped and it may not take a partition (live-gate.ts). The builder comes
 *                 to where the live tables stand, and the tables are renamed, all in one statement. Could the lock on the tables not be had → catching-up, and the live consumer goes on; else → done
 *   done          The live consumer's cursors stand where the builder stood; its parked keys are the builder's. The old
 *                 tables stay as `…__old_N` until the next rebuild, for a rollback. → rolling-back
 *   aborted       Reached from all states before the swap: the built tables are gone.
 *   rolling-back  As fenced, for the way back. → rolled-back
 *   rolled-back   The old tables are live again; the consumer applies to them what came since the swap.
 *
 * Killed at any point, the next command goes on from the state, and for `fenced` and `rolling-back` the comment of the
 * projection's marker table says whether the rename had happened (generation.ts). A live consumer that finds the lock free
 * in those states settles them itself, so nothing stands still until somebody comes.
 */
import { type Connection, transactionOn } from '@tributary/database'
import type { Projection } from '../definition.ts'
import { abort } from './abort.ts'
import { type Builder, createBuilder } from './build.ts'
import { type ComparisonProgress, compareTables, type TableComparison } from './compare.ts'
import { readGeneration } from './generation.ts'
import { finishLeft } from './live-gate.ts'
import { building, retired, retiredConsumer } from './names.ts'
import type { RebuildOptions, RebuildOutcome } from './options.ts'
import { isEnded, latestRebuild, planRebuild, type RebuildRecord, type RebuildState, updateRebuild } from './record.ts'
import { asRunner, refused } from './runner.ts'
import { settleComparison } from './settled-comparison.ts'
import { dropTables, makeShadowTables } from './shadow-tables.ts'
import { fence, forgetParked, settleSwap, swapTables } from './swap.ts'
import { swapPatiently } from './swap-patiently.ts'
import { refuseHanging, takeOverIndexes } from './table-shape.ts'
import { liveVersion } from './version.ts'
import { buildWatched, Requested, watched } from './watched-build.ts'

/** Events that may be missing when the live consumer is stopped for the swap: a fraction of a second's work. */
const LITTLE = 500

/** What the steps of one run share. `session` holds the projection's lock. */
type Run = { session: Connection; options: RebuildOptions; record: RebuildRecord }

/**
 * Rebuilds a projection, or goes on with a rebuild that was interrupted; one that was interrupted behind its rename is finished, and
 * no other begun. Throws ProjectionError PROJECTION_REBUILD_REFUSED
 * when another process is at it, PROJECTION_SWAP_BLOCKED when the tables could not be had in twenty tries, the reason of
 * `signal`, DatabaseError and EventLogError; what was built stays for the next call.
 */
export function rebuildProjection(options: RebuildOptions): Promise<RebuildOutcome> {
  return asRunner(options, async (session) => {
    const { before, after } = await finishLeft(session, options.projection)
    if (before && after && !isEnded(before) && isEnded(after))
      return { kind: 'finished', generation: after.generation, state: after.state }
    const record = after && !isEnded(after) ? await takeUp(session, options, after) : await begin(session, options, after)
    try {
      return await run({ session, options, record })
    } catch (error) {
      if (!(error instanceof Requested)) throw error
      if (error.requested === 'pause') {
        await updateRebuild(session, record, { requested: '' })
        return { kind: 'paused', generation: record.generation }
      }
      await abort(session, options, record)
      return { kind: 'aborted', generation: record.generation }
    }
  })
}

async function takeUp(session: Connection, { projection }: RebuildOptions, record: RebuildRecord): Promise<RebuildRecord> {
  const { name, version = 1 } = projection
  if (record.version !== version)
    throw refused(
      `The rebuild of ${name} to generation ${record.generation} was begun by its version ${record.version}, and this release has version ${version}. Give it up with --abort, and begin anew.`,
    )
  // What was asked of a run before this one was not meant for this one.
  await updateRebuild(session, record, { requested: '' })
  return record
}

async function begin(
  session: Connection,
  { projection, log }: RebuildOptions,
  last: RebuildRecord | undefined,
): Promise<RebuildRecord> {
  const live = await readGeneration(session, projection)
  const generation = Math.max(live, last?.generation ?? 1) + 1
  // What was aborted, or rolled back by a live consumer, should have been gone already.
  for (let unused = live + 1; unused < generation; unused += 1) await dropTables(session, projection, building(unused))
  await planRebuild(session, projection, generation, await log.ends(projection.topic))
  const planned = await latestRebuild(session, projection)
  if (planned) return planned
  throw refused(`The rebuild of ${projection.name} was written down and is not there.`)
}

async function run(running: Run): Promise<RebuildOutcome> {
  const { session, options, record } = running
  const { projection, pace, startThread } = options
  const { generation } = record
  await enter(running, 'building')
  const builder = await createBuilder(options, generation, pace, startThread)
  try {
    // Threads load while the server makes tables.
    builder.begin(record.targets)
    await makeShadowTables(session, projection, generation)
    await buildWatched(session, options, builder, record.targets)
    await catchUp(running, builder)
    const comparisons = await verify(running, builder)
    if (!(await options.accept(comparisons))) return { kind: 'refused', generation, comparisons }
    const isNewVersion = record.version > (await liveVersion(session, projection))
    // What the rebuild before left has had its time: until here it could be rolled back.
    await forgetRetired(session, projection)
    const times = await swapPatiently(options, () => swap(running, builder))
    return { kind: 'done', generation, comparisons, ...times, isNewVersion }
  } finally {
    await builder.close()
  }
}

async function forgetRetired(session: Connection, projection: Projection): Promise<void> {
  const live = await readGeneration(session, projection)
  await dropTables(session, projection, retired(live - 1))
  await forgetParked(session, retiredConsumer(projection, live - 1))
}

async function enter({ session, options, record }: Run, state: RebuildState): Promise<void> {
  await updateRebuild(session, record, { state })
  options.onEvent?.({ kind: 'state', state, generation: record.generation })
}

async function catchUp(running: Run, builder: Builder): Promise<void> {
  const { session, options } = running
  const { log, projection } = options
  await enter(running, 'catching-up')
  for (;;) {
    const ends = await log.ends(projection.topic)
    const at = await builder.positions()
    const missing = ends.reduce((sum, end, partition) => sum + Math.max(0, end - (at.get(partition) ?? 0)), 0)
    await buildWatched(session, options, builder, ends)
    if (missing <= LITTLE) return
  }
}

async function verify(running: Run, builder: Builder): Promise<TableComparison[]> {
  const { session, options, record } = running
  await enter(running, 'verifying')
  const { database, projection, log } = options
  const onProgress = (tables: ComparisonProgress[]) => options.onEvent?.({ kind: 'comparing', tables })
  const found = await watched(session, options, (signal) =>
    compareTables(database, projection, building(record.generation), { signal, onProgress }),
  )
  const comparisons = await settleComparison(options, record, found, async () =>
    buildWatched(session, options, builder, await log.ends(projection.topic)),
  )
  options.onEvent?.({ kind: 'compared', comparisons })
  await updateRebuild(session, record, { differences: comparisons.reduce((sum, { differing }) => sum + differing, 0) })
  return comparisons
}

/** From the fence to the end. Steps back to where the live consumer goes on when anything keeps it from renaming. */
async function swap({ session, options, record }: Run, builder: Builder) {
  const { projection, log } = options
  await refuseHanging(session, projection)
  await takeOverIndexes(session, projection, building(record.generation))
  await buildWatched(session, options, builder, await log.ends(projection.topic))
  const began = performance.now()
  const positions = await fence(session, projection, record, 'fenced')
  options.onEvent?.({ kind: 'state', state: 'fenced', generation: record.generation })
  let renameMilliseconds: number
  try {
    await builder.buildTo(positions, options.signal)
    renameMilliseconds = await swapTables(session, projection, record.generation)
  } catch (error) {
    await updateRebuild(session, record, { state: 'catching-up' })
    throw error
  }
  await transactionOn(session, (connection) => settleSwap(connection, projection, record))
  options.onEvent?.({ kind: 'state', state: 'done', generation: record.generation })
  return { renameMilliseconds, fencedMilliseconds: performance.now() - began }
}
