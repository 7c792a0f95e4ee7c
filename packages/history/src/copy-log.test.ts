import { randomUUID } from 'node:crypto'
import { type EventLog, openEventLog } from '@tributary/event-log'
import { ORDER_TOPIC, type StoredEvent } from '@tributary/events'
import { describeOnKafka, migratedTestDatabase, testKafkaUrl } from '@tributary/test/servers'
import { expect } from 'chai'
import { copyLog } from './copy-log.ts'

type Place = { log: EventLog; close(): Promise<void> }

describeOnKafka('copying a log', function () {
  this.timeout(60_000)
  const { signal } = new AbortController()
  // Others on the same broker have topics of the usual names.
  const topic = `COPY_${randomUUID().slice(0, 8)}`

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
  const content = async (log: EventLog) => {
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

  it('puts every event of a MySQL log at the same place in Kafka, goes on after an interruption and adds what came since', async () => {
    const source = await openPlace()
    const target = await openPlace(await testKafkaUrl())
    try {
      await source.log.append(topic, events(1_500))
      const stopping = new AbortController()
      const options = { from: source.log, to: target.log, topics: [topic] }
      const interrupted = copyLog({ ...options, signal: stopping.signal, onProgress: () => stopping.abort() })
      expect(await interrupted.catch((error: Error) => error.name)).to.equal('AbortError')
      await copyLog({ ...options, signal })
      expect(await content(target.log)).to.deep.equal(await content(source.log))
      await source.log.append(topic, events(10))
      expect(await copyLog({ ...options, signal })).to.deep.equal({ events: 10, appended: 10, partitions: 3 })
      expect(await content(target.log)).to.deep.equal(await content(source.log))
      // And back, into a log that knows no gaps.
      const back = await openPlace()
      await copyLog({ from: target.log, to: back.log, topics: [topic], signal })
      expect(await content(back.log)).to.deep.equal(await content(source.log))
      await back.close()
    } finally {
      await Promise.all([source.close(), target.close()])
    }
  })

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

function events(count: number): StoredEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    specversion: '1.0',
    id: randomUUID(),
    type: 'OrderNotified',
    source: '/tributary/test',
    subject: 'orders/1/SELLER/1',
    time: new Date(1_800_000_000_000 + index).toISOString(),
    datacontenttype: 'application/json',
    dataversion: 1,
    partitionkey: `key-${index % 20}`,
    data: JSON.stringify({ number: index, text: '🎁' }),
  }))
}
