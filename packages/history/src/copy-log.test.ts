import { randomUUID } from 'node:crypto'
import { type EventLog, openEventLog } from '@tributary/event-log'
import { anEvent } from '@tributary/event-log/testing'
import { ORDER_TOPIC, type StoredEvent } from '@tributary/events'
import { describeOnKafka, migratedTestDatabase, testKafkaUrl } from '@tributary/test/servers'
import { startEventStoreDb } from '@tributary/test/servers/eventstoredb'
import { expect } from 'chai'
import { copyLog } from './copy-log.ts'

type Place = { log: EventLog; close(): Promise<void> }
type Server = { url: string; stop(): Promise<void> }

const { signal } = new AbortController()

describeOnKafka('copying a log to Kafka', () =>
  describeCopying(async () => ({ url: await testKafkaUrl(), stop: async () => {} })),
)

describe('copying a log to EventStoreDB', () => describeCopying(startEventStoreDb))

describe('copying a log to another place in MySQL', function () {
  this.timeout(60_000)

  it('refuses a target that holds something else, or has other partitions', async () => {
    const source = await openPlace()
    const target = await openPlace()
    const other = await openPlace(undefined, 4)
    try {
      await source.log.append(ORDER_TOPIC, events(50))
      await target.log.append(ORDER_TOPIC, events(20))
      const options = { from: source.log, topics: [ORDER_TOPIC], signal }
      expect(await refusal(copyLog({ ...options, to: target.log }))).to.equal('HISTORY_TARGET_NOT_EMPTY')
      expect(await refusal(copyLog({ ...options, to: other.log }))).to.equal('HISTORY_TARGET_NOT_EMPTY')
      expect((await target.log.ends(ORDER_TOPIC)).reduce((sum, end) => sum + end, 0)).to.equal(20)
    } finally {
      await Promise.all([source.close(), target.close(), other.close()])
    }
  })
})

function describeCopying(startServer: () => Promise<Server>): void {
  // Others on the same broker have topics of the usual names.
  const topic = `COPY_${randomUUID().slice(0, 8)}`

  it('puts every event of a MySQL log at the same place, goes on after an interruption and adds what came since', async function () {
    this.timeout(60_000)
    const source = await openPlace()
    const server = await startServer()
    const target = await openPlace(server.url)
    try {
      await source.log.append(topic, events(1_500))
      const stopping = new AbortController()
      const options = { from: source.log, to: target.log, topics: [topic] }
      const interrupted = copyLog({ ...options, signal: stopping.signal, onProgress: () => stopping.abort() })
      expect(await interrupted.catch((error: Error) => error.name)).to.equal('AbortError')
      await copyLog({ ...options, signal })
      expect(await content(target.log, topic)).to.deep.equal(await content(source.log, topic))
      await source.log.append(topic, events(10))
      expect(await copyLog({ ...options, signal })).to.deep.equal({ events: 10, appended: 10, partitions: 3 })
      expect(await content(target.log, topic)).to.deep.equal(await content(source.log, topic))
      // And back, into a log that knows no gaps.
      const back = await openPlace()
      await copyLog({ from: target.log, to: back.log, topics: [topic], signal })
      expect(await content(back.log, topic)).to.deep.equal(await content(source.log, topic))
      await back.close()
    } finally {
      await Promise.all([source.close(), target.close()])
      await server.stop()
    }
  })
}

async function openPlace(url?: string, partitions = 3): Promise<Place> {
  const { url: databaseUrl, database, drop } = await migratedTestDatabase('copy')
  const log = await openEventLog({ url: url ?? databaseUrl, database, partitions })
  return {
    log,
    close: async () => {
      await log.close()
      await drop()
    },
  }
}

async function content(log: EventLog, topic: string): Promise<{ position: number; event: StoredEvent }[][]> {
  const all: { position: number; event: StoredEvent }[][] = []
  for (const [partition, end] of (await log.ends(topic)).entries())
    all.push(
      (await log.read(topic, partition, 0, { limit: end + 1 })).events.map(({ position, event }) => ({ position, event })),
    )
  return all
}

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    ({ code }: { code: string }) => code,
  )

function events(count: number): StoredEvent[] {
  return Array.from({ length: count }, (_, index) =>
    anEvent({ partitionkey: `key-${index % 20}`, data: JSON.stringify({ number: index, text: '🎁' }) }),
  )
}
