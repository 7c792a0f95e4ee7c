import { type ConsumerDefinition, type ConsumerFigures, type RunningConsumer, startConsumer } from '@tributary/consumer'
import { type Connection, type Database, upsert } from '@tributary/database'
import type { EventLog } from '@tributary/event-log'
import type { Logger } from '@tributary/runtime'
import type { Vault } from '@tributary/vault'
import { applyReach } from './apply-reach.ts'
import { addChanged, addRows, type ChangedRows, inLockOrder } from './changed-rows.ts'
import type { Cell, KeyState, OpenedEvent, Projection, Remark, Row, TableDefinition } from './definition.ts'
import { byKey, foldKey, type KeyEvents } from './fold-keys.ts'
import { keyText } from './keys.ts'
import { createReachLoader } from './load-reached.ts'
import { createStateLoader, type PhysicalName } from './load-states.ts'
import { openEvents } from './open-events.ts'
import { untilOwn } from './own-rows.ts'
import { passLiveGate } from './rebuild/live-gate.ts'
import { refuseOutdated } from './rebuild/version.ts'
import { createRecentStates, type LoadedStates } from './recent-states.ts'
import { createRemarkBook, type RemarkBook, type RemarkCounts } from './remark-counts.ts'

/**
 * A batch with its seals opened: sorted by key, with the rows of its keys as they stood when it was prepared; or, of a
 * projection with a `reach`, in log order.
 */
export type PreparedBatch = SortedBatch | ReachingBatch
type SortedBatch = { partition: number; keys: ReadonlyMap<string, KeyEvents>; loaded: LoadedStates }
type ReachingBatch = { partition: number; events: readonly OpenedEvent[] }

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
  const consumer = startConsumer({
    definition: defineProjectionConsumer({ projection, database, vault, book }),
    database,
    log,
    logger,
  })
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
 * The consumer that keeps the tables of a projection. Its cursor has the projection's name, unless `name` gives another.
 * `prepare` opens the sealed parts and loads the rows of the batch's keys, both while the batch before is being written;
 * `apply` folds in memory and writes the rows that changed.
 */
export function defineProjectionConsumer(options: {
  projection: Projection
  database: Database
  vault: Vault
  book: RemarkBook
  name?: string
  /** Where the tables stand. */
  physical?: PhysicalName
  /** Whether a key may have rows; asked for each key, so that those that surely have none are not looked for. */
  mayHaveRows?: (key: string) => boolean
  batchSize?: number
}): ConsumerDefinition<PreparedBatch> {
  const { projection, database, vault, book, physical = (table) => table, mayHaveRows = () => true } = options
  const states = createRecentStates()
  const load = createStateLoader(projection.tables, physical)
  const applyEvents = createReachApplier(projection, physical)
  const cellsOfKeys = (keys: ReadonlyMap<string, KeyEvents>) =>
    new Map([...keys].filter(([key]) => mayHaveRows(key)).map(([key, { cells }]) => [key, cells]))
  /** Folds each batch over its own rows, and writes those of all at once. */
  const applySorted = async (connection: Connection, batches: readonly SortedBatch[]): Promise<void> => {
    const folded = []
    const all: ChangedRows = new Map()
    for (const { partition, keys, loaded } of batches) {
      const known = states.isKnown(partition, loaded)
        ? loaded
        : { since: states.count(partition), states: await load(connection, cellsOfKeys(keys)) }
      const { remarks, after, changed } = foldBatch(projection, keys, (key) => states.before(partition, known, key))
      folded.push({ partition, remarks, after, rows: new Map([...changed].map(([table, rows]) => [table, rows.length])) })
      for (const [table, rows] of changed) addRows(all, table, rows)
    }
    await writeRows(connection, projection.tables, physical, all)
    for (const { partition, remarks, after, rows } of folded) {
      states.hold(partition, after)
      book.hold(partition, remarks, rows)
    }
  }
  /** What is noticed is counted with the first, because all are committed together. */
  const applyReaching = async (connection: Connection, batches: readonly ReachingBatch[]): Promise<void> => {
    const { remarks, rows } = await applyEvents(
      connection,
      batches.flatMap(({ events }) => events),
    )
    if (batches[0]) book.hold(batches[0].partition, remarks, rows)
  }
  const apply = async (connection: Connection, batches: readonly PreparedBatch[]): Promise<void> => {
    // An earlier try of the same batch may have held something before its transaction failed.
    for (const { partition } of batches) {
      states.hold(partition, undefined)
      book.drop(partition)
    }
    const reaching = batches.filter((batch) => 'events' in batch)
    if (reaching.length > 0) await applyReaching(connection, reaching)
    else await applySorted(connection, batches as readonly SortedBatch[])
  }
  const live = { isMovedByOthers: true, admitted: () => refuseOutdated(database, projection) }
  return {
    name: options.name ?? projection.name,
    topic: projection.topic,
    group: groupOf(projection),
    ...(options.batchSize === undefined ? {} : { batchSize: options.batchSize }),
    types: projection.types,
    keyOf: (event) => {
      const cells = projection.key(event)
      return cells === undefined ? event.partitionkey : keyText(cells)
    },
    // A builder writes tables that nobody swaps under it.
    ...(options.name === undefined ? live : {}),
    assigned: async (owned) => {
      states.forget(owned.partition)
      if (options.name === undefined) await owned.fenced((connection) => passLiveGate(connection, projection))
    },
    prepare: async (delivered) => {
      const partition = delivered[0]?.partition ?? 0
      const since = states.count(partition)
      const events = await openEvents(
        vault,
        delivered.map(({ event }) => event),
      )
      if (projection.reach) return { partition, events }
      const keys = byKey(projection, events)
      return { partition, keys, loaded: { since, states: await load(database, cellsOfKeys(keys)) } }
    },
    apply: (connection, batch) => apply(connection, [batch]),
    // A builder's batches are large, and each pays for its own commit.
    ...(options.name === undefined ? { applyTogether: apply } : {}),
    committed: (partition) => {
      states.settle(partition)
      book.settle(partition)
    },
    revoked: async (partition) => {
      states.forget(partition)
      book.drop(partition)
    },
  }
}

