import type { Database } from '@tributary/database'
import { type EventLog, openEventLog } from '@tributary/event-log'
import type { StoredEvent } from '@tributary/events'
import { type Benchmark, inTurns, latency, perSecond, quantile, type Row, rate } from './benchmark.ts'
import { anOrderEvent } from './order-event.ts'
import { benchDatabase } from './server.ts'

const TOPIC = 'BENCH'
const PARTITIONS = 8
const ROUNDS = 7
const COLUMNS =
  'topic_id, partition_no, position, event_id, event_type, partition_key, event_time, data_version, source, subject, traceparent, recorded_time, data_bytes, data'

/**
 * The log against the same bytes written and read with nothing around: the same table and indexes, no counters, no
 * look at ids, rows made before the clock starts.
 */
export const benchmark: Benchmark = {
  name: 'log',
  run: async () => {
    const { url, database, drop } = await benchDatabase('log')
    const log = await openEventLog({ url, partitions: PARTITIONS })
    const other = await openEventLog({ url, partitions: PARTITIONS })
    await database.query('CREATE TABLE raw_event LIKE tributary_log_event')
    try {
      return [
        await appending(log, database, { calls: 30, events: 100, callers: 1 }),
        await appending(log, database, { calls: 10, events: 100, callers: 4 }),
        await appending(log, database, { calls: 100, events: 1, callers: 1 }),
        await appending(log, database, { calls: 15, events: 1, callers: 16 }),
        await reading(log, database),
        ...(await following(log, other, database)),
      ]
    } finally {
      await Promise.all([log.close(), other.close()])
      await drop()
    }
  },
}

type Load = { calls: number; events: number; callers: number }

/** The raw side has a connection for each caller, the log one for all. */
async function appending(log: EventLog, database: Database, load: Load): Promise<Row> {
  const total = load.calls * load.events * load.callers
  const { value, ceiling } = await inTurns(ROUNDS, {
    ceiling: () => {
      const batches = makeLoad(load, tracedEvent).map((calls) => calls.map((events) => events.map(toRawRow)))
      return perSecond(total, () => inParallel(batches, (rows) => insertRaw(database, rows)))
    },
    value: () => {
      const batches = makeLoad(load, tracedEvent)
      return perSecond(total, () => inParallel(batches, (events) => log.append(TOPIC, events)))
    },
  })
  return rate(
    `log: append, ${load.events} a call, ${load.callers === 1 ? 'one caller' : `${load.callers} callers`}`,
    'events/s',
    value,
    ceiling,
  )
}

async function reading(log: EventLog, database: Database): Promise<Row> {
  const ends = await log.ends(TOPIC)
  const partition = ends.indexOf(Math.max(...ends))
  const [topic] = await database.query<{ id: number }[]>('SELECT id FROM tributary_log_topic WHERE name = ?', [TOPIC])
  const slices = Math.min(10, Math.floor((ends[partition] ?? 0) / 500))
  const select = `SELECT ${COLUMNS} FROM tributary_log_event
    WHERE topic_id = ? AND partition_no = ? AND position >= ? ORDER BY position LIMIT 500`
  const each = async (work: (from: number) => Promise<unknown>) => {
    for (let slice = 0; slice < slices; slice += 1) await work(slice * 500)
  }
  const { value, ceiling } = await inTurns(ROUNDS, {
    ceiling: () => perSecond(slices * 500, () => each((from) => database.query(select, [topic?.id, partition, from]))),
    value: () => perSecond(slices * 500, () => each((from) => log.read(TOPIC, partition, from, { limit: 500 }))),
  })
  return rate('log: read, 500 a call', 'events/s', value, ceiling)
}

/** From the call of `append` in one instance to the follower of another, as between processes; the least is a raw commit of that event. */
async function following(log: EventLog, other: EventLog, database: Database): Promise<Row[]> {
  const stop = new AbortController()
  const begun = new Map<string, number>()
  const waits: number[] = []
  const ends = await other.ends(TOPIC)
  const followed = other.follow({
    topic: TOPIC,
    group: 'bench',
    signal: stop.signal,
    follower: {
      assigned: async (partition) => ends[partition] ?? 0,
      batch: async (_, { events }) => {
        for (const { event } of events) waits.push(performance.now() - (begun.get(event.id) ?? Number.NaN))
      },
      revoked: async () => {},
    },
  })
  const least: number[] = []
  for (let number = 0; number < 400; number += 1) {
    const event = tracedEvent()
    const rawRow = toRawRow(tracedEvent())
    const before = performance.now()
    await insertRaw(database, [rawRow])
    least.push(performance.now() - before)
    begun.set(event.id, performance.now())
    await log.append(TOPIC, [event])
    while (waits.length <= number) await new Promise((resolve) => setImmediate(resolve))
  }
  stop.abort()
  await followed
  return [0.5, 0.99].map((share) =>
    latency(`log: append to follower of another instance, p${share * 100}`, quantile(waits, share), quantile(least, share)),
  )
}

function makeLoad<T>({ calls, events, callers }: Load, make: () => T): T[][][] {
  const many = <E>(count: number, one: () => E) => Array.from({ length: count }, one)
  return many(callers, () => many(calls, () => many(events, make)))
}

async function inParallel<T>(callers: readonly T[][], work: (call: T) => Promise<unknown>): Promise<void> {
  await Promise.all(
    callers.map(async (calls) => {
      for (const call of calls) await work(call)
    }),
  )
}

let rawPosition = 0

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const tracedEvent = (): StoredEvent => anOrderEvent({ traceparent: TRACEPARENT })

function toRawRow(event: StoredEvent): unknown[] {
  const { id, type, partitionkey, time, dataversion, source, subject, traceparent, data } = event
  const eventId = Buffer.from(id.replaceAll('-', ''), 'hex')
  const now = Date.parse(time)
  const place = [1, 0, rawPosition++]
  return [...place, eventId, type, partitionkey, now, dataversion, source, subject, traceparent, now, data.length, data]
}

function insertRaw(database: Database, rows: unknown[][]): Promise<unknown> {
  return database.transaction((connection) => connection.query(`INSERT INTO raw_event (${COLUMNS}) VALUES ?`, [rows]))
}
