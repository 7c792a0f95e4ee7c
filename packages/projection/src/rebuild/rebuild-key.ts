import { readSetAside } from '@tributary/consumer'
import { type Connection, type Database, upsert } from '@tributary/database'
import type { Position, RecordedEvent } from '@tributary/event-log'
import { decodeEvent } from '@tributary/events'
import type { Vault } from '@tributary/vault'
import type { KeyState, Projection, Row, TableDefinition } from '../definition.ts'
import { ProjectionError } from '../errors.ts'
import { foldKey } from '../fold-keys.ts'
import { keyText } from '../keys.ts'
import { createStateLoader } from '../load-states.ts'
import { openEvents } from '../open-events.ts'
import { passLiveGate } from './live-gate.ts'

export type RebuiltKey = {
  /** Events of the key that are in the tables. */
  events: number
  /** Rows that were not as the log says, and are now; by table. */
  written: Record<string, number>
  /** Rows of the key in the tables that no event explains; they are left as they are. */
  unexplained: { table: string; id: number }[]
}

/**
 * Makes the rows of one key again from its events, in the live tables, while everything else goes on. `find` answers the
 * events of the key as the log has them when it is called. The cursor's row is locked meanwhile and its epoch bumped, so
 * that the partition's owner neither writes at the same time nor trusts what it remembers of these rows. Throws what `find`
 * and `passLiveGate` throw, DatabaseError, VaultError, EventError, and what the fold throws.
 */
export async function rebuildKey(options: {
  projection: Projection
  database: Database
  vault: Vault
  find: () => Promise<RecordedEvent[]>
}): Promise<RebuiltKey> {
  const { projection, database, vault, find } = options
  if (projection.reach)
    throw new ProjectionError(
      'PROJECTION_REBUILD_REFUSED',
      `One key of ${projection.name} cannot be rebuilt alone: its events change rows of other keys. Rebuild the projection.`,
    )
  const [first] = await find()
  if (!first) return { events: 0, written: {}, unexplained: [] }
  const load = createStateLoader(projection.tables)
  return await database.transaction(async (connection) => {
    const next = await takeOver(connection, projection, first.partition)
    await passLiveGate(connection, projection)
    const setAside = await readSetAside(connection, projection.name, projection.topic)
    const recorded = (await find()).filter(
      ({ partition, position }) => position < next && !setAside.has(`${partition}:${position}`),
    )
    const events = await openEvents(
      vault,
      recorded.map(({ event }) => decodeEvent(event)),
    )
    const cells = events[0] && projection.key(events[0])
    if (!cells) return { events: 0, written: {}, unexplained: [] }
    const key = keyText(cells)
    const before = (await load(connection, new Map([[key, cells]]))).get(key) ?? {}
    const nothing: KeyState = Object.fromEntries(projection.tables.map((table) => [table.name, []]))
    const after = foldKey(projection, nothing, events, [])
    const rebuilt: RebuiltKey = { events: events.length, written: {}, unexplained: [] }
    for (const table of projection.tables) await writeTable(connection, table, { before, after, rebuilt })
    return rebuilt
  })
}

/** Ends the owner's right to write the partition, and answers how far the tables are. */
async function takeOver(connection: Connection, { name, topic }: Projection, partition: number): Promise<Position> {
  const where = 'consumer = ? AND topic = ? AND partition_no = ?'
  const values = [name, topic, partition]
  await connection.query(`UPDATE tributary_cursor SET epoch = epoch + 1 WHERE ${where}`, values)
  const [cursor] = await connection.query<{ next: number }[]>(
    `SELECT next_position AS next FROM tributary_cursor WHERE ${where}`,
    values,
  )
  return cursor?.next ?? 0
}

async function writeTable(
  connection: Connection,
  { name, primaryKey, columns }: TableDefinition,
  { before, after, rebuilt }: { before: KeyState; after: KeyState; rebuilt: RebuiltKey },
): Promise<void> {
  const rows = after[name] ?? []
  const present = new Map((before[name] ?? []).map((row) => [row['id'], row]))
  const wrong = rows.filter((row) => !isEqual(present.get(row['id'] ?? null), row, columns))
  for (const row of rows) present.delete(row['id'] ?? null)
  for (const id of present.keys()) rebuilt.unexplained.push({ table: name, id: Number(id) })
  if (wrong.length === 0) return
  const values = wrong.map((row) => columns.map((column) => row[column] ?? null))
  await upsert(connection, { table: name, primaryKey: [primaryKey], columns }, values)
  rebuilt.written[name] = wrong.length
}

function isEqual(present: Row | undefined, row: Row, columns: readonly string[]): boolean {
  return present !== undefined && columns.every((column) => (present[column] ?? null) === (row[column] ?? null))
}
