import { readCursors, readSetAside } from '@tributary/consumer'
import type { Connection, Database } from '@tributary/database'
import { type EventLog, type RecordedEvent, readSlices } from '@tributary/event-log'
import { decodeEvent } from '@tributary/events'
import type { Vault } from '@tributary/vault'
import type { KeyState, Projection, Row, TableDefinition } from '../definition.ts'
import { byKey, foldKey } from '../fold-keys.ts'
import { openEvents } from '../open-events.ts'

/** A row that is not as the log says. Says where, never what. */
export type Difference = {
  table: string
  id: number
  /** `missing` from the table, `unexpected` in the table, or `different` in `columns`. */
  kind: 'missing' | 'unexpected' | 'different'
  columns?: string[]
}

export type Verification = {
  /** Events of the projection's types that were folded. */
  events: number
  /** Rows that the fold gives, by table. */
  rows: Record<string, number>
  /** The first thousand, empty when the tables are right. */
  differences: Difference[]
}

const MOST_DIFFERENCES = 1_000
const ROWS_AT_ONCE = 500

/**
 * Folds the log from the beginning up to the projection's cursors in memory, without the events that are parked or
 * skipped, and compares every column of every row. The projection must stand still meanwhile, and all states must fit
 * in memory. Throws EventLogError, DatabaseError, VaultError, EventError.
 */
export async function verifyProjection(options: {
  projection: Projection
  database: Database
  log: EventLog
  vault: Vault
}): Promise<Verification> {
  const { projection, database } = options
  const { states, events } = await foldLog(options)
  const differences: Difference[] = []
  const rows: Record<string, number> = {}
  for (const table of projection.tables) {
    const expected = new Map<unknown, Row>()
    for (const state of states.values()) for (const row of state[table.name] ?? []) expected.set(row['id'], row)
    rows[table.name] = expected.size
    await compareTable(database, table, expected, differences)
  }
  return { events, rows, differences: differences.slice(0, MOST_DIFFERENCES) }
}

type Folded = { states: Map<string, KeyState>; events: number }

async function foldLog({ projection, database, log, vault }: Parameters<typeof verifyProjection>[0]): Promise<Folded> {
  const { name, topic } = projection
  const setAside = await readSetAside(database, name, topic)
  const types: ReadonlySet<string> = new Set(projection.types)
  const folded: Folded = { states: new Map(), events: 0 }
  for (const { partition, next } of await readCursors(database, name, topic)) {
    const isFolded = ({ position, event }: RecordedEvent) =>
      position < next && types.has(event.type) && !setAside.has(`${partition}:${position}`)
    for await (const { events } of readSlices(log, topic, partition, { to: next }))
      await foldEvents(folded, projection, vault, events.filter(isFolded))
  }
  return folded
}

async function foldEvents(folded: Folded, projection: Projection, vault: Vault, recorded: RecordedEvent[]): Promise<void> {
  const events = await openEvents(
    vault,
    recorded.map(({ event }) => decodeEvent(event)),
  )
  folded.events += events.length
  if (projection.reach) {
    // One state for all: what an event reaches is somewhere in it.
    folded.states.set('', projection.reach.fold(folded.states.get('') ?? {}, events).state)
    return
  }
  for (const [key, { events: ofKey }] of byKey(projection, events))
    folded.states.set(key, foldKey(projection, folded.states.get(key) ?? {}, ofKey, []))
}

async function compareTable(
  database: Connection,
  { name, columns }: TableDefinition,
  expected: Map<unknown, Row>,
  differences: Difference[],
): Promise<void> {
  for (let last = 0; ; ) {
    const rows = await database.query<Row[]>('SELECT ?? FROM ?? WHERE id > ? ORDER BY id LIMIT ?', [
      [...columns],
      name,
      last,
      ROWS_AT_ONCE,
    ])
    for (const row of rows) {
      const difference = compareRow(name, columns, row, expected.get(row['id']))
      if (difference) differences.push(difference)
      expected.delete(row['id'])
    }
    if (rows.length < ROWS_AT_ONCE) break
    last = Number(rows.at(-1)?.['id'])
  }
  for (const id of expected.keys()) differences.push({ table: name, id: Number(id), kind: 'missing' })
}

function compareRow(table: string, columns: readonly string[], row: Row, expected: Row | undefined): Difference | undefined {
  const id = Number(row['id'])
  if (!expected) return { table, id, kind: 'unexpected' }
  const different = columns.filter((column) => row[column] !== (expected[column] ?? null))
  return different.length === 0 ? undefined : { table, id, kind: 'different', columns: different }
}
