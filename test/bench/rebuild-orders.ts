import { randomBytes } from 'node:crypto'
import { type Connection, type Database, type UpsertShape, upsert, upsertText } from '@tributary/database'
import { type EventLog, openEventLog } from '@tributary/event-log'
import { ORDER_TOPIC } from '@tributary/events'
import { orders } from '@tributary/orders'
import { checksumTable, startProjection, type Row as TableRow } from '@tributary/projection'
import { createLogger } from '@tributary/runtime'
import { openVault, type Vault } from '@tributary/vault'
import { type Benchmark, type Row as BenchRow, latency, quantile, rate } from './benchmark.ts'
import { measureRebuild, memoryOf, PARALLEL } from './measure-rebuild.ts'
import { appendOrders } from './order-log.ts'
import type { MeasuredRebuild } from './rebuild-process.ts'
import { benchDatabase } from './server.ts'

/** Orders of two lines; `TRIBUTARY_BENCH_ORDERS` makes it another number. */
const ORDERS = Number(process.env['TRIBUTARY_BENCH_ORDERS'] ?? 200_000)
const PARTITIONS = 4
const BATCH = 500
/** Rebuilds and ceilings take turns, and their medians count: single ones differ by a quarter. */
const ROUNDS = 3
const MOST_STALL = 50

type Bench = { database: Database; log: EventLog; vault: Vault; url: string; masterKey: Buffer }
type Write = (connection: Connection, shape: UpsertShape, rows: readonly unknown[][]) => Promise<unknown>

/**
 * Rebuilds of the projection of orders, from a quarter of the log and from all of it, each in a process of its own, against
 * the same rows written by as many connections with nothing around: raw, as the driver makes a multi-row upsert, and by the
 * writer that a rebuild has, which shows what reading, opening and folding take.
 */
export const benchmark: Benchmark = {
  name: 'rebuild-orders',
  run: async () => {
    const { url, database, drop } = await benchDatabase('rebuild')
    const log = await openEventLog({ url, database, partitions: PARTITIONS })
    const masterKey = randomBytes(32)
    const vault = await openVault({ database, masterKeys: [masterKey] })
    const bench = { database, log, vault, url, masterKey }
    try {
      await appendOrders(log, vault, ORDERS / 4, 0)
      await project(bench)
      const quarter = await measureRebuild(bench)
      await appendOrders(log, vault, ORDERS, 0)
      await project(bench)
      const before = await checksums(database)
      const rows = before.reduce((sum, table) => sum + table.rows, 0)
      const tables = await readTables(database)
      const raw: Write = (connection, shape, part) => connection.query(upsertText(shape), [part])
      const rebuilds: MeasuredRebuild[] = []
      const seconds = { whole: [] as number[], ceiling: [] as number[], written: [] as number[] }
      for (let round = 0; round < ROUNDS; round += 1) {
        const rebuilt = await measureRebuild(bench)
        rebuilds.push(rebuilt)
        seconds.whole.push(rebuilt.seconds)
        seconds.ceiling.push(await writeRows(database, tables, raw))
        seconds.written.push(await writeRows(database, tables, upsert))
      }
      const after = await checksums(database)
      const whole = quantile(seconds.whole, 0.5)
      const ceiling = quantile(seconds.ceiling, 0.5)
      const written = quantile(seconds.written, 0.5)
      return [
        rate('rebuild: orders', 'orders/s', ORDERS / whole, ORDERS / ceiling),
        rate('rebuild: rows', 'rows/s', rows / whole, rows / ceiling),
        rate('rebuild: orders, and what its writer alone reaches', 'orders/s', ORDERS / whole, ORDERS / written),
        rate('rebuild: whole log against a quarter of it', 'orders/s', ORDERS / whole, ORDERS / 4 / quarter.seconds),
        equalTables(before, after),
        latency(
          'rebuild: the rename, in which writers wait (goal 50)',
          Math.max(...rebuilds.map(({ renameMilliseconds }) => renameMilliseconds)),
          MOST_STALL,
        ),
        memoryOf('rebuild', { megabytes: Math.max(...rebuilds.map(({ megabytes }) => megabytes)) }),
      ]
    } finally {
      await log.close()
      await drop()
    }
  },
}

type Checksums = Awaited<ReturnType<typeof checksums>>

function equalTables(before: Checksums, after: Checksums): BenchRow {
  const value = before.filter((table, index) => JSON.stringify(table) === JSON.stringify(after[index])).length
  const ceiling = before.length
  return { name: 'rebuild: tables whose checksum is the same after it', value, unit: 'tables', ceiling, ratio: value / ceiling }
}

const checksums = (database: Database) => Promise.all(orders.tables.map(({ name }) => checksumTable(database, name)))

/** Fills the live tables, which the rebuild then compares itself with. */
async function project({ database, log, vault }: Bench): Promise<void> {
  const ends = (await log.ends(ORDER_TOPIC)).reduce((sum, end) => sum + end, 0)
  const logger = createLogger({ level: 'warn', format: 'json' })
  const projection = startProjection({ projection: orders, database, log, vault, logger })
  for (let next = 0; next < ends; ) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    const [row] = await database.query<{ sum: number }[]>(
      "SELECT COALESCE(SUM(next_position), 0) AS sum FROM tributary_cursor WHERE consumer = 'orders'",
    )
    next = Number(row?.sum)
  }
  await projection.stop()
}

async function readTables(database: Database): Promise<Map<string, TableRow[]>> {
  const tables = new Map<string, TableRow[]>()
  for (const { name } of orders.tables) tables.set(name, await database.query('SELECT * FROM ?? ORDER BY id', [name]))
  return tables
}

/** Writes rows into empty tables like theirs, by as many connections; answers the seconds. */
async function writeRows(database: Database, tables: ReadonlyMap<string, TableRow[]>, write: Write): Promise<number> {
  for (const { name } of orders.tables) {
    await database.query('DROP TABLE IF EXISTS ??', [`${name}__raw`])
    await database.query('CREATE TABLE ?? LIKE ??', [`${name}__raw`, name])
  }
  const batches = Array.from({ length: ORDERS / BATCH }, (_, index) => index)
  const part = (rows: TableRow[], index: number) =>
    rows.slice((index * rows.length * BATCH) / ORDERS, ((index + 1) * rows.length * BATCH) / ORDERS)
  const work = async () => {
    for (let index = batches.shift(); index !== undefined; index = batches.shift()) {
      const batch = index
      await database.transaction(async (connection) => {
        for (const { name, columns } of orders.tables) {
          const rows = part(tables.get(name) ?? [], batch).map((row) => columns.map((column) => row[column] ?? null))
          await write(connection, { table: `${name}__raw`, primaryKey: ['id'], columns }, rows)
        }
      })
    }
  }
  const began = performance.now()
  await Promise.all(Array.from({ length: PARALLEL }, work))
  return (performance.now() - began) / 1_000
}
