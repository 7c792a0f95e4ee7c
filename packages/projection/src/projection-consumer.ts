import { type ConsumerDefinition, type ConsumerFigures, type RunningConsumer, startConsumer } from '@tributary/consumer'
import { type Connection, type Database, type UpsertShape, upsert } from '@tributary/database'
import type { EventLog } from '@tributary/event-log'
import type { Logger } from '@tributary/runtime'
import type { Vault } from '@tributary/vault'
import { addChanged, type ChangedRows, inLockOrder } from './changed-rows.ts'
import type { Projection, Remark, TableDefinition } from './definition.ts'
import { byKey, foldKey, type KeyEvents } from './fold-keys.ts'
import { keyText } from './keys.ts'
import { createStateLoader, type LoadStates } from './load-states.ts'
import { openEvents } from './open-events.ts'
import { createRemarkBook, type RemarkBook, type RemarkCounts } from './remark-counts.ts'

/** A batch with its seals opened, sorted by key. */
export type PreparedBatch = { partition: number; keys: ReadonlyMap<string, KeyEvents> }

export type ProjectionFigures = ConsumerFigures & { remarks: RemarkCounts }
export type RunningProjection = Omit<RunningConsumer, 'figures'> & { figures(): Promise<ProjectionFigures> }

/** Keeps the tables of a projection in this process until `stop`: each event changes each table exactly once. */
export function startProjection(options: {
  projection: Projection
  database: Database
  log: EventLog
  vault: Vault
  logger: Logger
}): RunningProjection {
  const { projection, database, log, vault, logger } = options
  const book = createRemarkBook(projection.name, logger)
  const consumer = startConsumer({ definition: defineProjectionConsumer(projection, vault, book), database, log, logger })
  return {
    stop: consumer.stop,
    figures: async () => ({ ...(await consumer.figures()), remarks: book.counts() }),
    health: async () => {
      const report = await consumer.health()
      return { ...report, details: { ...report.details, remarks: book.counts() } }
    },
  }
}

/**
 * The consumer that keeps the tables of a projection. Its cursor has the projection's name. `prepare` opens the sealed
 * parts; `apply` loads the rows of the batch's keys, folds in memory, and writes the rows that changed.
 */
export function defineProjectionConsumer(
  projection: Projection,
  vault: Vault,
  book: RemarkBook,
): ConsumerDefinition<PreparedBatch> {
  const loadStates = createStateLoader(projection.tables)
  return {
    name: projection.name,
    topic: projection.topic,
    group: groupOf(projection),
    types: projection.types,
    keyOf: (event) => {
      const cells = projection.key(event)
      return cells === undefined ? event.partitionkey : keyText(cells)
    },
    prepare: async (delivered) => {
      const events = await openEvents(
        vault,
        delivered.map(({ event }) => event),
      )
      return { partition: delivered[0]?.partition ?? 0, keys: byKey(projection, events) }
    },
    apply: async (connection, { partition, keys }) => {
      const { remarks, rows } = await applyKeys(connection, projection, loadStates, keys)
      book.hold(partition, remarks, rows)
    },
    committed: book.settle,
    revoked: async (partition) => book.drop(partition),
  }
}

/** The group in which processes share the partitions of a projection, for example `tributaryProjectionOrders`. */
const groupOf = ({ name }: Projection): string => `tributaryProjection${name.charAt(0).toUpperCase()}${name.slice(1)}`

async function applyKeys(
  connection: Connection,
  projection: Projection,
  loadStates: LoadStates,
  keys: ReadonlyMap<string, KeyEvents>,
): Promise<{ remarks: Remark[]; rows: ReadonlyMap<string, number> }> {
  const cells = new Map([...keys].map(([key, { cells }]) => [key, cells]))
  const states = await loadStates(connection, cells)
  const remarks: Remark[] = []
  const changed: ChangedRows = new Map()
  for (const [key, { events }] of keys) {
    const before = states.get(key) ?? {}
    addChanged(changed, projection.tables, before, foldKey(projection, before, events, remarks))
  }
  await writeRows(connection, projection.tables, changed)
  return { remarks, rows: new Map([...changed].map(([table, rows]) => [table, rows.length])) }
}

/** Hands all statements to the connection at once: it sends them in this order, and makes the text of one while another runs. */
async function writeRows(connection: Connection, tables: readonly TableDefinition[], changed: ChangedRows): Promise<void> {
  await Promise.all(
    tables.map((table) => {
      const rows = inLockOrder(changed.get(table.name) ?? [])
      return upsert(
        connection,
        shapeOf(table),
        rows.map((row) => table.columns.map((column) => row[column] ?? null)),
      )
    }),
  )
}

const shapeOf = ({ name, primaryKey, columns }: TableDefinition): UpsertShape => ({
  table: name,
  primaryKey: [primaryKey],
  columns,
})
