import { randomBytes } from 'node:crypto'
import { startConsumer } from '@tributary/consumer'
import { openEventLog } from '@tributary/event-log'
import { ORDER_TOPIC } from '@tributary/events'
import { explainRow, indexConsumer, readPlaces } from '@tributary/history'
import { orders } from '@tributary/orders'
import { startProjection } from '@tributary/projection'
import { createLogger } from '@tributary/runtime'
import { openVault } from '@tributary/vault'
import { type Benchmark, latency, quantile } from './benchmark.ts'
import { appendOrders } from './order-log.ts'
import { benchDatabase } from './server.ts'

/** Events in the log; most of them are filled in by the server itself. `TRIBUTARY_BENCH_EVENTS` makes it another number. */
const EVENTS = Number(process.env['TRIBUTARY_BENCH_EVENTS'] ?? 2_000_000)
const ORDERS = 1_000
const SNAPSHOTS = 3
const ASKED = 200

/** `row why` in a long log, against reading the events of that row by their places; and against the goal. */
export const benchmark: Benchmark = {
  name: 'row-why',
  run: async () => {
    const { url, database, drop } = await benchDatabase('history')
    const log = await openEventLog({ url, database, partitions: 4 })
    const vault = await openVault({ database, masterKeys: [randomBytes(32)] })
    const logger = createLogger({ level: 'warn', format: 'json' })
    try {
      for (let snapshot = 0; snapshot < SNAPSHOTS; snapshot += 1) await appendOrders(log, vault, ORDERS, snapshot)
      const projection = startProjection({ projection: orders, database, log, vault, logger })
      const index = startConsumer({ definition: indexConsumer(ORDER_TOPIC, [orders]), database, log, logger })
      for (let done = false; !done; ) {
        await new Promise((resolve) => setTimeout(resolve, 50))
        const rows = await database.query<{ sum: number }[]>(
          'SELECT SUM(next_position) AS sum FROM tributary_cursor GROUP BY consumer',
        )
        done = rows.length === 2 && rows.every(({ sum }) => Number(sum) === ORDERS * SNAPSHOTS)
      }
      await Promise.all([projection.stop(), index.stop()])
      await fill(database)
      const context = { database, log, vault, projections: [orders] }
      const ids = await database.query<{ id: number }[]>('SELECT id FROM eg_order_order ORDER BY RAND(7) LIMIT ?', [ASKED])
      const asked: number[] = []
      const read: number[] = []
      for (const { id } of ids) {
        const began = performance.now()
        const { steps } = await explainRow(context, { table: 'eg_order_order', id })
        asked.push(performance.now() - began)
        const again = performance.now()
        await readPlaces(log, ORDER_TOPIC, steps)
        read.push(performance.now() - again)
      }
      const name = `row why among ${EVENTS.toLocaleString('en')} events`
      return [
        latency(`${name}, median`, quantile(asked, 0.5), quantile(read, 0.5)),
        latency(`${name}, p99`, quantile(asked, 0.99), quantile(read, 0.99)),
        latency(`${name}, slowest of ${ASKED} (goal 200)`, Math.max(...asked), 200),
      ]
    } finally {
      await log.close()
      await drop()
    }
  },
}

/** Other keys' events behind those of the orders, with their entries in the index, as if consumers had come past them. */
async function fill(database: Awaited<ReturnType<typeof benchDatabase>>['database']): Promise<void> {
  const missing = EVENTS - ORDERS * SNAPSHOTS
  await database.query('CREATE TABLE filler (n INT NOT NULL PRIMARY KEY)')
  await database.query(`INSERT INTO filler SELECT seq FROM seq_0_to_${missing - 1}`)
  await database.query(
    `INSERT INTO tributary_log_event (topic_id, partition_no, position, event_id, event_type, partition_key, event_time,
       data_version, source, subject, recorded_time, data_bytes, data)
     SELECT p.topic_id, n % 4, p.next_position + FLOOR(n / 4), UNHEX(MD5(n)), 'OrderNotified', CONCAT('1:filler:', n), n, 1,
       '/filler', 'filler', p.next_position, 200, REPEAT('x', 200)
     FROM filler JOIN tributary_log_partition p ON p.partition_no = n % 4`,
  )
  for (const kind of ['key', 'id'])
    await database.query(
      `INSERT INTO tributary_event_index (key_hash, partition_no, position)
       SELECT UNHEX(LEFT(SHA2(CONCAT(?, n), 256), 16)), n % 4, p.next_position + FLOOR(n / 4)
       FROM filler JOIN tributary_log_partition p ON p.partition_no = n % 4`,
      [kind],
    )
  await database.query('UPDATE tributary_log_partition SET next_position = next_position + ?', [Math.floor(missing / 4)])
  await database.query('UPDATE tributary_cursor SET next_position = next_position + ?', [Math.floor(missing / 4)])
}
