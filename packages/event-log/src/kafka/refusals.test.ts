import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Database } from '@tributary/database'
import { describeOnKafka, migratedTestDatabase, testKafkaUrl } from '@tributary/test/servers'
import { expect } from 'chai'
import { type EventLog, openEventLog, readSlices } from '../index.ts'
import { anEvent } from '../testing/an-event.ts'
import { createKafka } from './client.ts'
import { parseKafkaUrl } from './url.ts'

describeOnKafka('A broker of Kafka that does not do as asked', function () {
  this.timeout(60_000)
  let url: string
  let log: EventLog
  let database: Database
  let drop: () => Promise<void>
  let topic: string
  before(async () => {
    const [address, made] = await Promise.all([testKafkaUrl(), migratedTestDatabase('kafka_refusals')])
    url = address
    ;({ database, drop } = made)
  })
  after(() => drop())
  beforeEach(async () => {
    topic = `REFUSALS_${randomUUID().slice(0, 8)}`
    log = await openEventLog({ url, database, partitions: 1 })
  })
  afterEach(() => log.close())

  it('and takes no message so large refuses that event, and none that came at the same moment', async () => {
    const admin = createKafka(parseKafkaUrl(url), undefined).admin()
    await admin.connect()
    await admin.createTopics({
      topics: [{ topic, numPartitions: 1, configEntries: [{ name: 'max.message.bytes', value: '20000' }] }],
    })
    await admin.disconnect()
    const large = anEvent({ data: JSON.stringify('x'.repeat(50_000)) })
    const outcomes = await Promise.allSettled(
      [anEvent(), large, anEvent()].map(async (event) => (await log.append(topic, [event]))[0]?.appended),
    )
    expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.code))).to.deep.equal([
      true,
      'LOG_EVENT_TOO_LARGE',
      true,
    ])
  })

  it('and holds us to a quota makes reading slow, and nothing be passed over', async () => {
    const events = Array.from({ length: 60 }, () => anEvent({ data: JSON.stringify('x'.repeat(1_000)) }))
    await log.append(topic, events)
    await setQuota(url, 20_000)
    try {
      const read: string[] = []
      for await (const slice of readSlices(log, topic, 0, { limit: 5 })) read.push(...slice.events.map(({ event }) => event.id))
      expect(read).to.deep.equal(events.map(({ id }) => id))
      for (let again = 0; again < 3; again += 1) expect((await log.read(topic, 0, 0)).events).to.have.length(60)
    } finally {
      await setQuota(url, undefined)
    }
  })
})

/** AlterClientQuotas, version 0 (KIP-546), which kafkajs does not know: bytes a second that our clients may fetch. */
async function setQuota(url: string, bytes: number | undefined): Promise<void> {
  const { hostname, port } = new URL(url)
  const text = (value: string) => Buffer.concat([int(2, value.length), Buffer.from(value)])
  const double = Buffer.alloc(8)
  double.writeDoubleBE(bytes ?? 0)
  const operation = [text('consumer_byte_rate'), double, Buffer.from([bytes === undefined ? 1 : 0])]
  const entries = [int(4, 1), int(4, 1), text('client-id'), text('tributary'), int(4, 1), ...operation]
  const request = Buffer.concat([int(2, 49), int(2, 0), int(4, 7), text('quota test'), ...entries, Buffer.from([0])])
  const socket = connect(Number(port), hostname)
  socket.write(Buffer.concat([int(4, request.length), request]))
  const [answer] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  // Behind length, correlation, throttle time and the number of entries.
  expect(answer.readInt16BE(16)).to.equal(0)
}

function int(size: 2 | 4, value: number): Buffer {
  const bytes = Buffer.alloc(size)
  bytes.writeIntBE(value, 0, size)
  return bytes
}
