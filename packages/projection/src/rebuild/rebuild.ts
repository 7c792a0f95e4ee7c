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
import { readCursors } from '@tributary/consumer'
import { type Connection, DatabaseError, transactionOn, withNamedLock } from '@tributary/database'
import type { Position } from '@tributary/event-log'
import { pause } from '@tributary/runtime'
import { ProjectionError } from '../errors.ts'
import { type BuildContext, type Builder, createBuilder, type Pace, type PartitionProgress } from './build.ts'
import { compareTables, type RowDifference, recheck, type TableComparison } from './compare.ts'
import { readGeneration } from './generation.ts'
import { finishHalfWay } from './live-gate.ts'
import { builderOf, building, lockOf, retired, retiredConsumer, swappedTables } from './names.ts'
import { isEnded, latestRebuild, planRebuild, type RebuildRecord, type RebuildState, updateRebuild } from './record.ts'
import { dropTables, existingTables, makeShadowTables } from './shadow-tables.ts'
import { fence, forgetParked, settleRollback, settleSwap, swapBack, swapTables } from './swap.ts'

export type RebuildEvent =
  | { kind: 'state'; state: RebuildState; generation: number }
  | { kind: 'progress'; partitions: PartitionProgress[] }
  | { kind: 'compared'; comparisons: TableComparison[] }
  | { kind: 'swap-blocked'; message: string }

export type RebuildOptions = BuildContext & {
  pace: Pace
  signal: AbortSignal
  onEvent?: (event: RebuildEvent) => void
  /** Told, before the swap, whether and what differs; false leaves the rebuild as it is, to be resumed or aborted. */
  accept: (comparisons: TableComparison[]) => Promise<boolean>
}

export type RebuildOutcome =
  | { kind: 'done'; generation: number; comparisons: TableComparison[]; renameMilliseconds: number; fencedMilliseconds: number }
  | { kind: 'refused'; generation: number; comparisons: TableComparison[] }
  | { kind: 'paused'; generation: number }
  | { kind: 'aborted'; generation: number }

/** The server ends the runner's connection when it is silent for so long, seconds; it speaks every third of that. */
const IDLE = 30
/** Events that may be missing when the live consumer is stopped for the swap: a fraction of a second's work. */
const LITTLE = 500
const MOST_SWAPS = 20
const SWAP_PAUSE = 1_000
const PROGRESS_EVERY = 200
const AGAIN = 200

/** Thrown inside a run to end it as somebody asked. */
class Requested extends Error {
  readonly requested: 'pause' | 'abort'
  constructor(requested: 'pause' | 'abort') {
    super(`The rebuild was asked to ${requested}.`)
    this.requested = requested
  }
}

/**
 * Rebuilds a projection, or goes on with a rebuild that was interrupted. Throws ProjectionError PROJECTION_REBUILD_REFUSED
 * when another process is at it, PROJECTION_SWAP_BLOCKED when the tables could not be had in twenty tries, the reason of
 * `signal`, DatabaseError and EventLogError; what was built stays for the next call.
 */
