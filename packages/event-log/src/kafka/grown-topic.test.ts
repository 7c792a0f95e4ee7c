import { randomUUID } from 'node:crypto'
import { describeOnKafka, migratedTestDatabase, testKafkaUrl } from '@tributary/test/servers'
import { expect } from 'chai'
import { openEventLog } from '../index.ts'
import { anEvent } from '../testing/an-event.ts'
import { createKafka } from './client.ts'
import { parseKafkaUrl } from './url.ts'

describeOnKafka('A topic of Kafka that somebody gave more partitions', function () {
  this.timeout(60_000)

  it('keeps the events of each key in the partition that they had', async () => {
    const [url, { database, drop }] = await Promise.all([testKafkaUrl(), migratedTestDatabase('kafka_grown')])
    const topic = `GROWN_${randomUUID().slice(0, 8)}`
    const keys = Array.from({ length: 20 }, () => randomUUID())
    const append = async () => {
      const log = await openEventLog({ url, database, partitions: 2 })
      try {
        const places = await log.append(
          topic,
          keys.map((partitionkey) => ({ ...anEvent(), partitionkey })),
        )
        return { places: places.map(({ partition }) => partition), partitions: await log.partitions(topic) }
      } finally {
        await log.close()
      }
    }
    try {
      const before = await append()
      const admin = createKafka(parseKafkaUrl(url), undefined).admin()
      await admin.connect()
      await admin.createPartitions({ topicPartitions: [{ topic, count: 8 }] })
      await admin.disconnect()
      expect(await append()).to.deep.equal(before)
    } finally {
      await drop()
    }
  })
})
