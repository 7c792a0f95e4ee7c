import { setImmediate as turn } from 'node:timers/promises'
import type { Connection } from '@tributary/database'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { openEventLog } from '../open-event-log.ts'
import type { EventLog } from '../port.ts'
import { anEvent } from '../testing/an-event.ts'
import { createSliceReader } from './read-slice.ts'
import { createTopics } from './topics.ts'

const TOPIC = 'SLICES'
const PARTITIONS = 3

describe('Slices of the MySQL log', () => {
  let database: Awaited<ReturnType<typeof migratedTestDatabase>>
  let log: EventLog
  let statements: string[] = []
  let read: ReturnType<typeof createSliceReader>
  /** The ids that stand in each partition, in order. */
  const ids: string[][] = Array.from({ length: PARTITIONS }, () => [])

  before(async () => {
    database = await migratedTestDatabase('slices')
    log = await openEventLog({ url: database.url, database: database.database, partitions: PARTITIONS })
    const events = Array.from({ length: 60 }, (_, number) =>
      anEvent({ partitionkey: `key-${number}`, data: JSON.stringify({ x: 'x'.repeat(number % 10 === 0 ? 50_000 : 10) }) }),
    )
    const places = await log.append(TOPIC, events)
    for (const [index, { partition }] of places.entries()) ids[partition]?.push(events[index]?.id ?? '')
    const counted: Connection['query'] = (text, ...rest) => {
      statements.push(text.includes(' AS slice') ? 'slices' : 'data')
      return database.database.query(text, ...rest)
    }
    const topic = await createTopics(database.database, PARTITIONS).open(TOPIC)
    read = createSliceReader({ query: counted }, topic)
  })
  after(async () => {
    await log.close()
    await database.drop()
  })
  beforeEach(() => {
    statements = []
  })

  it('come with one statement for all that are asked for at a time, each its own, but for data that is large', async () => {
    const asked = [0, 1, 2].map((partition) => ({ partition, from: partition, limit: 5 + partition }))
    const slices = await Promise.all(asked.map(({ partition, from, limit }) => read(partition, from, { limit })))
    for (const [index, { partition, from, limit }] of asked.entries()) {
      const slice = slices[index]
      expect(slice?.events.map(({ event }) => event.id)).to.deep.equal(ids[partition]?.slice(from, from + limit))
      expect(slice?.events.map(({ position }) => position)).to.deep.equal(Array.from({ length: limit }, (_, n) => from + n))
      expect(slice?.next).to.equal(from + limit)
    }
    const large = slices.flatMap(({ events }) => events).filter(({ event }) => event.data.length > 50_000)
    expect(large).to.not.have.length(0)
    expect(statements).to.deep.equal(['slices', ...large.map(() => 'data')])
  })

  it('come with a second statement where more than 32 are asked for at a time', async () => {
    const slices = await Promise.all(Array.from({ length: 40 }, (_, n) => read(n % PARTITIONS, 1, { limit: 1 })))
    const found = slices.map(({ events }) => events[0]?.event.id)
    expect(found).to.deep.equal(Array.from({ length: 40 }, (_, n) => ids[n % PARTITIONS]?.[1]))
    expect(statements.filter((kind) => kind === 'slices')).to.have.length(2)
  })

  it('are read alone when they are long, and nothing of one that was given up', async () => {
    const ending = new AbortController()
    const both = Promise.allSettled([read(0, 0, { limit: 3, signal: ending.signal }), read(1, 0, { limit: 2 }), read(2, 0)])
    await turn()
    ending.abort('ended')
    const [aborted, short, long] = await both
    expect(aborted).to.deep.equal({ status: 'rejected', reason: 'ended' })
    expect(short).to.have.nested.property('value.next', 2)
    expect(long).to.have.nested.property('value.next', ids[2]?.length)
    expect(statements.filter((kind) => kind === 'slices')).to.have.length(2)
  })
})