export function rebuildProjection(options: RebuildOptions): Promise<RebuildOutcome> {
  return asRunner(options, async (session) => {
    const record = await beginOrResume(session, options)
    try {
      return await run(session, options, record)
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

/**
 * Puts the tables back that the last rebuild took out; the live consumer then applies to them what came since. Throws
 * ProjectionError PROJECTION_REBUILD_REFUSED when there are none.
 */
export function rollBackRebuild(
  options: Pick<BuildContext, 'projection' | 'database'> & { signal: AbortSignal; onEvent?: (event: RebuildEvent) => void },
): Promise<{ generation: number }> {
  const { projection } = options
  return asRunner(options, async (session) => {
    const found = await latestRebuild(session, projection)
    if (found && !isEnded(found)) await transactionOn(session, (connection) => finishHalfWay(connection, projection, found))
    const record = await latestRebuild(session, projection)
    if (record?.state !== 'done')
      throw refused(
        `The last rebuild of ${projection.name} is ${record?.state ?? 'none'}; only one that is done can be rolled back.`,
      )
    const old = swappedTables(projection).map(retired(record.generation - 1))
    if ((await existingTables(session, old)).size < old.length)
      throw refused(`The tables of ${projection.name} from before the last rebuild are gone.`)
    await swapPatiently(options, async () => {
      await fence(session, projection, record, 'rolling-back')
      try {
        await swapBack(session, projection, record.generation)
      } catch (error) {
        await updateRebuild(session, record, { state: 'done' })
        throw error
      }
    })
    await transactionOn(session, (connection) => settleRollback(connection, projection, record))
    await dropTables(session, projection, building(record.generation))
    return { generation: await readGeneration(session, projection) }
  })
}

/** Runs `work` while holding the projection's lock, and keeps its connection awake. */
async function asRunner<T>(
  { projection, database }: Pick<BuildContext, 'projection' | 'database'>,
  work: (session: Connection) => Promise<T>,
): Promise<T> {
  try {
    return await withNamedLock(database, { name: lockOf(projection), idleSeconds: IDLE }, async (session) => {
      const awake = setInterval(() => void session.query('DO 1').catch(() => {}), (IDLE * 1_000) / 3)
      try {
        return await work(session)
      } finally {
        clearInterval(awake)
      }
    })
  } catch (error) {
    if (!(error instanceof DatabaseError && error.code === 'DATABASE_LOCK_TIMEOUT')) throw error
    const record = await latestRebuild(database, projection)
    throw refused(
      `Another process (${record?.runner ?? 'unknown'}) is rebuilding ${projection.name}. See: tributary projection status`,
      error,
    )
  }
}

async function beginOrResume(session: Connection, { projection, log }: RebuildOptions): Promise<RebuildRecord> {
  const found = await latestRebuild(session, projection)
  if (found && !isEnded(found)) {
    await transactionOn(session, (connection) => finishHalfWay(connection, projection, found))
    const settled = await latestRebuild(session, projection)
    if (settled && !isEnded(settled)) return settled
  }
  const live = await readGeneration(session, projection)
  const generation = Math.max(live, found?.generation ?? 1) + 1
  // What an aborted one built should have been gone already.
  if (found) await dropTables(session, projection, building(found.generation))
  await planRebuild(session, projection, generation, await log.ends(projection.topic))
  const planned = await latestRebuild(session, projection)
  if (planned) return planned
  throw refused(`The rebuild of ${projection.name} was written down and is not there.`)
}

async function run(session: Connection, options: RebuildOptions, record: RebuildRecord): Promise<RebuildOutcome> {
  const { projection, pace } = options
  const { generation } = record
  await enter(session, options, record, 'building')
  // What the rebuild before left has had its time for a rollback; the record of this one already says that there is none.
  const live = await readGeneration(session, projection)
  await dropTables(session, projection, retired(live - 1))
  await forgetParked(session, retiredConsumer(projection, live - 1))
  await makeShadowTables(session, projection, generation)
  const builder = await createBuilder(options, generation, pace)
  await build(session, options, builder, record.targets)
  const comparisons = await catchUpAndCompare(session, options, record, builder)
  await updateRebuild(session, record, { differences: comparisons.reduce((sum, { differing }) => sum + differing, 0) })
  if (!(await options.accept(comparisons))) return { kind: 'refused', generation, comparisons }
  const times = await swapPatiently(options, () => swap(session, options, record, builder))
  return { kind: 'done', generation, comparisons, ...times }
}

async function enter(session: Connection, options: RebuildOptions, record: RebuildRecord, state: RebuildState): Promise<void> {
  await updateRebuild(session, record, { state })
  options.onEvent?.({ kind: 'state', state, generation: record.generation })
}

/** Builds to some positions, telling how it goes and listening to requests. */
async function build(
  session: Connection,
  { signal, onEvent, projection }: Pick<RebuildOptions, 'signal' | 'onEvent' | 'projection'>,
  builder: Builder,
  targets: readonly Position[],
): Promise<void> {
  const ending = new AbortController()
  const tell = () => onEvent?.({ kind: 'progress', partitions: builder.progress() })
  const watching = watchRequests(session, projection, ending, tell)
  let failure: unknown
  try {
    await builder.buildTo(targets, AbortSignal.any([signal, ending.signal]))
  } catch (error) {
    failure = error
  }
  ending.abort()
  const end = await watching
  if (end ?? failure) throw end ?? failure
  tell()
}

/** Tells how it goes until `ending` aborts; aborts it when somebody asks for that, or when the lock may be lost, and says why. */
async function watchRequests(
  session: Connection,
  projection: BuildContext['projection'],
  ending: AbortController,
  tell: () => void,
): Promise<unknown> {
  try {
    while (!ending.signal.aborted) {
      tell()
      const requested = (await latestRebuild(session, projection))?.requested
      if (requested === 'pause' || requested === 'abort') throw new Requested(requested)
      await pause(PROGRESS_EVERY, ending.signal)
    }
    return undefined
  } catch (error) {
    ending.abort(error)
    return error
  }
}

async function catchUpAndCompare(
  session: Connection,
  options: RebuildOptions,
  record: RebuildRecord,
  builder: Builder,
): Promise<TableComparison[]> {
  const { projection, database, signal, onEvent } = options
  await catchUp(session, options, record, builder)
  await enter(session, options, record, 'verifying')
  const comparisons = await compareTables(database, projection, building(record.generation), { signal })
  const settled = await withoutPassing(options, record, builder, session, comparisons)
  onEvent?.({ kind: 'compared', comparisons: settled })
  return settled
}

async function catchUp(session: Connection, options: RebuildOptions, record: RebuildRecord, builder: Builder): Promise<void> {
  const { log, projection } = options
  await enter(session, options, record, 'catching-up')
  for (;;) {
    const ends = await log.ends(projection.topic)
    const at = await builder.positions()
    const missing = ends.reduce((sum, end, partition) => sum + Math.max(0, end - (at.get(partition) ?? 0)), 0)
    await build(session, options, builder, ends)
    if (missing <= LITTLE) return
  }
}

/**
 * Rows may differ only because one table was ahead of the other. Those are looked at again, when the builder has come to
 * where the live tables stand; what still differs after some looks differs.
 */
async function withoutPassing(
  options: RebuildOptions,
  record: RebuildRecord,
  builder: Builder,
  session: Connection,
  comparisons: TableComparison[],
): Promise<TableComparison[]> {
  let left = comparisons
  for (let look = 0; look < 5 && left.some(({ differing }) => differing > 0); look += 1) {
    await pause(options.pace.again ?? AGAIN, options.signal)
    await build(session, options, builder, await options.log.ends(options.projection.topic))
    const still = await recheck(options.database, left, building(record.generation))
    left = left.map((comparison) => onlyThose(comparison, still))
  }
  return left
}

function onlyThose(comparison: TableComparison, still: readonly RowDifference[]): TableComparison {
  const differences = still.filter(({ table }) => table === comparison.table)
  const unlisted = comparison.differing - comparison.differences.length
  return { ...comparison, differences, differing: differences.length + unlisted }
}

/** From the fence to the end. Steps back to where the live consumer goes on when anything keeps it from renaming. */
async function swap(session: Connection, options: RebuildOptions, record: RebuildRecord, builder: Builder) {
  const { projection, log } = options
  await build(session, options, builder, await log.ends(projection.topic))
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

async function swapPatiently<T>(
  { signal, onEvent }: { signal: AbortSignal; onEvent?: (event: RebuildEvent) => void },
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      const isBlocked = error instanceof ProjectionError && error.code === 'PROJECTION_SWAP_BLOCKED'
      if (!isBlocked || attempt >= MOST_SWAPS) throw error
      onEvent?.({ kind: 'swap-blocked', message: error.message })
    }
    await pause(SWAP_PAUSE, signal)
  }
}

async function abort(
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

/** How far a builder is behind the end of the log; for plans and status. */
export async function eventsToBuild({ projection, database, log }: BuildContext, generation: number): Promise<number> {
  const at = new Map(
    (await readCursors(database, builderOf(projection, generation), projection.topic)).map(({ partition, next }) => [
      partition,
      next,
    ]),
  )
  return (await log.ends(projection.topic)).reduce(
    (sum, end, partition) => sum + Math.max(0, end - (at.get(partition) ?? 0)),
    0,
  )
}

const refused = (message: string, cause?: unknown): ProjectionError =>
  new ProjectionError('PROJECTION_REBUILD_REFUSED', message, { cause })
