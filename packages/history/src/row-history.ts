import { readCursors, readSetAside } from '@tributary/consumer'
import type { Connection, Database } from '@tributary/database'
import type { EventLog, Position, RecordedEvent } from '@tributary/event-log'
import { decodeEvent, type Topic } from '@tributary/events'
import {
  type Cell,
  type KeyState,
  keyText,
  openEvents,
  type Projection,
  type Remark,
  type Row,
  type TableDefinition,
} from '@tributary/projection'
import type { Vault } from '@tributary/vault'
import { HistoryError } from './errors.ts'
import { eventsOfRow } from './row-events.ts'

/** One value that an event changed. `before` is undefined when the event made the row. */
export type Change = { column: string; before: Cell | undefined; after: Cell }

/**
 * One event of the row's key, or one of another that changed it. `applied` is in the table; `waiting` stands behind the projection's cursor; `set-aside` is
 * parked, waits behind a parked event, or was skipped. An event that changes nothing of this row has no changes.
 */
export type Step = {
  partition: number
  position: Position
  recordedTime: number
  eventId: string
  type: string
  traceId: string | undefined
  state: 'applied' | 'waiting' | 'set-aside'
  changes: Change[]
  remarks: readonly Remark[]
}

export type RowHistory = {
  table: string
  id: number
  projection: string
  topic: Topic
  key: string
  steps: Step[]
  /** The row as the applied events make it; undefined before the first. */
  row: Row | undefined
  /** Columns in which the table differs from that, which no event explains: somebody else wrote there. */
  unexplained: string[]
}

export type HistoryContext = {
  database: Database
  log: EventLog
  vault: Vault
  projections: readonly Projection[]
}

/**
 * Why a row is as it is: the events of its key in log order, with what each changed in this row. With `at` (milliseconds
 * since 1970) only events that the log had by then count, so that `row` is the row as it was. Throws HistoryError
 * HISTORY_TABLE_UNKNOWN or HISTORY_ROW_UNKNOWN, EventLogError, DatabaseError, VaultError, and EventError for an event
 * that this version cannot read.
 */
export async function explainRow(
  context: HistoryContext,
  { table, id, at = Number.POSITIVE_INFINITY }: { table: string; id: number; at?: number },
  onWalk?: (events: number) => void,
): Promise<RowHistory> {
  const projection = projectionOf(context.projections, table)
  const topic = projection.topic as Topic
  const cells = await keyOfRow(context.database, projection, table, id)
  const key = keyText(cells)
  const recorded = await eventsOfRow(context, projection, cells, onWalk)
  const standing = await standingOf(context.database, projection, topic)
  const { steps, row } = await replay(context.vault, projection, { table, id }, recorded.filter(isBefore(at)), standing)
  const isNow = at === Number.POSITIVE_INFINITY
  const unexplained = isNow ? await differences(context.database, definitionOf(projection, table), id, row) : []
  return { table, id, projection: projection.name, topic, key, steps, row, unexplained }
}

/** Stands wherever a value about a person is, for those who may not see it: that there is one shows. */
export const MASK = '•••'

/** Columns of a table that hold data about people; to be shown only to whoever may see it. */
export function personalColumnsOf(projections: readonly Projection[], table: string): ReadonlySet<string> {
  return new Set(definitionOf(projectionOf(projections, table), table).personal ?? [])
}

function projectionOf(projections: readonly Projection[], table: string): Projection {
  const found = projections.find(({ tables }) => tables.some(({ name }) => name === table))
  if (found) return found
  const known = projections.flatMap(({ tables }) => tables.map(({ name }) => name)).join(', ')
  throw new HistoryError('HISTORY_TABLE_UNKNOWN', `No projection keeps a table '${table}'. Known: ${known}.`)
}

function definitionOf({ tables }: Projection, name: string): TableDefinition {
  const found = tables.find((table) => table.name === name)
  if (!found) throw new TypeError(`The projection has no table ${name}.`)
  return found
}

/** Climbs from a row to the row of the projection's first table, whose columns are the key. */
async function keyOfRow(connection: Connection, projection: Projection, table: string, id: number): Promise<Cell[]> {
  const { by } = definitionOf(projection, table)
  const columns = 'columns' in by ? by.columns : [by.column]
  const [row] = await connection.query<Row[]>('SELECT ?? FROM ?? WHERE id = ?', [[...columns], table, id])
  if (!row) throw new HistoryError('HISTORY_ROW_UNKNOWN', `The table ${table} has no row with the id ${id}.`)
  if ('columns' in by) {
    const key = columns.map((column) => row[column] ?? null)
    const joined = projection.reach?.joined?.(key)
    return joined === undefined ? key : keyOfRow(connection, projection, table, joined)
  }
  return keyOfRow(connection, projection, by.parent, Number(row[by.column]))
}

const isBefore =
  (time: number) =>
  ({ recordedTime }: RecordedEvent): boolean =>
    recordedTime <= time

/** How far the projection is, and what it set aside. */
type Standing = { cursors: ReadonlyMap<number, Position>; setAside: ReadonlySet<string> }

async function standingOf(database: Database, { name }: Projection, topic: Topic): Promise<Standing> {
  const cursors = await readCursors(database, name, topic)
  return {
    cursors: new Map(cursors.map(({ partition, next }) => [partition, next])),
    setAside: await readSetAside(database, name, topic),
  }
}

async function replay(
  vault: Vault,
  projection: Projection,
  { table, id }: { table: string; id: number },
  recorded: readonly RecordedEvent[],
  { cursors, setAside }: Standing,
): Promise<{ steps: Step[]; row: Row | undefined }> {
  const opened = await openEvents(
    vault,
    recorded.map(({ event }) => decodeEvent(event)),
  )
  const rowOf = (state: KeyState) => state[table]?.find((row) => row['id'] === id)
  const steps: Step[] = []
  let state: KeyState = Object.fromEntries(projection.tables.map(({ name }) => [name, []]))
  for (const [index, event] of opened.entries()) {
    const { partition, position, recordedTime } = recorded[index] as RecordedEvent
    const isAside = setAside.has(`${partition}:${position}`)
    const applied = isAside ? 'set-aside' : position < (cursors.get(partition) ?? 0) ? 'applied' : 'waiting'
    const folded = applied === 'applied' ? projection.fold(state, event) : { state, remarks: [] }
    steps.push({
      ...{ partition, position, recordedTime, eventId: event.id, type: event.type, state: applied },
      traceId: event.traceparent?.split('-')[1],
      changes: changesBetween(rowOf(state), rowOf(folded.state)),
      remarks: folded.remarks,
    })
    state = folded.state
  }
  return { steps, row: rowOf(state) }
}

function changesBetween(before: Row | undefined, after: Row | undefined): Change[] {
  if (before === after || after === undefined) return []
  return Object.keys(after)
    .filter((column) => before === undefined || before[column] !== after[column])
    .map((column) => ({ column, before: before?.[column], after: after[column] ?? null }))
}

async function differences(
  connection: Connection,
  { name, columns }: TableDefinition,
  id: number,
  expected: Row | undefined,
): Promise<string[]> {
  const [row] = await connection.query<Row[]>('SELECT ?? FROM ?? WHERE id = ?', [[...columns], name, id])
  return columns.filter((column) => (row?.[column] ?? null) !== (expected?.[column] ?? null))
}
