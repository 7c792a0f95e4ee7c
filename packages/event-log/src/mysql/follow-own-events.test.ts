import { randomUUID } from 'node:crypto'
import { openDatabase } from '@tributary/database'
import type { StoredEvent } from '@tributary/events'
import { pause } from '@tributary/runtime'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { openEventLog } from '../open-event-log.ts'
import type { EventLog, RecordedEvent } from '../port.ts'
import { anEvent } from '../testing/an-event.ts'

describe('Following what the same process appends', () => {
  let place: Awaited<ReturnType<typeof migratedTestDatabase>>
  let log: EventLog
  let close: () => Promise<void>
  /** Statements that read events. */
  let reads: number
  const topic = () => `TOPIC_${randomUUID().slice(0, 8)}`

  before(async () => {
    place = await migratedTestDatabase('own_events')
  })
  after(() => place.drop())
  beforeEach(async () => {
    reads = 0
    const database = openDatabase(place.url)
    const counted: typeof database = {
      ...database,
      query: (text, ...rest) => {
        if (text.includes('data_bytes <= ?')) reads += 1
        return database.query(text, ...rest)
      },
    }
    log = await openEventLog({ url: place.url, database: counted, partitions: 1 })
    close = async () => {
      await log.close()
      await database.close()
    }
  })
  afterEach(() => close())

  function following(name: string, gathering?: number) {
    const seen: RecordedEvent[] = []
    const stop = new AbortController()
    const done = log.follow({
      ...{ topic: name, group: randomUUID(), signal: stop.signal, ...(gathering === undefined ? {} : { gathering }) },
      follower: {
        assigned: async () => 0,
        batch: async (_, slice) => void seen.push(...slice.events),
        revoked: async () => {},
      },
    })
    return {
      seen,
      async until(count: number) {
        while (seen.length < count) await pause(2)
      },
      async stop() {
        stop.abort()
        await done
      },
    }
  }

  it('gives several followers just what a read would give, mostly without one', async () => {
    const name = topic()
    const followers = [following(name), following(name)]
    const events = [
      anEvent(),
      anEvent({ data: '{"text":"\\u0000 é 😀 \' \\\\"}', subject: 'orders/1/é/😀' }),
      anEvent({ traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, dataversion: 7 }),
      { ...anEvent(), kept: 'no' } as StoredEvent,
      ...Array.from({ length: 16 }, () => anEvent()),
    ]
    for (const [index, event] of events.entries()) {
      await log.append(name, [event])
      for (const { until } of followers) await until(index + 1)
    }
    // A look at the ends may see a commit before its answer is here.
    expect(reads).to.be.below(events.length / 2)
    const read = await log.read(name, 0, 0)
    for (const { seen, stop } of followers) {
      expect(seen).to.deep.equal(read.events)
      await stop()
    }
  })

  it('lets events wait for others as long as a follower wants, but the first after a silence', async () => {
    const name = topic()
    const [patient, prompt] = [following(name, 3_600_000), following(name)]
    const events = [anEvent(), anEvent(), anEvent()]
    await log.append(name, events.slice(0, 1))
    for (const { until } of [patient, prompt]) await until(1)
    for (const event of events.slice(1)) await log.append(name, [event])
    await prompt.until(3)
    expect(patient.seen.map(({ event }) => event.id)).to.deep.equal([events[0]?.id])
    for (const { stop } of [patient, prompt]) await stop()
  })
})
