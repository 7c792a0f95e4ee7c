import { setTimeout as wait } from 'node:timers/promises'
import { type RunningConsumer, startConsumer } from '@tributary/consumer'
import type { Database } from '@tributary/database'
import {
  countReplay,
  createEndpoint,
  createSender,
  deliveryRequest,
  endpointConsumer,
  planReplay,
  type Sender,
  SPI_POLICY,
  signingKey,
} from '@tributary/delivery'
import { type EventLog, openEventLog } from '@tributary/event-log'
import { type Event, encodeEvent, ORDER_TOPIC, timeOrderedEventId } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { createLogger } from '@tributary/runtime'
import { type Benchmark, inTurns, latency, perSecond, quantile, type Row, rate } from './benchmark.ts'
import { type BenchReceiver, type Received, startReceiver } from './delivery-receiver.ts'
import { benchDatabase } from './server.ts'

const ROUNDS = 3
const EVENTS = 10_000
const PARTITIONS = 8
const IN_FLIGHT = 256
const KEYS = 1_000
const BODY = 'x'.repeat(1_000)
const logger = createLogger({ level: 'error', format: 'json' })
const made = signingKey('a secret for benches only')
if (made.kind !== 'key') throw new Error(made.problem)
const keys = [made.key]

type Bench = { database: Database; log: EventLog; sender: Sender; receiver: BenchReceiver }
type Running = RunningConsumer

/**
 * Deliveries of 1 KB, signed, recorded and with their cursors moved, against the same requests with nothing around them.
 * Receiver, MariaDB and sender share the machine.
 */
export const benchmark: Benchmark = {
  name: 'delivery',
  run: async () => {
    const { url, database, drop } = await benchDatabase('delivery')
    const log = await openEventLog({ url, database, partitions: PARTITIONS, lease: 1_000 })
    const receiver = await startReceiver()
    const bench = { database, log, sender: createSender({ reach: { scope: 'internal', allow: [] } }), receiver }
    try {
      return [
        ...(await throughput(bench)),
        ...(await ages(bench)),
        ...(await besideTrouble(bench)),
        ...(await deadAndBack(bench)),
        ...(await dryRun(bench)),
      ]
    } finally {
      await bench.sender.close()
      await receiver.stop()
      await log.close()
      await drop()
    }
  },
}

/** A backlog of every partition, from start to the last answer, in turns with bare requests. */
async function throughput(bench: Bench): Promise<Row[]> {
  const events = await append(bench.log, EVENTS)
  let resident = 0
  const { ceiling, value } = await inTurns(ROUNDS, {
    ceiling: () => perSecond(EVENTS, () => postAll(bench, events)),
    value: (round) =>
      perSecond(EVENTS, async () => {
        const running = await deliver(bench, `throughput-${round}`, '/ok')
        await arrived(bench, '/ok', EVENTS)
        resident = Math.max(resident, process.memoryUsage().rss / 1_048_576)
        await running.stop()
      }),
  })
  return [
    rate('delivery: backlog of one endpoint', 'deliveries/s', value, ceiling),
    {
      name: 'delivery: memory of the process, the bench in it',
      value: resident,
      unit: 'MB',
      ceiling: 256,
      ratio: 256 / resident,
    },
  ]
}

/** From append to arrival at a steady rate; the least there is would be nothing, so the goal of 100 ms stands as ceiling. */
async function ages(bench: Bench): Promise<Row[]> {
  const running = await deliver(bench, 'ages', '/steady', { from: await end(bench) })
  await settled(running)
  const offered = await offer(bench, { perSecond: 1_000, seconds: 8 })
  const { ages: found } = await arrived(bench, '/steady', offered)
  await running.stop()
  return [
    latency('delivery: append to arrival at 1,000/s, median', quantile(found, 0.5), 100),
    latency('delivery: append to arrival at 1,000/s, 99 of 100 (goal 100)', quantile(found, 0.99), 100),
  ]
}

