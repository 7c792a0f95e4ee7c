import { hostname } from 'node:os'
import { type Connection, isLockHeld, type WriteResult } from '@tributary/database'
import type { Position } from '@tributary/event-log'
import type { Projection } from '../definition.ts'
import { lockOf } from './names.ts'

/** See `rebuild.ts` for what each state means and what comes after it. */
export type RebuildState =
  | 'planned'
  | 'building'
  | 'catching-up'
  | 'verifying'
  | 'fenced'
  | 'done'
  | 'aborted'
  | 'rolling-back'
  | 'rolled-back'

export type RebuildRecord = {
  projection: string
  generation: number
  /** Of the projection by which its tables are made. */
  version: number
  state: RebuildState
  requested: '' | 'pause' | 'abort'
  runner: string
  /** By partition, the end of the log when the rebuild began. */
  targets: Position[]
  /** By partition, where the tables that were swapped out stand. */
  swapPositions: Position[] | undefined
  differences: number | null
  startedTime: number
  updatedTime: number
  finishedTime: number | null
}

/** States in which the tables stand half-way, so that nobody may write them. */
export const FENCED_STATES = ['fenced', 'rolling-back'] as const
const ENDED = ['done', 'aborted', 'rolled-back']

const COLUMNS = `projection, generation, version, state, requested, runner, targets, swap_positions, differences, started_time,
  updated_time, finished_time`

const RECORDS = `SELECT ${COLUMNS} FROM tributary_rebuild WHERE projection = ?`
/** One that is rolled back may have others behind it, which were aborted. */
const LATEST = `${RECORDS} ORDER BY state IN ('fenced', 'rolling-back') DESC, generation DESC LIMIT 1`

/** The rebuild of a projection by which its tables stand half-way, else the newest, ended or not. Throws DatabaseError. */
export const latestRebuild = (connection: Connection, projection: Pick<Projection, 'name'>) =>
  readRecord(connection, LATEST, projection)

/** The same, locked to the end of the transaction, so that it stays as it is answered. */
export const lockLatestRebuild = (connection: Connection, projection: Pick<Projection, 'name'>) =>
  readRecord(connection, `${LATEST} FOR UPDATE`, projection)

/** The rebuild that made a generation, or was to. Throws DatabaseError. */
export const rebuildOf = (connection: Connection, projection: Pick<Projection, 'name'>, generation: number) =>
  readRecord(connection, `${RECORDS} AND generation = ?`, projection, generation)

async function readRecord(
  connection: Connection,
  text: string,
  { name }: Pick<Projection, 'name'>,
  ...values: readonly unknown[]
): Promise<RebuildRecord | undefined> {
  const [row] = await connection.query<StoredRecord[]>(text, [name, ...values])
  return row && toRecord(row)
}

export const isEnded = ({ state }: Pick<RebuildRecord, 'state'>): boolean => ENDED.includes(state)

/** Writes a new rebuild down, in state `planned`. */
export async function planRebuild(
  connection: Connection,
  { name, version = 1 }: Pick<Projection, 'name' | 'version'>,
  generation: number,
  targets: readonly Position[],
): Promise<void> {
  const now = Date.now()
  await connection.query(
    `INSERT INTO tributary_rebuild (projection, generation, version, state, targets, started_time, updated_time)
     VALUES (?, ?, ?, 'planned', ?, ?, ?)`,
    [name, generation, version, JSON.stringify(targets), now, now],
  )
}

type Change = {
  state?: RebuildState
  requested?: RebuildRecord['requested']
  swapPositions?: readonly Position[]
  differences?: number
}

/** Changes a rebuild's record; an ended state also notes the time. */
export async function updateRebuild(
  connection: Connection,
  { projection, generation }: Pick<RebuildRecord, 'projection' | 'generation'>,
  change: Change,
): Promise<void> {
  const now = Date.now()
  const values: Record<string, unknown> = {
    updated_time: now,
    runner: `${hostname().slice(0, 60)}/${process.pid}`,
    ...(change.state === undefined
      ? {}
      : { state: change.state, finished_time: isEnded({ state: change.state }) ? now : null }),
    ...(change.requested === undefined ? {} : { requested: change.requested }),
    ...(change.swapPositions === undefined ? {} : { swap_positions: JSON.stringify(change.swapPositions) }),
    ...(change.differences === undefined ? {} : { differences: change.differences }),
  }
  const assigned = Object.keys(values).map((column) => `${column} = ?`)
  await connection.query(`UPDATE tributary_rebuild SET ${assigned.join(', ')} WHERE projection = ? AND generation = ?`, [
    ...Object.values(values),
    projection,
    generation,
  ])
}

/**
 * Asks whoever runs a rebuild to pause or abort it. Answers 'asked', or why nothing was asked: 'unknown' when no rebuild is under
 * way, 'rolling-back' when it is a rollback, and 'idle' when nobody runs it, so that it stands already. Throws DatabaseError.
 */
export async function requestOfRebuild(
  connection: Connection,
  projection: Pick<Projection, 'name'>,
  requested: 'pause' | 'abort',
): Promise<'asked' | 'unknown' | 'rolling-back' | 'idle'> {
  const record = await latestRebuild(connection, projection)
  if (!record || isEnded(record)) return 'unknown'
  if (!(await isLockHeld(connection, lockOf(projection)))) return 'idle'
  if (record.state === 'rolling-back') return 'rolling-back'
  const { affectedRows } = await connection.query<WriteResult>(
    'UPDATE tributary_rebuild SET requested = ? WHERE projection = ? AND generation = ? AND state NOT IN (?)',
    [requested, record.projection, record.generation, ENDED],
  )
  return affectedRows > 0 ? 'asked' : 'unknown'
}

type StoredRecord = {
  projection: string
  generation: number
  version: number
  state: RebuildState
  requested: RebuildRecord['requested']
  runner: string
  targets: string
  swap_positions: string | null
  differences: number | null
  started_time: number
  updated_time: number
  finished_time: number | null
}

function toRecord(row: StoredRecord): RebuildRecord {
  return {
    projection: row.projection,
    generation: row.generation,
    version: row.version,
    state: row.state,
    requested: row.requested,
    runner: row.runner,
    targets: JSON.parse(row.targets),
    swapPositions: row.swap_positions === null ? undefined : JSON.parse(row.swap_positions),
    differences: row.differences,
    startedTime: row.started_time,
    updatedTime: row.updated_time,
    finishedTime: row.finished_time,
  }
}
