import { randomUUID } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import type { Database } from '@tributary/database'
import { describeOnKafka, migratedTestDatabase, testKafkaUrl } from '@tributary/test/servers'
import { expect } from 'chai'
import { type EventLog, openEventLog } from '../index.ts'
import { anEvent } from '../testing/an-event.ts'

const EVENTS = 60
const BYTES = 10_000
const filled = JSON.stringify({ filling: 'x'.repeat(BYTES) })

describeOnKafka('One event of a topic of Kafka', function () {
  this.timeout(60_000)
  let log: EventLog
  let database: Database
  let drop: () => Promise<void>
  const sockets: Socket[] = []
  const note = (message: unknown) => void sockets.push((message as { socket: Socket }).socket)
  before(async () => {
    const [url, made] = await Promise.all([testKafkaUrl(), migratedTestDatabase('kafka_one')])
    ;({ database, drop } = made)
    subscribe('net.client.socket', note)
    log = await openEventLog({ url, database, partitions: 1 })
  })
  after(async () => {
    unsubscribe('net.client.socket', note)
    await log.close()
    await drop()
  })
  const bytesRead = () => sockets.reduce((sum, { bytesRead: bytes }) => sum + bytes, 0)

  it('is read without those behind it', async () => {
    const topic = `ONE_${randomUUID().slice(0, 8)}`
    const ids: string[] = []
    for (let count = 0; count < EVENTS; count += 1) {
      const event = { ...anEvent(), data: filled }
      ids.push(event.id)
      await log.append(topic, [event])
    }
    await log.read(topic, 0, EVENTS)
    const before = bytesRead()
    const { events, next } = await log.read(topic, 0, 20, { limit: 1 })
    expect([events.map(({ event }) => event.id), next]).to.deep.equal([[ids[20]], 21])
    expect(bytesRead() - before).to.be.within(BYTES, 3 * BYTES)
    const { events: all } = await log.read(topic, 0, 0)
    expect(all.map(({ event }) => event.id)).to.deep.equal(ids)
  })

  it('is read by one reader, and another goes on with what it has', async () => {
    const topic = `TWO_${randomUUID().slice(0, 8)}`
    const appended = Array.from({ length: EVENTS }, () => ({ ...anEvent(), data: filled }))
    // What was appended together comes together.
    await log.append(topic, appended)
    await log.read(topic, 0, 0, { limit: 10 })
    await log.read(topic, 0, EVENTS - 1, { limit: 1 })
    const before = bytesRead()
    const { events } = await log.read(topic, 0, 10, { limit: 10 })
    expect(events.map(({ event }) => event.id)).to.deep.equal(appended.slice(10, 20).map(({ id }) => id))
    expect(bytesRead() - before).to.be.below(BYTES)
  })
})
