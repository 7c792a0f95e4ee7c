import { setTimeout as wait } from 'node:timers/promises'
import type { Database } from '@tributary/database'
import type { EventLog } from '@tributary/event-log'
import { ORDER_TOPIC } from '@tributary/events'
import type { Delivering, Engine } from './delivery-engine.ts'
import type { Load } from './delivery-load.ts'
import type { BenchReceiver, Received } from './delivery-receiver.ts'

export const PARTITIONS = 8

/** What the benches of deliveries have: what appends, what delivers and what receives, and the log and tables between them. */
export type Bench = { database: Database; log: EventLog; engine: Engine; load: Load; receiver: BenchReceiver }

/** Starts an endpoint at a path of the receiver, from the beginning without `from`, and waits until it is at work. */
export async function deliver({ database, engine, receiver }: Bench, { path, from, ...given }: DeliverOptions): Promise<void> {
  const { name } = given
  if (from)
    await database.query(
      'INSERT INTO tributary_cursor (consumer, topic, partition_no, next_position, epoch, owner, updated_time) VALUES ?',
      [from.map((position, partition) => [`bench:${name}`, ORDER_TOPIC, partition, position, 0, '', Date.now()])],
    )
  await engine.ask('start', { ...given, url: `${receiver.url}${path}` })
  if (from) await engine.ask('settled', name)
}

type DeliverOptions = Omit<Delivering, 'url'> & { path: string; from?: readonly number[] }

export const end = ({ log }: Bench): Promise<number[]> => log.ends(ORDER_TOPIC)

/** Waits until so many have arrived on a path, at most a while beyond the last; answers what did. */
export async function arrived({ receiver }: Bench, path: string, count: number): Promise<Received> {
  const all: Received = { count: 0, ages: [], arrivals: [] }
  for (let idle = performance.now(); all.count < count && performance.now() - idle < 15_000; await wait(20)) {
    const { count: more, ages, arrivals } = await receiver.ask('take', path)
    if (more > 0) idle = performance.now()
    all.count += more
    all.ages.push(...ages)
    all.arrivals.push(...arrivals)
  }
  return all
}