/** Applies batches of a projection with a `reach`; the rows that it wants are known only when the batch before is written. */
function createReachApplier(projection: Projection, physical: PhysicalName) {
  const { reach } = projection
  const load = createReachLoader(projection.tables, physical)
  return async (connection: Connection, events: readonly OpenedEvent[]) => {
    if (!reach) throw new Error(`${projection.name} has no reach.`)
    const write = (changed: ChangedRows) => writeRows(connection, projection.tables, physical, changed)
    return await applyReach({ projection: { ...projection, reach }, connection, physical, load, write }, events)
  }
}

/** The group in which processes share the partitions of a projection, for example `tributaryProjectionOrders`. */
const groupOf = ({ name }: Projection): string => `tributaryProjection${name.charAt(0).toUpperCase()}${name.slice(1)}`

function foldBatch(
  projection: Projection,
  keys: ReadonlyMap<string, KeyEvents>,
  before: (key: string) => KeyState | undefined,
) {
  const nothing: KeyState = Object.freeze(Object.fromEntries(projection.tables.map(({ name }) => [name, []])))
  const remarks: Remark[] = []
  const changed: ChangedRows = new Map()
  const after = new Map<string, KeyState>()
  for (const [key, { events }] of keys) {
    const state = before(key) ?? nothing
    const folded = foldKey(projection, state, events, remarks)
    after.set(key, folded)
    addChanged(changed, projection.tables, state, folded)
  }
  return { remarks, after, changed }
}

/** Hands all statements to the connection at once: it sends them in this order, and makes the text of one while another runs. */
async function writeRows(
  connection: Connection,
  tables: readonly TableDefinition[],
  physical: PhysicalName,
  changed: ChangedRows,
): Promise<void> {
  await Promise.all(
    tables.map((table) => {
      const rows = inLockOrder(changed.get(table.name) ?? [])
      const writing = upsert(
        connection,
        { ...table, table: physical(table.name), primaryKey: [table.primaryKey] },
        rows.map((row) => cellsOf(row, table.columns)),
      )
      return untilOwn(connection, { table, physical: physical(table.name), rows }, writing)
    }),
  )
}

/** The values of a row in the order of the table. A loop, because a function for each of seventy cells of an order took 4 microseconds. */
function cellsOf(row: Row, columns: readonly string[]): Cell[] {
  const cells: Cell[] = []
  for (const column of columns) cells.push(row[column] ?? null)
  return cells
}