/** 2 of 100 events go to an endpoint that hangs, 10 to one that fails, the rest to a healthy one. */
async function besideTrouble(bench: Bench): Promise<Row[]> {
  const from = await end(bench)
  const hanging = await deliver(bench, 'hanging', '/hang', { from, wants: (share) => share < 2 })
  const failing = await deliver(bench, 'failing', '/fail', { from, wants: (share) => share >= 2 && share < 12 })
  const healthy = await deliver(bench, 'healthy', '/healthy', { from, wants: (share) => share >= 12 })
  for (const running of [hanging, failing, healthy]) await settled(running)
  const offered = await offer(bench, { perSecond: 2_000, seconds: 12 })
  const wanted = Math.floor(offered * 0.88)
  const { count, ages: found } = await arrived(bench, '/healthy', wanted)
  for (const consumer of [hanging, failing, healthy]) await consumer.stop()
  return [
    {
      name: 'delivery: healthy share beside trouble',
      value: (100 * count) / wanted,
      unit: '%',
      ceiling: 100,
      ratio: count / wanted,
    },
    latency('delivery: healthy at 2,000/s beside trouble, 99 of 100 (goal 50)', quantile(found, 0.99), 50),
  ]
}

const PAST = 50_000

/** What flows past an endpoint that is dead, and how fast it gets that when it is back, while another is served. */
async function deadAndBack(bench: Bench): Promise<Row[]> {
  const { database, log, receiver } = bench
  const from = await end(bench)
  await receiver.fail('/dead', true)
  const dead = await deliver(bench, 'dead', '/dead', { from })
  const other = await deliver(bench, 'other', '/other', { from })
  await append(log, PAST)
  await arrived(bench, '/other', PAST)
  const rows = await rowsOf(database, 'dead')
  await receiver.fail('/dead', false)
  const started = performance.now()
  const [, back] = await Promise.all([
    offer(bench, { perSecond: 500, seconds: 5 }),
    arrived(bench, '/dead', PAST).then(() => PAST / ((performance.now() - started) / 1_000)),
  ])
  const { ages: found } = await receiver.take('/other')
  for (const consumer of [dead, other]) await consumer.stop()
  return [
    {
      name: 'delivery: rows of a dead endpoint (goal 1,001)',
      value: rows,
      unit: 'rows',
      ceiling: 1_001,
      ratio: 1_001 / Math.max(1, rows),
    },
    rate('delivery: catching up (goal 2,000)', 'deliveries/s', back, 2_000),
    latency('delivery: another at 500/s meanwhile, 99 of 100', quantile(found, 0.99), 100),
  ]
}

/** Counting what a replay of the whole log would send; a million events in 30 seconds is the goal. */
async function dryRun({ database, log }: Bench): Promise<Row[]> {
  const plan = await planReplay(database, { endpoint: 'bench:other', topic: ORDER_TOPIC, from: Array(PARTITIONS).fill(0) })
  const total = plan.reduce((sum, { from, to }) => sum + to - from, 0)
  const { signal } = new AbortController()
  const value = await perSecond(total, () =>
    countReplay(log, ORDER_TOPIC, plan, { wants: async (events) => events.map(() => true), signal }),
  )
  return [rate('delivery: dry run of a replay (goal 1,000,000 in 30 s)', 'events/s', value, 1_000_000 / 30)]
}

