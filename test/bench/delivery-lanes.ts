import { setTimeout as wait } from 'node:timers/promises'
import { readSlices } from '@tributary/event-log'
import { ORDER_TOPIC } from '@tributary/events'
import { latency, quantile, type Row, rate } from './benchmark.ts'
import { type Bench, deliver, end } from './delivery-stage.ts'

/** As many as an endpoint may have set aside. */
const LANES = 1_000

/** An endpoint that has a lane for each of many keys recovers, and while they drain another is served. */
export async function lanesBack(bench: Bench): Promise<Row[]> {
  const { load, engine, receiver } = bench
  const from = await end(bench)
  await receiver.ask('fail', '/lanes', true)
  await setAside(bench, from)
  for (const name of ['lanes', 'beside']) await deliver(bench, { name, path: `/${name}`, from })
  const offering = load.ask('offer', { perSecond: 500, seconds: 5 })
  // The first of them have failed by then, and with them the endpoint.
  await wait(1_000)
  await receiver.ask('fail', '/lanes', false)
  while ((await left(bench)) === LANES) await wait(20)
  const started = performance.now()
  await receiver.ask('take', '/beside')
  while ((await left(bench)) > 0) await wait(20)
  const drained = LANES / ((performance.now() - started) / 1_000)
  const { ages } = await receiver.ask('take', '/beside')
  await offering
  for (const name of ['lanes', 'beside']) await engine.ask('stop', name)
  return [
    rate('delivery: lanes draining after a recovery', 'lanes/s', drained, 200),
    latency('delivery: another at 500/s while they drain, 99 of 100 (goal 50)', quantile(ages, 0.99), 50),
  ]
}

/** Gives the endpoint a lane for every key, with its last event in it, all of them due. */
async function setAside({ database, log }: Bench, from: readonly number[]): Promise<void> {
  const rows: unknown[][] = []
  for (const [partition, to] of from.entries()) {
    const heads = new Map<string, number>()
    for await (const { events } of readSlices(log, ORDER_TOPIC, partition, { from: Math.max(0, to - LANES), to }))
      for (const { event, position } of events) heads.set(event.partitionkey, position)
    for (const [key, head] of heads)
      rows.push(['bench:lanes', ORDER_TOPIC, partition, key, head, 1, 1, 0, 'retrying', 'status 500', 0])
  }
  await database.query(
    'INSERT INTO tributary_delivery_lane (endpoint, topic, partition_no, event_key, head_position, attempts, failures, next_time, state, reason, since) VALUES ?',
    [rows],
  )
}

async function left({ database }: Bench): Promise<number> {
  const [row] = await database.query<{ lanes: number }[]>(
    "SELECT COUNT(*) AS lanes FROM tributary_delivery_lane WHERE endpoint = 'bench:lanes'",
  )
  return row?.lanes ?? 0
}
