import { randomUUID } from 'node:crypto'
import type { StoredEvent } from '@tributary/events'
import { pause } from '@tributary/runtime'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { openEventLog } from '../open-event-log.ts'
import type { EventLog } from '../port.ts'
import { anEvent } from '../testing/an-event.ts'
import { type FragileConnection, openFragileConnection } from './testing/fragile-connection.ts'

describe('The MySQL log', () => {
  let database: Awaited<ReturnType<typeof migratedTestDatabase>>
  let way: FragileConnection
  /** Sees the database directly. */
  let log: EventLog
  /** Sees it through a connection that breaks. */
  let fragile: EventLog

  let topic = ''

  before(async () => {
    database = await migratedTestDatabase('mysql_log')
    way = await openFragileConnection(database.url)
  })

  after(async () => {
    await way.close()
    await database.drop()
  })

  beforeEach(async () => {
    topic = `TOPIC_${randomUUID().slice(0, 8)}`
    log = await openEventLog({ url: database.url, partitions: 4, lease: 1_000 })
    fragile = await openEventLog({ url: way.url, partitions: 4, lease: 1_000 })
    await fragile.partitions(topic)
  })

  afterEach(async () => {
    await Promise.all([log.close(), fragile.close()])
  })

  const standing = async () => {
    const partition = await partitionOfKey()
    return (await log.read(topic, partition, 0)).events.map(({ event }) => event.id)
  }
  const partitionOfKey = async () => (await log.ends(topic)).findIndex((end) => end > 0)

  it('appends once when the connection is lost after the commit and before its answer', async () => {
    const events = [anEvent(), anEvent()]
    const lost = way.loseCommit('after')
    const places = await fragile.append(topic, events)
    await lost
    expect(await standing()).to.deep.equal(events.map(({ id }) => id))
    expect(places.map(({ position }) => position)).to.deep.equal([0, 1])
  })

  it('appends once when the connection is lost before the commit', async () => {
    const events = [anEvent(), anEvent()]
    const lost = way.loseCommit('before')
    const places = await fragile.append(topic, events)
    await lost
    expect(await standing()).to.deep.equal(events.map(({ id }) => id))
    expect(places).to.deep.include({ partition: await partitionOfKey(), position: 1, appended: true })
  })

  it('leaves no gap where a batch was rolled back', async () => {
    const known = anEvent()
    await log.append(topic, [known])
    const [place] = await log.append(topic, [anEvent(), known, anEvent()])
    expect(place?.position).to.equal(1)
    expect((await log.ends(topic)).reduce((sum, end) => sum + end, 0)).to.equal(3)
  })

  it('says that it is unavailable, and that trying again may help, when the database stays away', async () => {
    way.cut()
    const codes = await Promise.all(
      [0, 1, 2].map(() => fragile.append(topic, [anEvent()]).catch((error: { code?: string; retriable?: boolean }) => error)),
    )
    for (const error of codes) expect(error).to.include({ code: 'LOG_UNAVAILABLE', retriable: true })
    way.mend()
    expect((await fragile.append(topic, [anEvent()]))[0]?.position).to.equal(0)
  })

  it('goes on following after the database has been away for longer than the lease', async () => {
    const seen: string[] = []
    const assigned: number[] = []
    const revoked: number[] = []
    let next = 0
    const stop = new AbortController()
    const following = fragile.follow({
      topic,
      group: 'group',
      signal: stop.signal,
      follower: {
        assigned: async (partition) => {
          assigned.push(partition)
          return partition === (await partitionOfKey()) ? next : 0
        },
        batch: async (_, slice) => {
          seen.push(...slice.events.map(({ event }) => event.id))
          next = slice.next
        },
        revoked: async (partition) => void revoked.push(partition),
      },
    })
    const events = Array.from({ length: 3 }, () => anEvent())
    const appendAndSee = async (event: StoredEvent | undefined) => {
      if (event) await log.append(topic, [event])
      while (event && seen.at(-1) !== event.id) await pause(5)
    }
    await appendAndSee(events[0])
    way.cut()
    await pause(1_500)
    await log.append(topic, events.slice(1, 2))
    way.mend()
    await appendAndSee(events[2])
    stop.abort()
    await following
    expect(seen).to.deep.equal(events.map(({ id }) => id))
    expect(revoked.toSorted()).to.deep.equal(assigned.toSorted())
  })

  it('begins to follow when the database comes late, and ends at once when told so before', async () => {
    way.cut()
    const late = await openEventLog({ url: way.url, partitions: 4 })
    const assigned: number[] = []
    const follow = (signal: AbortSignal) =>
      late.follow({
        topic: `${topic}_LATE`,
        group: 'group',
        signal,
        follower: {
          assigned: async (partition) => assigned.push(partition) * 0,
          batch: async () => {},
          revoked: async () => {},
        },
      })
    await follow(AbortSignal.timeout(50))
    expect(assigned).to.deep.equal([])
    const stop = new AbortController()
    const following = follow(stop.signal)
    way.mend()
    while (assigned.length < 4) await pause(5)
    stop.abort()
    await following
    await late.close()
  })

  it('gives a partition back with a complaint when its follower starts beyond the end', async () => {
    await log.append(topic, [anEvent()])
    const stop = new AbortController()
    let batches = 0
    let revoked = 0
    const following = log.follow({
      topic,
      group: 'group',
      signal: stop.signal,
      follower: {
        assigned: async () => 100,
        batch: async () => void batches++,
        revoked: async () => void revoked++,
      },
    })
    while (revoked < 4) await pause(5)
    stop.abort()
    await following
    expect(batches).to.equal(0)
  })

  it('keeps the partitions that a topic was made with', async () => {
    const other = await openEventLog({ url: database.url, partitions: 9 })
    expect(await other.partitions(topic)).to.equal(4)
    expect(await other.partitions(`${topic}_NEWER`)).to.equal(9)
    expect(await log.partitions(`${topic}_NEWER`)).to.equal(9)
    await other.close()
  })

  it('fetches no more than it may give', async () => {
    const data = JSON.stringify('x'.repeat(200_000))
    await log.append(
      topic,
      Array.from({ length: 40 }, () => anEvent({ data })),
    )
    const before = way.received()
    const partition = await partitionOfKey()
    expect((await fragile.read(topic, partition, 0, { maxBytes: 500_000 })).events).to.have.length(2)
    expect(way.received() - before).to.be.within(400_000, 600_000)
  })

  it('does not write what its caller gave up before it was begun', async () => {
    const [first, givenUp, last] = [anEvent(), anEvent(), anEvent()]
    const controller = new AbortController()
    const work = [log.append(topic, [first]), log.append(topic, [givenUp], controller), log.append(topic, [last])]
    controller.abort()
    await Promise.allSettled(work)
    expect(await standing()).to.deep.equal([first.id, last.id])
  })

  it('lets an event that the server refuses fail alone', async () => {
    const refused = anEvent({ dataversion: 2 ** 40 })
    const others = [anEvent(), anEvent()]
    const work = [others.slice(0, 1), [anEvent(), refused], others.slice(1)].map((events) =>
      log.append(topic, events).catch((error: { code?: string }) => error.code),
    )
    expect((await Promise.all(work))[1]).to.equal('LOG_EVENT_INVALID')
    expect(await standing()).to.deep.equal(others.map(({ id }) => id))
  })
})

describe('Opening a log', () => {
  it('names the schemes that there are, and never the address', async () => {
    const errorOf = async (url: string) => await openEventLog({ url, partitions: 1 }).catch((error: Error) => error)
    for (const url of ['redis://user:secret@host/1', 'secret', '']) {
      const error = (await errorOf(url)) as Error
      expect(error).to.include({ code: 'LOG_URL_INVALID', retriable: false })
      expect(error.message).to.include('mysql://').and.not.include('secret')
    }
  })

  it('refuses an address that only looks right', async () => {
    const error = await openEventLog({ url: 'mysql://', partitions: 1 }).catch((thrown: unknown) => thrown)
    expect(error).to.have.property('code', 'LOG_URL_INVALID')
  })
})
