import { carryDecisions, readCursors } from '@tributary/consumer'
import { type Connection, DatabaseError, transactionOn } from '@tributary/database'
import type { Position } from '@tributary/event-log'
import type { Projection } from '../definition.ts'
import { ProjectionError } from '../errors.ts'
import type { PhysicalName } from '../load-states.ts'
import { blockingSessions } from './blocking.ts'
import { builderOf, building, retired, retiredConsumer, swappedTables } from './names.ts'
import { type RebuildRecord, updateRebuild } from './record.ts'

/** Seconds that a swap waits for open transactions on the tables; queries that come meanwhile wait behind it. */
const LOCK_WAIT = 2

/**
 * Ends every owner of the live tables: no transaction of theirs commits after this, and none who comes may begin while the
 * record says so (live-gate.ts). Answers where the live cursors then stand. Cursors first, the record after, as the gate does.
 */
export function fence(
  session: Connection,
  projection: Projection,
  record: RebuildRecord,
  state: 'fenced' | 'rolling-back',
): Promise<Position[]> {
  return transactionOn(session, async (connection) => {
    // A cursor that nobody has made yet is made here: a member about to make it must find itself fenced, too.
    const rows = record.targets.map((_, partition) => [
      projection.name,
      projection.topic,
      partition,
      0,
      1,
      'rebuild',
      Date.now(),
    ])
    await connection.query(
      `INSERT INTO tributary_cursor (consumer, topic, partition_no, next_position, epoch, owner, updated_time) VALUES ?
       ON DUPLICATE KEY UPDATE epoch = epoch + 1, owner = VALUES(owner)`,
      [rows],
    )
    const positions = record.targets.map(() => 0)
    for (const { partition, next } of await readCursors(connection, projection.name, projection.topic))
      positions[partition] = next
    await updateRebuild(connection, record, { state, ...(state === 'fenced' ? { swapPositions: positions } : {}) })
    return positions
  })
}

/**
 * Puts the built tables in the place of the live ones, all in one statement, and those aside. `session` must be the
 * connection that holds the rebuild's lock: were it gone, so would be the right to do this. Answers how long the statement
 * took, milliseconds. Throws ProjectionError PROJECTION_SWAP_BLOCKED, which names who holds the tables; nothing has changed then.
 */
export async function swapTables(session: Connection, projection: Projection, generation: number): Promise<number> {
  return await rename(session, projection, { out: retired(generation - 1), in: building(generation) })
}

/** The other way round: the retired tables come back, and those of `generation` go where they were built. */
export async function swapBack(session: Connection, projection: Projection, generation: number): Promise<number> {
  return await rename(session, projection, { out: building(generation), in: retired(generation - 1) })
}

async function rename(
  session: Connection,
  projection: Projection,
  names: { out: PhysicalName; in: PhysicalName },
): Promise<number> {
  const moves = swappedTables(projection).flatMap((table) => [
    [table, names.out(table)],
    [names.in(table), table],
  ])
  await session.query(`SET @lock_wait_before = @@lock_wait_timeout, SESSION lock_wait_timeout = ${LOCK_WAIT}`)
  const began = performance.now()
  try {
    await session.query(`RENAME TABLE ${moves.map(() => '?? TO ??').join(', ')}`, moves.flat())
    return performance.now() - began
  } catch (error) {
    if (!(error instanceof DatabaseError && error.code === 'DATABASE_LOCK_TIMEOUT')) throw error
    const holders = await blockingSessions(session)
    throw new ProjectionError(
      'PROJECTION_SWAP_BLOCKED',
      `The tables could not be swapped within ${LOCK_WAIT} s: ${holders}. Everything is as before.`,
      { cause: error },
    )
  } finally {
    // The statements behind it may wait as long as those before. If this fails, the session is gone.
    await session.query('SET SESSION lock_wait_timeout = @lock_wait_before').catch(() => {})
  }
}

/**
 * What remains after the tables were swapped: the live consumer goes on where the builder stands, the parked keys are those
 * of the new tables, and those of the old ones wait for a rollback. In one transaction, and once for a swap.
 */
export async function settleSwap(connection: Connection, projection: Projection, record: RebuildRecord): Promise<void> {
  const { name, topic } = projection
  const builder = builderOf(projection, record.generation)
  for (const { partition, next } of await readCursors(connection, builder, topic))
    await connection.query(
      `INSERT INTO tributary_cursor (consumer, topic, partition_no, next_position, epoch, owner, updated_time)
       VALUES (?, ?, ?, ?, 1, 'rebuild', ?)
       ON DUPLICATE KEY UPDATE epoch = epoch + 1, next_position = VALUES(next_position)`,
      [name, topic, partition, next, Date.now()],
    )
  await carryDecisions(connection, { from: name, to: builder, topic })
  await moveParked(connection, name, retiredConsumer(projection, record.generation - 1))
  await moveParked(connection, builder, name)
  await connection.query('DELETE FROM tributary_cursor WHERE consumer = ?', [builder])
  await updateRebuild(connection, record, { state: 'done', requested: '' })
}

/**
 * What remains after a rollback: the live consumer goes on where the old tables stand, with their parked keys, and without
 * what was skipped since. Once, too.
 */
export async function settleRollback(connection: Connection, projection: Projection, record: RebuildRecord): Promise<void> {
  const { name, topic } = projection
  for (const [partition, next] of (record.swapPositions ?? []).entries())
    await connection.query(
      'UPDATE tributary_cursor SET next_position = ?, epoch = epoch + 1 WHERE consumer = ? AND topic = ? AND partition_no = ?',
      [next, name, topic, partition],
    )
  const before = retiredConsumer(projection, record.generation - 1)
  await carryDecisions(connection, { from: name, to: before, topic })
  await moveParked(connection, before, name)
  await updateRebuild(connection, record, { state: 'rolled-back', requested: '' })
}

/** Removes what a consumer set aside. */
export async function forgetParked(connection: Connection, consumer: string): Promise<void> {
  for (const table of PARKED_TABLES) await connection.query('DELETE FROM ?? WHERE consumer = ?', [table, consumer])
}

const PARKED_TABLES = ['tributary_parked_key', 'tributary_parked_event'] as const

async function moveParked(connection: Connection, from: string, to: string): Promise<void> {
  for (const table of PARKED_TABLES) {
    await connection.query('DELETE FROM ?? WHERE consumer = ?', [table, to])
    await connection.query('UPDATE ?? SET consumer = ? WHERE consumer = ?', [table, to, from])
  }
}
