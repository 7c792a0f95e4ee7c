import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { type EventLog, openEventLog } from '@tributary/event-log'
import { createRawClient } from '@tributary/event-log/testing/raw-kafka'
import type { StoredEvent } from '@tributary/events'
import { startKafka } from '@tributary/test/servers'
import { type Benchmark, inTurns, perSecond, type Row, rate } from './benchmark.ts'
import { anOrderEvent } from './order-event.ts'
import { benchDatabase } from './server.ts'

const PARTITIONS = 4
const ROUNDS = 5
const FOLLOWED = 30_000

/** The log on Kafka against kafkajs with nothing around it: the same messages, the same settings, the same broker. */
export const benchmark: Benchmark = {
  name: 'kafka',
  run: async () => {
    const { database, drop } = await benchDatabase('kafka')
    const broker = await startKafka({ folder: join(import.meta.dirname, '../../.local/bench-kafka') })
    const log = await openEventLog({ url: broker.url, database, partitions: PARTITIONS })
    try {
      return [
        await appending(log, broker.url, { events: 100, callers: 1 }),
        await appending(log, broker.url, { events: 100, callers: 4 }),
        await appending(log, broker.url, { events: 500, callers: 2 }),
        await following(log, broker.url),
      ]
    } finally {
      await log.close()
      await broker.kill()
      await drop()
    }
  },
}

async function appending(log: EventLog, url: string, { events, callers }: { events: number; callers: number }): Promise<Row> {
  const [topic, rawTopic] = await newTopics(log)
  const raw = await createRawClient(url).producer(rawTopic, PARTITIONS)
  const calls = 20
  const total = calls * events * callers
  const load = () =>
    Array.from({ length: callers }, () => Array.from({ length: calls }, () => Array.from({ length: events }, anOrderEvent)))
  const all = (batches: StoredEvent[][][], send: (batch: StoredEvent[]) => Promise<unknown>) =>
    Promise.all(
      batches.map(async (ofCaller) => {
        for (const batch of ofCaller) await send(batch)
      }),
    )
  const { value, ceiling } = await inTurns(ROUNDS, {
    ceiling: () => {
      const batches = load()
      return perSecond(total, () => all(batches, raw.send))
    },
    value: () => {
      const batches = load()
      return perSecond(total, () => all(batches, (batch) => log.append(topic, batch)))
    },
  })
  await raw.close()
  return rate(`kafka: append, ${events} a call, ${callers} ${callers === 1 ? 'caller' : 'callers'}`, 'events/s', value, ceiling)
}

async function following(log: EventLog, url: string): Promise<Row> {
  const [topic] = await newTopics(log)
  for (let done = 0; done < FOLLOWED; done += 500) await log.append(topic, Array.from({ length: 500 }, anOrderEvent))
  const raw = createRawClient(url)
  const { value, ceiling } = await inTurns(3, {
    ceiling: async () => FOLLOWED / (await raw.readAll(topic, FOLLOWED)),
    value: async (round) => FOLLOWED / (await followAll(log, topic, `bench-${round}`)),
  })
  return rate('kafka: follow from the beginning', 'events/s', value, ceiling)
}

/** The seconds from the first batch to the last event. */
async function followAll(log: EventLog, topic: string, group: string): Promise<number> {
  const stop = new AbortController()
  let seen = 0
  let began = 0
  let ended = 0
  await log.follow({
    ...{ topic, group, signal: stop.signal },
    follower: {
      assigned: async () => 0,
      batch: async (_, { events }) => {
        began ||= performance.now()
        seen += events.length
        if (seen < FOLLOWED) return
        ended = performance.now()
        stop.abort()
      },
      revoked: async () => {},
    },
  })
  return (ended - began) / 1_000
}

async function newTopics(log: EventLog): Promise<[string, string]> {
  const names: [string, string] = [`BENCH_${randomUUID().slice(0, 8)}`, `RAW_${randomUUID().slice(0, 8)}`]
  for (const name of names) await log.partitions(name)
  return names
}
