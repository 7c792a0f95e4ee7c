import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Database } from '@tributary/database'
import { describeOnKafka, migratedTestDatabase, ofWorker, type PrivateBroker, startKafka, until } from '@tributary/test/servers'
import { expect } from 'chai'
import type { Kafka } from 'kafkajs'
import { type EventLog, openEventLog } from '../index.ts'
import { anEvent } from '../testing/an-event.ts'
import { createKafka } from './client.ts'
import { parseKafkaUrl } from './url.ts'

const FOLDER = join(import.meta.dirname, `../../../../.local/kafka-pair${ofWorker()}`)

describeOnKafka('A partition that moves to another broker of its cluster', function () {
  this.timeout(120_000)
  const brokers: PrivateBroker[] = []
  let database: Database
  let drop: () => Promise<void>
  let kafka: Kafka
  /** One that has been at work on the topic, and one that comes later. */
  let log: EventLog
  let other: EventLog
  let topic: string
  before(async () => {
    const [first, made] = await Promise.all([startKafka({ folder: join(FOLDER, '1') }), migratedTestDatabase('kafka_moved')])
    brokers.push(first)
    ;({ database, drop } = made)
    brokers.push(await startKafka({ folder: join(FOLDER, '2'), joins: first }))
    kafka = createKafka(parseKafkaUrl(first.url), undefined)
  })
  after(async () => {
    await drop?.()
    await Promise.all(brokers.map((broker) => broker.kill()))
    await rm(FOLDER, { recursive: true, force: true })
  })
  beforeEach(async () => {
    topic = `MOVED_${randomUUID().slice(0, 8)}`
    const [{ url } = { url: '' }] = brokers
    log = await openEventLog({ url, database, partitions: 1 })
    other = await openEventLog({ url, database, partitions: 1 })
  })
  afterEach(async () => {
    await log.close()
    await other.close()
  })

  const append = async (to: EventLog, count: number): Promise<string[]> => {
    const events = Array.from({ length: count }, () => anEvent())
    await to.append(topic, events)
    return events.map(({ id }) => id)
  }
  const idsOf = async (from: EventLog): Promise<string[]> => (await from.read(topic, 0, 0)).events.map(({ event }) => event.id)

  /** Moves the partition to the broker that does not have it; resolves when the one before has let it go. */
  async function move(): Promise<void> {
    const admin = kafka.admin()
    await admin.connect()
    const leader = async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      return topics[0]?.partitions[0]?.leader
    }
    const before = await leader()
    const { nodeId } = brokers.find((broker) => broker.nodeId !== before) ?? { nodeId: 0 }
    await admin.alterPartitionReassignments({
      topics: [{ topic, partitionAssignment: [{ partition: 0, replicas: [nodeId] }] }],
    })
    await until(`the partition has moved to broker ${nodeId}`, async () => {
      const { topics } = await admin.listPartitionReassignments({ topics: [{ topic, partitions: [0] }] })
      return topics.length === 0 && (await leader()) === nodeId
    })
    await admin.disconnect()
  }

  it('is asked for its end, read and appended to at its new leader', async () => {
    const ids = await append(log, 5)
    expect(await log.ends(topic)).to.deep.equal([5])
    expect(await idsOf(log)).to.deep.equal(ids)
    await move()
    expect(await log.ends(topic)).to.deep.equal([5])
    await move()
    expect(await idsOf(log)).to.deep.equal(ids)
    await move()
    ids.push(...(await append(log, 5)))
    expect(await idsOf(log)).to.deep.equal(ids)
  })

  it('is followed on by whoever only reads', async () => {
    const ids = await append(other, 5)
    const seen: string[] = []
    const stop = new AbortController()
    const following = log.follow({
      ...{ topic, group: 'moved', signal: stop.signal },
      follower: {
        assigned: async () => 0,
        batch: async (_, { events }) => void seen.push(...events.map(({ event }) => event.id)),
        revoked: async () => {},
      },
    })
    const arrived = () => until(`all ${ids.length} came`, () => seen.length >= ids.length)
    try {
      await arrived()
      await move()
      ids.push(...(await append(other, 5)))
      await arrived()
    } finally {
      stop.abort()
      await following
    }
    expect(seen).to.deep.equal(ids)
  })
})
