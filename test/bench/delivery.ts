import type { Database } from '@tributary/database'
import { countReplay, createSender, deliveryRequest, planReplay } from '@tributary/delivery'
import { openEventLog } from '@tributary/event-log'
import { ORDER_TOPIC } from '@tributary/events'
import { type Benchmark, inTurns, latency, perSecond, quantile, type Row, rate } from './benchmark.ts'
import { BODY, benchKeys, startEngine } from './delivery-engine.ts'
import { lanesBack } from './delivery-lanes.ts'
import { eventOf, startLoad } from './delivery-load.ts'
import { startReceiver } from './delivery-receiver.ts'
import { arrived, type Bench, deliver, end, PARTITIONS } from './delivery-stage.ts'
import { machineRan, shareRunning, watchMachine, withoutPauses } from './machine-pauses.ts'
import { benchDatabase } from './server.ts'

const ROUNDS = 3
const EVENTS = 10_000
const IN_FLIGHT = 256
/** Endpoints that get the same events beside each other. */
const MANY = 4

/**
 * Deliveries of 1 KB, signed, recorded and with their cursors moved, against the same requests with nothing around them.
 * What appends, what delivers and what receives are processes of their own; they and MariaDB share the machine.
 */
export const benchmark: Benchmark = {
  name: 'delivery',
  run: async () => {
    const { url, database, drop } = await benchDatabase('delivery')
    const log = await openEventLog({ url, database, partitions: PARTITIONS })
    const bench = {
      ...{ database, log, receiver: await startReceiver() },
      ...{ engine: startEngine(url, PARTITIONS), load: startLoad(url, PARTITIONS) },
    }
    try {
      return [
        ...(await throughput(bench)),
        ...(await ages(bench)),
        ...(await manyAtTheHead(bench)),
        ...(await besideTrouble(bench)),
        ...(await deadAndBack(bench)),
        ...(await lanesBack(bench)),
        ...(await dryRun(bench)),
        await memory(bench),
      ]
    } finally {
      for (const process of [bench.load, bench.engine, bench.receiver]) await process.stop()
      await log.close()
      await drop()
    }
  },
}

/** A backlog of every partition, from start to the last answer, in turns with bare requests. */
async function throughput(bench: Bench): Promise<Row[]> {
  const { engine, load } = bench
  await load.ask('append', EVENTS)
  const bare: number[] = []
  const ours: number[] = []
  const { ceiling, value } = await inTurns(ROUNDS, {
    ceiling: async () => {
      const before = process.cpuUsage()
      const found = await perSecond(EVENTS, () => postAll(bench))
      const { user, system } = process.cpuUsage(before)
      bare.push((user + system) / EVENTS)
      return found
    },
    value: async (round) => {
      const name = `throughput-${round}`
      const { processor } = await engine.ask('usage')
      const found = await perSecond(EVENTS, async () => {
        await deliver(bench, { name, path: '/ok' })
        await arrived(bench, '/ok', EVENTS)
      })
      await engine.ask('stop', name)
      ours.push(((await engine.ask('usage')).processor - processor) / EVENTS)
      return found
    },
  })
  return [
    rate('delivery: backlog of one endpoint', 'deliveries/s', value, ceiling),
    processorTime('delivery: processor time of one, in a backlog', quantile(ours, 0.5), quantile(bare, 0.5)),
  ]
}

/** From append to arrival at a steady rate; the least there is would be nothing, so the goal of 100 ms stands as ceiling. */
async function ages(bench: Bench): Promise<Row[]> {
  const { engine, load } = bench
  await deliver(bench, { name: 'ages', path: '/steady', from: await end(bench) })
  const { processor } = await engine.ask('usage')
  const offered = await load.ask('offer', { perSecond: 1_000, seconds: 8 })
  const { ages: found } = await arrived(bench, '/steady', offered)
  const used = (await engine.ask('usage')).processor - processor
  await engine.ask('stop', 'ages')
  return [
    latency('delivery: append to arrival at 1,000/s, median', quantile(found, 0.5), 100),
    latency('delivery: append to arrival at 1,000/s, 99 of 100 (goal 100)', quantile(found, 0.99), 100),
    processorTime('delivery: processor time of one, at 1,000/s', used / offered, 1_000),
  ]
}

/** Several endpoints at the head of the log that get the same events. */
async function manyAtTheHead(bench: Bench): Promise<Row[]> {
  const { engine, load } = bench
  const from = await end(bench)
  const names = Array.from({ length: MANY }, (_, number) => `many-${number}`)
  for (const name of names) await deliver(bench, { name, path: `/${name}`, from })
  const { processor } = await engine.ask('usage')
  const offered = await load.ask('offer', { perSecond: 300, seconds: 8 })
  const found = []
  for (const name of names) found.push(...(await arrived(bench, `/${name}`, offered)).ages)
  const used = (await engine.ask('usage')).processor - processor
  for (const name of names) await engine.ask('stop', name)
  return [
    latency(`delivery: ${MANY} endpoints at 300/s each, 99 of 100`, quantile(found, 0.99), 100),
    processorTime(`delivery: processor time of one, ${MANY} endpoints`, used / (offered * MANY), 1_000),
  ]
}

