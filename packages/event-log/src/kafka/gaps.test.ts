import { randomUUID } from 'node:crypto'
import type { Database } from '@tributary/database'
import { createLogger } from '@tributary/runtime'
import { describeOnKafka, migratedTestDatabase, testKafkaUrl } from '@tributary/test/servers'
import { expect } from 'chai'
import type { Kafka } from 'kafkajs'
import { type EventLog, openEventLog, readSlices } from '../index.ts'
import { anEvent } from '../testing/an-event.ts'
import { createKafka } from './client.ts'
import { parseKafkaUrl } from './url.ts'

describeOnKafka('A topic of Kafka with gaps in its offsets', function () {
  this.timeout(60_000)
  let log: EventLog
  let kafka: Kafka
  let database: Database
  let drop: () => Promise<void>
  let topic: string
  const said: string[] = []
  before(async () => {
    const [url, made] = await Promise.all([testKafkaUrl(), migratedTestDatabase('kafka_gaps')])
    ;({ database, drop } = made)
    const logger = createLogger({ level: 'error', format: 'json', destination: { write: (line) => void said.push(line) } })
    log = await openEventLog({ url, database, partitions: 1, logger })
    kafka = createKafka(parseKafkaUrl(url), undefined)
  })
  after(async () => {
    await log.close()
    await drop()
  })
  beforeEach(() => {
    topic = `GAPS_${randomUUID().slice(0, 8)}`
  })

  const append = async (count: number): Promise<string[]> => {
    const events = Array.from({ length: count }, () => anEvent())
    await log.append(topic, events)
    return events.map(({ id }) => id)
  }
  /** Messages of somebody else, kept or given up, each time with the broker's own mark behind them. */
  const transact = async (end: 'commit' | 'abort'): Promise<void> => {
    const producer = kafka.producer({ transactionalId: randomUUID(), maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ value: 'none of ours' }, { value: 'nor this' }] })
    await transaction[end]()
    await producer.disconnect()
  }
  const readAll = async (from = 0) => {
    const ids: string[] = []
    for await (const slice of readSlices(log, topic, 0, { from, limit: 3 }))
      ids.push(...slice.events.map(({ event }) => event.id))
    return ids
  }
  const followAll = async (from: number, count: number): Promise<string[]> => {
    const ids: string[] = []
    const stop = new AbortController()
    await log.follow({
      topic,
      group: 'gaps',
      signal: stop.signal,
      limit: 2,
      follower: {
        assigned: async () => from,
        batch: async (_, { events }) => {
          ids.push(...events.map(({ event }) => event.id))
          if (ids.length >= count) stop.abort()
        },
        revoked: async () => {},
      },
    })
    return ids
  }

  it('gives every event once, past marks of transactions and what others wrote', async () => {
    const ids = await append(5)
    await transact('abort')
    ids.push(...(await append(5)))
    await transact('commit')
    ids.push(...(await append(5)))
    expect((await log.ends(topic))[0]).to.be.greaterThan(ids.length)
    expect(await readAll()).to.deep.equal(ids)
    expect(await followAll(0, ids.length)).to.deep.equal(ids)
    await transact('abort')
    expect(await readAll()).to.deep.equal(ids)
  })

  it('goes on where the log begins when its first events are gone, and says so', async () => {
    const ids = await append(20)
    said.length = 0
    const admin = kafka.admin()
    await admin.connect()
    // Loads the topic's metadata, which the next call of kafkajs forgets to do.
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '12' }] })
    await admin.disconnect()
    expect(await readAll()).to.deep.equal(ids.slice(12))
    expect(said.some((line) => line.includes('"from":0,"start":12'))).to.equal(true)
    expect(await followAll(3, 8)).to.deep.equal(ids.slice(12))
    expect(said.some((line) => line.includes('"from":3,"start":12'))).to.equal(true)
  })

  it('says of an address what is wrong with it, and never repeats it', () => {
    const wrong = [
      'kafka://',
      'kafka://user:hidden@host',
      'kafka://host:9092?x=1',
      'kafka://host:9092?mechanism=plain',
      'kafka://host:9092?ca=/none',
      'kafka://host:9092?tls=true&ca=/none',
      'kafka://host:9092?tls=true&ca=/dev/null',
      `kafka://host:9092?tls=true&ca=${import.meta.filename}`,
      'kafka://host:9092?tls=true&cert=/none',
      'kafka://host:9092?cert=/none&key=/none',
    ]
    for (const url of wrong) {
      const error = (() => {
        try {
          parseKafkaUrl(url)
        } catch (thrown) {
          return thrown as Error & { code: string }
        }
        return undefined
      })()
      expect(error?.code, url).to.equal('LOG_URL_INVALID')
      expect(error?.message).not.to.contain('hidden')
    }
    const { client, replication, compression } = parseKafkaUrl(
      'kafka://ann:p%40ss@one:9092,two:9093?tls=true&mechanism=scram-sha-512&replication=3&compression=gzip',
    )
    expect({ client, replication, compression }).to.deep.equal({
      client: {
        brokers: ['one:9092', 'two:9093'],
        ssl: true,
        sasl: { mechanism: 'scram-sha-512', username: 'ann', password: 'p@ss' },
      },
      replication: 3,
      compression: 'gzip',
    })
  })
})