/** Starts the delivery of the events whose share, 0 to 99 by their key, `wants` takes; from the beginning without `from`. */
async function deliver(bench: Bench, name: string, path: string, options: DeliverOptions = {}): Promise<Running> {
  const { database, log, sender, receiver } = bench
  const { from, wants = () => true } = options
  const endpoint = createEndpoint(
    {
      name: `bench:${name}`,
      topic: ORDER_TOPIC,
      group: `bench:${name}`,
      types: ['OrderReceived'],
      contract: 1,
      policy: { limits: { ...SPI_POLICY.limits, probeEvery: 1_000 } },
      route: async (events) => events.map((event) => (wants(shareOf(event)) ? 'deliver' : 'pass')),
      bodies: async (events) => events.map(() => BODY),
    },
    sender,
  )
  endpoint.retarget({ url: `${receiver.url}${path}`, keys })
  if (from)
    await database.query(
      'INSERT INTO tributary_cursor (consumer, topic, partition_no, next_position, epoch, owner, updated_time) VALUES ?',
      [from.map((position, partition) => [`bench:${name}`, ORDER_TOPIC, partition, position, 0, '', Date.now()])],
    )
  return startConsumer({ definition: endpointConsumer(endpoint, { log, logger }), database, log, logger })
}

type DeliverOptions = { from?: readonly number[]; wants?: (share: number) => boolean }

const shareOf = ({ partitionkey }: Event): number => Number(partitionkey.slice(partitionkey.lastIndexOf('-') + 1)) % 100

let appended = 0

/** Appends small order events, a hundred keys taking turns, and answers them. */
async function append(log: EventLog, count: number): Promise<Event[]> {
  const all: Event[] = []
  while (all.length < count) {
    const events = Array.from({ length: Math.min(500, count - all.length) }, () => eventOf(appended++))
    await log.append(ORDER_TOPIC, events.map(encodeEvent))
    all.push(...events)
  }
  return all
}

const eventOf = (number: number): Event =>
  exampleEvent('OrderReceived', timeOrderedEventId(), {
    time: Date.now(),
    data: { orderId: `order-${number % KEYS}` },
  })

/** Appends at an even rate, every twenty milliseconds, however the deliveries do; answers how many. */
async function offer({ log }: Bench, { perSecond: pace, seconds }: { perSecond: number; seconds: number }): Promise<number> {
  const total = pace * seconds
  const started = performance.now()
  const appends: Promise<unknown>[] = []
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - started) / 1_000) * pace))
    if (due > sent) appends.push(append(log, due - sent))
    sent = Math.max(sent, due)
    await wait(20)
  }
  await Promise.all(appends)
  return total
}

const end = ({ log }: Bench): Promise<number[]> => log.ends(ORDER_TOPIC)

/** Waits until so many have arrived on a path, at most a minute beyond the last; answers what did. */
async function arrived({ receiver }: Bench, path: string, count: number): Promise<Received> {
  const all: Received = { count: 0, ages: [] }
  for (let idle = performance.now(); all.count < count && performance.now() - idle < 15_000; await wait(10)) {
    const { count: more, ages } = await receiver.take(path)
    if (more > 0) idle = performance.now()
    all.count += more
    all.ages.push(...ages)
  }
  return all
}

/** Waits until a consumer has every partition. */
async function settled(consumer: RunningConsumer): Promise<void> {
  while ((await consumer.figures()).partitions.filter(({ stage }) => stage !== 'elsewhere').length < PARTITIONS) await wait(20)
}

async function rowsOf(database: Database, name: string): Promise<number> {
  const counts = await Promise.all(
    ['lane', 'waiting'].map((table) =>
      database.query<{ found: number }[]>(`SELECT COUNT(*) AS found FROM tributary_delivery_${table} WHERE endpoint = ?`, [
        `bench:${name}`,
      ]),
    ),
  )
  return counts.reduce((sum, [row]) => sum + (row?.found ?? 0), 0)
}

/** The requests alone: made, signed and posted, so many in flight. */
async function postAll({ receiver, sender }: Bench, events: readonly Event[]): Promise<void> {
  let next = 0
  const { signal } = new AbortController()
  const inTurn = async () => {
    for (let event = events[next++]; event; event = events[next++]) {
      const request = deliveryRequest({
        event,
        body: BODY,
        contract: 1,
        url: `${receiver.url}/bare`,
        keys,
        now: Date.now(),
        traceparent: undefined,
      })
      await sender.send(request, { signal })
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, inTurn))
  await receiver.take('/bare')
}