/** 2 of 100 events go to an endpoint that hangs, 10 to one that fails, the rest to a healthy one. */
async function besideTrouble(bench: Bench): Promise<Row[]> {
  const { engine, load } = bench
  const from = await end(bench)
  await deliver(bench, { name: 'hanging', path: '/hang', from, shares: [0, 2] })
  await deliver(bench, { name: 'failing', path: '/fail', from, shares: [2, 12] })
  await deliver(bench, { name: 'healthy', path: '/healthy', from, shares: [12, 100] })
  const machine = watchMachine()
  const began = Date.now()
  const offered = await load.ask('offer', { perSecond: 2_000, seconds: 12 })
  const wanted = Math.floor(offered * 0.88)
  const { count, ages: found, arrivals } = await arrived(bench, '/healthy', wanted)
  const pauses = await machine.stop()
  const running = shareRunning(pauses, began, Date.now())
  for (const name of ['hanging', 'failing', 'healthy']) await engine.ask('stop', name)
  const name = 'delivery: healthy at 2,000/s beside trouble'
  return [
    {
      name: 'delivery: healthy share beside trouble',
      value: (100 * count) / wanted,
      unit: '%',
      ceiling: 100,
      ratio: count / wanted,
    },
    latency(`${name}, 99 of 100 (goal 50)`, quantile(found, 0.99), 50),
    latency(`${name}, of those that met no pause of the machine`, quantile(withoutPauses(pauses, found, arrivals), 0.99), 50),
    machineRan('delivery beside trouble', running),
  ]
}

/** Events that flow past a dead endpoint; `TRIBUTARY_BENCH_PAST` makes it another number. */
const PAST = Number(process.env['TRIBUTARY_BENCH_PAST'] ?? 1_000_000)
/** Of those, as many are caught up with as it takes to measure the rate. */
const CAUGHT_UP = 50_000

/** What flows past an endpoint that is dead, and how fast it gets that when it is back, while another is served. */
async function deadAndBack(bench: Bench): Promise<Row[]> {
  const { database, load, engine, receiver } = bench
  await receiver.ask('fail', '/dead', true)
  const space = await megabytesOf(database)
  await deliver(bench, { name: 'dead', path: '/dead', from: await end(bench) })
  await load.ask('append', PAST)
  const rows = await rowsOf(database, 'dead')
  const megabytes = (await megabytesOf(database)) - space
  await deliver(bench, { name: 'other', path: '/other', from: await end(bench) })
  await receiver.ask('fail', '/dead', false)
  const started = performance.now()
  const [, back] = await Promise.all([
    load.ask('offer', { perSecond: 500, seconds: 5 }),
    arrived(bench, '/dead', CAUGHT_UP).then(({ count }) => count / ((performance.now() - started) / 1_000)),
  ])
  const { ages: found } = await receiver.ask('take', '/other')
  for (const name of ['dead', 'other']) await engine.ask('stop', name)
  const name = `delivery: ${PAST.toLocaleString('en')} events past a dead endpoint`
  return [
    atMost(`${name}, rows (goal 1,001)`, rows, 'rows', 1_001),
    atMost(`${name}, size of the tables (goal 10)`, megabytes, 'MB', 10),
    rate('delivery: catching up (goal 2,000)', 'deliveries/s', back, 2_000),
    latency('delivery: another at 500/s meanwhile, 99 of 100 (goal 50)', quantile(found, 0.99), 50),
  ]
}

const atMost = (name: string, value: number, unit: string, ceiling: number): Row => ({
  ...{ name, value, unit, ceiling, ratio: ceiling / Math.max(1, value) },
})

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

/** The most that the process took that delivered all of this. */
async function memory({ engine }: Bench): Promise<Row> {
  const { resident } = await engine.ask('usage')
  return atMost('delivery: memory of the process (goal 256)', resident, 'MB', 256)
}

const processorTime = (name: string, value: number, least: number): Row => ({
  ...{ name, value, unit: 'µs', ceiling: least, ratio: least / value },
})

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

/** What the tables of deliveries take of the disk, those of attempts with them. */
async function megabytesOf(database: Database): Promise<number> {
  const [row] = await database.query<{ bytes: number }[]>(
    `SELECT COALESCE(SUM(FILE_SIZE), 0) AS bytes FROM information_schema.INNODB_SYS_TABLESPACES
     WHERE NAME LIKE CONCAT(DATABASE(), '/tributary_delivery%')`,
  )
  return Number(row?.bytes) / 2 ** 20
}

/** The requests alone: made, signed and posted, so many in flight. */
async function postAll({ receiver }: Bench): Promise<void> {
  const sender = createSender({ reach: { scope: 'internal', allow: [] } })
  const event = eventOf(0)
  const keys = benchKeys()
  const { signal } = new AbortController()
  let left = EVENTS
  const inTurn = async () => {
    while (left-- > 0) {
      const request = deliveryRequest({
        ...{ event, body: BODY, contract: 1, keys, now: Date.now(), traceparent: undefined },
        url: `${receiver.url}/bare`,
      })
      await sender.send(request, { signal })
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, inTurn))
  await receiver.ask('take', '/bare')
  await sender.close()
}
