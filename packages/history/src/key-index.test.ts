import { startConsumer } from '@tributary/consumer'
import type { openDatabase } from '@tributary/database'
import { type EventLog, openEventLog } from '@tributary/event-log'
import { derivedEventId, encodeEvent, ORDER_TOPIC } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { createLogger } from '@tributary/runtime'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { findEvents, indexConsumer } from './key-index.ts'

describe('the index of events', () => {
  const events = Array.from({ length: 1_000 }, (_, number) =>
    encodeEvent(exampleEvent('OrderNotified', derivedEventId('indexed', number))),
  )
  const key = events[0]?.partitionkey ?? ''
  const ids = events.map(({ id }) => id)
  let log: EventLog
  let close: () => Promise<void>
  let database: ReturnType<typeof openDatabase>
  before(async () => {
    const made = await migratedTestDatabase('key_index')
    database = made.database
    log = await openEventLog({ url: made.url, database, partitions: 1 })
    close = async () => {
      await log.close()
      await made.drop()
    }
    await log.append(ORDER_TOPIC, events)
  })
  after(() => close())

  const find = async (most?: number) => {
    let read = 0
    let calls = 0
    const counting: EventLog = {
      ...log,
      read: async (...words) => {
        const slice = await log.read(...words)
        read += slice.events.length
        calls += 1
        return slice
      },
    }
    const found = await findEvents(
      { database, log: counting },
      ORDER_TOPIC,
      { kind: 'key', key },
      {
        matches: ({ event }) => event.partitionkey === key,
        ...(most === undefined ? {} : { most }),
      },
    )
    return { found: found.map(({ event }) => event.id), read, calls }
  }
  const indexAll = async () => {
    const logger = createLogger({ level: 'error', format: 'json', destination: { write: () => {} } })
    const consumer = startConsumer({ definition: indexConsumer(ORDER_TOPIC, []), database, log, logger })
    while ((await consumer.figures()).lag > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await consumer.stop()
  }

  it('finds all events of a key, or the first of them without reading the rest, before it has come to them and after', async () => {
    expect((await find()).found).to.deep.equal(ids)
    expect((await find(3)).found).to.deep.equal(ids.slice(0, 3))
    await indexAll()
    const all = await find()
    expect(all.found).to.deep.equal(ids)
    expect(all.calls, 'places beside each other are read together').to.be.below(10)
    const { found, read } = await find(3)
    expect(found).to.deep.equal(ids.slice(0, 3))
    expect(read).to.be.below(100)
  })
})
