import { randomBytes } from 'node:crypto'
import type { Database } from '@tributary/database'
import { type EventLog, openEventLog } from '@tributary/event-log'
import { derivedEventId, encodeEvent, ORDER_TOPIC, type StoredEvent } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { openVault } from '@tributary/vault'
import { type Benchmark, quantile, rate } from './benchmark.ts'
import { measureRebuild, memoryOf } from './measure-rebuild.ts'
import { benchDatabase, serverCpuSeconds } from './server.ts'

/** Events of the short log, and of the long one; `TRIBUTARY_BENCH_EVENTS` makes the long one another multiple of the short. */
const FEW = 100_000
const MANY = Number(process.env['TRIBUTARY_BENCH_EVENTS'] ?? 2_000_000)
/** The short log has ten snapshots of each of them. The long one is many such blocks, each with orders of its own. */
const ORDERS = 10_000
const EVENTS_IN_A_CALL = 500
const PARTITIONS = 4

/** What one event took: seconds of the clock, and of the processor, the rebuild's process and the server together. */
type Cost = { seconds: number; cpu: number; megabytes: number }

/**
 * How the time of a rebuild changes from 100,000 small events to 2,000,000: a ratio of 1 means that it is linear in their
 * number. Processor time tells whether what differs is the rebuild or what else the machine had to do. Nothing is sealed,
 * because opening costs the same for each. What is measured is the building; what was built is given up.
 */
export const benchmark: Benchmark = {
  name: 'rebuild-linear',
  async run() {
    const { url, database, drop } = await benchDatabase('linear')
    const log = await openEventLog({ url, database, partitions: PARTITIONS })
    const masterKey = randomBytes(32)
    await openVault({ database, masterKeys: [masterKey] })
    const build = async (events: number): Promise<Cost> => {
      const before = await serverCpuSeconds()
      const { seconds, cpuSeconds, megabytes } = await measureRebuild({ url, masterKey }, 'building')
      const server = (await serverCpuSeconds()) - before
      return { seconds: seconds / events, cpu: (cpuSeconds + server) / events, megabytes }
    }
    try {
      await append(log)
      const ends = await log.ends(ORDER_TOPIC)
      const short = [await build(FEW), await build(FEW), await build(FEW)]
      await database.query('CREATE TABLE bench_first_block AS SELECT * FROM tributary_log_event')
      for (let block = 1; block < MANY / FEW; block += 1) await copyBlock(database, ends, block)
      await database.query('UPDATE tributary_log_partition SET next_position = next_position * ?', [MANY / FEW])
      const long = await build(MANY)
      const median = (of: (cost: Cost) => number) => quantile(short.map(of), 0.5)
      const name = `rebuild: building from ${MANY.toLocaleString('en')} events against ${FEW.toLocaleString('en')}`
      const [value, ceiling] = [long.cpu * 1e6, median(({ cpu }) => cpu) * 1e6]
      return [
        rate(name, 'events/s', 1 / long.seconds, 1 / median(({ seconds }) => seconds)),
        { name: `${name}, processor time an event`, value, unit: 'µs', ceiling, ratio: ceiling / value },
        memoryOf(`rebuild of ${MANY.toLocaleString('en')} events`, long),
      ]
    } finally {
      await log.close()
      await drop()
    }
  },
}

/** Appends as many events as the short log has. */
async function append(log: EventLog): Promise<void> {
  for (let first = 0; first < FEW; first += EVENTS_IN_A_CALL)
    await log.append(
      ORDER_TOPIC,
      Array.from({ length: EVENTS_IN_A_CALL }, (_, n) => eventOf(first + n)),
    )
}

/** The first id of a row: its beginning, behind the colon, is that of the block, and stands nowhere else in an event. */
const idsOf = (block: number): number => (7_000 + block) * 1e9
const ordersOf = (block: number): string => `order-${String(block).padStart(3, '0')}-`

function eventOf(number: number): StoredEvent {
  const order = number % ORDERS
  const snapshot = Math.floor(number / ORDERS)
  const { order: normal } = exampleEvent('OrderReceived', derivedEventId('linear')).data
  const [line] = normal.lines
  const id = idsOf(0) + order * 3
  const data = {
    orderId: `${ordersOf(0)}${order}`,
    sourceTime: Date.UTC(2026, 10, 23) + snapshot * 60_000,
    rowIds: { order: id, original: id + 1, lines: { 1: id + 2 } },
    order: { ...normal, lines: line ? [{ ...line, lineItemId: '1', title: `Oak mallet ${snapshot}` }] : [] },
    sealed: null,
  }
  return encodeEvent(exampleEvent('OrderReceived', derivedEventId('linear', number), { data }))
}

/**
 * Makes the log longer by copies of its first events under other orders, other row ids and other event ids. The server does
 * it by itself, because appending two million events would take longer than all that is measured.
 */
async function copyBlock(database: Database, ends: readonly number[], block: number): Promise<void> {
  const renamed = (column: string) => `REPLACE(${column}, '${ordersOf(0)}', '${ordersOf(block)}')`
  // Of version 8 (RFC 9562): the rest is for whoever makes it.
  const uuid = "UNHEX(INSERT(INSERT(MD5(CONCAT(HEX(event_id), ?)), 13, 1, '8'), 17, 1, '8'))"
  for (const [partition, end] of ends.entries())
    await database.query(
      `INSERT INTO tributary_log_event (topic_id, partition_no, position, event_id, event_type, partition_key, event_time,
         data_version, source, subject, recorded_time, data_bytes, data)
       SELECT topic_id, partition_no, position + ?, ${uuid}, event_type, ${renamed('partition_key')},
         event_time, data_version, source, subject, recorded_time, data_bytes,
         REPLACE(${renamed('data')}, ':${idsOf(0) / 1e9}', ':${idsOf(block) / 1e9}')
       FROM bench_first_block WHERE partition_no = ?`,
      [block * end, block, partition],
    )
}
