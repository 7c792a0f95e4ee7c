import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Connection, type Database, type UpsertShape, upsert, upsertText } from '@tributary/database'
import { type EventLog, openEventLog } from '@tributary/event-log'
import { ORDER_TOPIC } from '@tributary/events'
import { orders } from '@tributary/orders'
import { startProjection, type Row as TableRow } from '@tributary/projection'
import { createLogger } from '@tributary/runtime'
import { openVault, type Vault } from '@tributary/vault'
import { type Benchmark, inTurns, perSecond, type Row, rate } from './benchmark.ts'
import { appendOrders } from './order-log.ts'
import { benchDatabase } from './server.ts'

const ORDERS = 10_000
const BATCH = 500
const ROUNDS = 3
const MEMORY_EVENTS = 100_000

/** Rows to write in one transaction, by table. */
type Batch = ReadonlyMap<string, readonly TableRow[]>
type Bench = { database: Database; log: EventLog; vault: Vault }
type Write = (connection: Connection, shape: UpsertShape, rows: readonly unknown[][]) => Promise<unknown>

/**
 * The projection of orders from a full log, against the same rows written with nothing around: the same tables, batches and
 * cursor, from rows that stand in memory before the clock starts. They are written raw, as the driver makes a multi-row
 * upsert, and by the writer that a projection has, which shows what reading, opening and folding take.
 */
export const benchmark: Benchmark = {
  name: 'project',
  run: async () => {
    const { url, database, drop } = await benchDatabase('project')
    const log = await openEventLog({ url, database, partitions: 1 })
    const masterKey = randomBytes(32)
    const vault = await openVault({ database, masterKeys: [masterKey] })
    const bench = { database, log, vault }
    try {
      return [...(await measure(bench)), ...(await memory({ ...bench, url, masterKey }))]
    } finally {
      await log.close()
      await drop()
    }
  },
}

async function measure(bench: Bench): Promise<Row[]> {
  await appendOrders(bench.log, bench.vault, ORDERS, 0)
  await project(bench)
  const first = await readBatches(bench.database)
  const fresh = await compare(bench, { before: [], after: first })
  await appendOrders(bench.log, bench.vault, ORDERS, 1)
  await project(bench)
  const changed = await compare(bench, { before: first, after: await readBatches(bench.database) })
  return [
    rate('project: new orders', 'orders/s', fresh.value, fresh.ceiling),
    rate('project: new orders, and what its writer alone reaches', 'orders/s', fresh.value, fresh.writer),
    rate('project: changed orders', 'orders/s', changed.value, changed.ceiling),
    rate('project: changed orders, and what its writer alone reaches', 'orders/s', changed.value, changed.writer),
  ]
}

/** Projects the orders of the log's last batches, or writes the rows that this leads to. */
function compare(bench: Bench, { before, after }: { before: readonly Batch[]; after: readonly Batch[] }) {
  const from = before.length * BATCH
  const raw: Write = (connection, shape, rows) => connection.query(upsertText(shape), [rows])
  const written = async (write: Write) => {
    await restore(bench.database, before)
    return perSecond(ORDERS, () => writeBatches(bench.database, after, from, write))
  }
  return inTurns(ROUNDS, {
    ceiling: () => written(raw),
    writer: () => written(upsert),
    value: async () => {
      await restore(bench.database, before)
      return project(bench)
    },
  })
}

/** The tables as after `batches`, and the cursor behind them. */
async function restore(database: Database, batches: readonly Batch[]): Promise<void> {
  for (const table of orders.tables) await database.query('TRUNCATE TABLE ??', [table.name])
  await database.query('UPDATE tributary_cursor SET next_position = 0, epoch = epoch + 1')
  await writeBatches(database, batches, 0, upsert)
}

async function writeBatches(database: Database, batches: readonly Batch[], from: number, write: Write): Promise<void> {
  for (const [index, batch] of batches.entries())
    await database.transaction(async (connection) => {
      const position = from + index * BATCH
      await connection.query('UPDATE tributary_cursor SET next_position = ? WHERE next_position = ?', [
        position + BATCH,
        position,
      ])
      for (const { name, columns } of orders.tables) {
        const rows = (batch.get(name) ?? []).map((row) => columns.map((column) => row[column] ?? null))
        await write(connection, { table: name, primaryKey: ['id'], columns }, rows)
      }
    })
}

/** Every row there is, as the projection writes them: so many orders a transaction, with the rows that belong to them. */
async function readBatches(database: Database): Promise<Batch[]> {
  const tables = new Map<string, TableRow[]>()
  for (const { name } of orders.tables) tables.set(name, await database.query('SELECT * FROM ?? ORDER BY id', [name]))
  return Array.from({ length: ORDERS / BATCH }, (_, index) => {
    const part = (rows: TableRow[]) =>
      rows.slice((index * rows.length * BATCH) / ORDERS, ((index + 1) * rows.length * BATCH) / ORDERS)
    return new Map([...tables].map(([name, rows]) => [name, part(rows)]))
  })
}

/** Runs the projection from its cursor to the end of the log; orders a second from its start, joining the group included. */
async function project({ database, log, vault }: Bench): Promise<number> {
  const [end = 0] = await log.ends(ORDER_TOPIC)
  const logger = createLogger({ level: 'warn', format: 'json' })
  let projection: ReturnType<typeof startProjection> | undefined
  try {
    return await perSecond(ORDERS, async () => {
      projection = startProjection({ projection: orders, database, log, vault, logger })
      while ((await readPosition(database)) < end) await new Promise((resolve) => setTimeout(resolve, 10))
    })
  } finally {
    await projection?.stop()
  }
}

async function readPosition(database: Database): Promise<number> {
  const [row] = await database.query<{ next: number }[]>('SELECT next_position AS next FROM tributary_cursor')
  return row?.next ?? 0
}

/** The memory of a process that projects 100,000 events, against what it was after the first 20,000. */
async function memory({ url, log, vault, masterKey }: Bench & { url: string; masterKey: Buffer }): Promise<Row[]> {
  const [behind = 0] = await log.ends(ORDER_TOPIC)
  for (let snapshot = 2; snapshot * ORDERS < behind + MEMORY_EVENTS; snapshot += 1)
    await appendOrders(log, vault, ORDERS, snapshot)
  const program = join(import.meta.dirname, 'project-memory.ts')
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', program, url, masterKey.toString('hex')])
  const { early, late } = JSON.parse(stdout) as Record<'early' | 'late', { resident: number; live: number }>
  const row = (name: string, value: number, ceiling: number): Row => ({
    name,
    value,
    unit: 'MB',
    ceiling,
    ratio: ceiling / value,
  })
  return [
    row('project: memory of the process after 100,000 events, and after 20,000', late.resident, early.resident),
    row('project: memory in use after 100,000 events, and after 20,000', late.live, early.live),
  ]
}
