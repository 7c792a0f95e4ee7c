import { randomUUID } from 'node:crypto'
import { binaryEvent, EventStoreDBClient } from '@eventstore/db-client'
import type { StoredEvent } from '@tributary/events'
import { migratedTestDatabase, startRelay } from '@tributary/test/servers'
import { type StandIn, startEventStoreDb } from '@tributary/test/servers/eventstoredb'
import { expect } from 'chai'
import { type EventLog, MAX_CALL_EVENTS, openEventLog, partitionOf, type RecordedEvent, readSlices } from '../index.ts'

const PARTITIONS = 3

describe('The EventStoreDB log in trouble', function () {
  this.timeout(30_000)
  let database: Awaited<ReturnType<typeof migratedTestDatabase>>
  let server: StandIn
  let log: EventLog
  let topic: string
  const opened: EventLog[] = []

  before(async () => {
    ;[database, server] = await Promise.all([migratedTestDatabase('eventstoredb'), startEventStoreDb()])
  })
  after(async () => {
    await server.stop()
    await database.drop()
  })
  beforeEach(async () => {
    topic = `TOPIC_${randomUUID().slice(0, 8)}`
    log = await open(server.url)
  })
  afterEach(() => Promise.all(opened.splice(0).map((one) => one.close())))

  async function open(url: string): Promise<EventLog> {
    const one = await openEventLog({ url, database: database.database, partitions: PARTITIONS, lease: 1_000 })
    opened.push(one)
    return one
  }
  const readAll = async (from: EventLog = log): Promise<RecordedEvent[]> => {
    const all: RecordedEvent[] = []
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      for await (const { events } of readSlices(from, topic, partition)) all.push(...events)
    return all
  }
  const idsIn = (stream: string) => server.stream(`${topic}:${stream}`).map(({ id }) => id)

  /** Follows from the beginning, cursors in memory, until stopped. */
  function follow(one: EventLog): { ids: string[]; stop(): Promise<void> } {
    const ids: string[] = []
    const cursors = new Map<number, number>()
    const stop = new AbortController()
    const following = one.follow({
      ...{ topic, group: 'group', signal: stop.signal },
      follower: {
        assigned: async (partition) => cursors.get(partition) ?? 0,
        batch: async (partition, { events, next }) => {
          ids.push(...events.map(({ event }) => event.id))
          cursors.set(partition, next)
        },
        revoked: async () => {},
      },
    })
    return {
      ids,
      stop: () => {
        stop.abort()
        return following
      },
    }
  }

  it('keeps a key in a stream of its own, attributes and trace as metadata, and links in the stream of its partition', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    const events = [anEvent({ traceparent }), anEvent({ partitionkey: '1:S:2' }), anEvent()]
    const places = await log.append(topic, events)
    expect(idsIn('key-1:S:1')).to.deep.equal([events[0]?.id, events[2]?.id])
    const [stored] = server.stream(`${topic}:key-1:S:1`)
    expect(JSON.parse(Buffer.from(stored?.metadata ?? []).toString())).to.include({ traceparent, partitionkey: '1:S:1' })
    expect(Buffer.from(stored?.data ?? []).toString()).to.equal(events[0]?.data)
    const { partition, position } = places[2] ?? { partition: -1, position: -1 }
    const link = server.stream(`${topic}:partition-${partition}`)[position]
    expect([link?.type, Buffer.from(link?.data ?? []).toString()]).to.deep.equal(['$>', `1@${topic}:key-1:S:1`])
  })

  for (const when of ['before', 'after'] as const)
    for (const stream of ['key', 'partition'])
      it(`keeps each event once, in order, when the connection is lost ${when} the server kept what goes to the stream of a ${stream}`, async () => {
        const events = Array.from({ length: 6 }, (_, index) => anEvent({ partitionkey: `1:S:${index % 2}` }))
        server.faults.breakAppend(when, `${topic}:${stream}-`)
        await log.append(topic, events)
        const standing = await readAll()
        for (const key of ['1:S:0', '1:S:1']) {
          const given = events.filter(({ partitionkey }) => partitionkey === key).map(({ id }) => id)
          expect(standing.filter(({ event }) => event.partitionkey === key).map(({ event }) => event.id)).to.deep.equal(given)
          expect(idsIn(`key-${key}`)).to.deep.equal(given)
        }
        expect((await log.append(topic, events)).map(({ appended }) => appended)).to.not.include(true)
        expect(await readAll()).to.have.length(events.length)
      })

  /** Everything that a log tries for one append fails. */
  const breakAllTries = (last: 'before' | 'late', stream: string) => {
    for (const when of ['before', 'before', 'before', last] as const) server.faults.breakAppend(when, `${topic}:${stream}-`)
  }
  const failing = (event: StoredEvent) => log.append(topic, [event]).catch((error: unknown) => error)

  it('completes what another process has begun and given up', async () => {
    const [first, begun] = [anEvent(), anEvent()]
    await log.append(topic, [first])
    breakAllTries('before', 'partition')
    expect(await failing(begun)).to.include({ code: 'LOG_UNAVAILABLE', retriable: true })
    expect(idsIn('key-1:S:1')).to.deep.equal([first.id, begun.id])
    expect(await readAll()).to.have.length(1)
    const other = await open(server.url)
    expect((await other.append(topic, [begun]))[0]?.position).to.equal(1)
    expect(idsIn('key-1:S:1')).to.deep.equal([first.id, begun.id])
    expect((await readAll()).map(({ event }) => event.id)).to.deep.equal([first.id, begun.id])
  })

  for (const stream of ['key', 'partition'])
    it(`appends an event once that a server keeps late in the stream of a ${stream}, when it was looked for in vain`, async () => {
      const [late, other] = [anEvent(), anEvent()]
      breakAllTries('late', stream)
      expect(await failing(late)).to.include({ code: 'LOG_UNAVAILABLE', retriable: true })
      const places = await (await open(server.url)).append(topic, [other, late])
      expect(idsIn('key-1:S:1')).to.have.members([other.id, late.id])
      const standing = await readAll()
      expect(standing.map(({ event }) => event.id)).to.have.members([other.id, late.id])
      expect(standing).to.have.length(2)
      for (const [index, { id }] of [other, late].entries())
        expect(standing.find(({ event }) => event.id === id)?.position).to.equal(places[index]?.position)
    })

  it('keeps each event once when connections are cut while many appends are written, and goes on following', async () => {
    const relay = await startRelay(server.url)
    const fragile = await open(relay.url)
    const follower = follow(fragile)
    const batches = Array.from({ length: 6 }, (_, batch) =>
      Array.from({ length: 60 }, (_, index) =>
        anEvent({ partitionkey: `key-${index % 20}`, data: JSON.stringify({ batch, index, filler: 'x'.repeat(5_000) }) }),
      ),
    )
    for (const [index, batch] of batches.entries()) {
      const appending = appendUntilKept(fragile, topic, batch)
      if (index % 3 === 1) {
        await eventually('the batch is being written', () =>
          idsIn(`key-${batch[0]?.partitionkey}`).includes(batch[0]?.id ?? ''),
        )
        relay.cut()
        relay.heal()
      }
      await appending
    }
    const ids = batches.flat().map(({ id }) => id)
    await eventually('all are followed', () => follower.ids.length >= ids.length)
    await follower.stop()
    expect(follower.ids).to.have.members(ids)
    const standing = await readAll()
    expect(standing.map(({ event }) => event.id)).to.have.members(ids)
    for (const [key, ofKey] of Map.groupBy(batches.flat(), ({ partitionkey }) => partitionkey)) {
      const given = ofKey.map(({ id }) => id)
      expect(idsIn(`key-${key}`), key).to.deep.equal(given)
      expect(standing.filter(({ event }) => event.partitionkey === key).map(({ event }) => event.id)).to.deep.equal(given)
    }
    await fragile.close()
    await relay.close()
  })

  it('notices a subscription that stands still, and begins another', async () => {
    const follower = follow(log)
    const other = await open(server.url)
    const seen = async () => {
      const event = anEvent()
      await other.append(topic, [event])
      await eventually('the event is followed', () => follower.ids.includes(event.id))
    }
    const { ever } = server.faults.subscriptions()
    await eventually('it subscribes', () => server.faults.subscriptions().open === 1)
    await seen()
    server.faults.stallSubscriptions()
    await seen()
    await eventually('it subscribes again', () => server.faults.subscriptions().ever === ever + 2)
    await eventually('the other is left', () => server.faults.subscriptions().open === 1)
    await seen()
    await follower.stop()
    expect(new Set(follower.ids)).to.have.property('size', follower.ids.length)
  })

  it('subscribes again when the server ends its subscription, and misses nothing', async () => {
    const follower = follow(log)
    const other = await open(server.url)
    const ids: string[] = []
    for (let round = 1; round <= 3; round += 1) {
      await eventually('it subscribes', () => server.faults.subscriptions().open === 1)
      server.faults.dropSubscriptions()
      const events = Array.from({ length: 5 }, (_, index) => anEvent({ partitionkey: `key-${index}` }))
      await other.append(topic, events)
      ids.push(...events.map(({ id }) => id))
      await eventually('all are followed', () => follower.ids.length >= ids.length)
    }
    await follower.stop()
    expect(follower.ids).to.have.members(ids)
  })

  it('passes over what others wrote into the stream of a partition, and links whose event is gone', async () => {
    const client = new EventStoreDBClient({ endpoint: `127.0.0.1:${server.port}` }, { insecure: true })
    const events = [anEvent(), anEvent()]
    const stream = `${topic}:partition-${partitionOf('1:S:1', PARTITIONS)}`
    const foreign = ['hello', `7@${topic}:key-none`, `0@${topic}:key-1:S:1`]
    await log.append(topic, events.slice(0, 1))
    for (const data of foreign)
      await client.appendToStream(stream, binaryEvent({ type: data.includes('@') ? '$>' : 'Hello', data: Buffer.from(data) }))
    const [place] = await log.append(topic, events.slice(1))
    expect(place?.position).to.equal(4)
    expect((await readAll()).map(({ event }) => event.id)).to.deep.equal(events.map(({ id }) => id))
    await client.dispose()
  })

  it('keeps events on a server that knows no batches, and finds the leader of a cluster', async () => {
    const older = await startEventStoreDb({ batchAppend: false })
    const hosts = `127.0.0.1:${older.port},127.0.0.1:${older.port}`
    for (const url of [
      `esdb://127.0.0.1:${older.port}/?tls=false`,
      `esdb+discover://${hosts}?tls=false`,
      `esdb://${hosts}?tls=false`,
    ]) {
      const one = await open(url)
      const events = [anEvent(), anEvent()]
      await one.append(topic, events)
      expect((await readAll(one)).map(({ event }) => event.id)).to.include.members(events.map(({ id }) => id))
    }
    await Promise.all(opened.splice(0).map((one) => one.close()))
    await older.stop()
  })

  it('writes as many events as a call may have, of one key, to a server with its usual limit of 1 MB', async () => {
    const small = await startEventStoreDb({ maxAppendSize: 1024 * 1024 })
    const one = await open(small.url)
    const events = Array.from({ length: MAX_CALL_EVENTS }, () => anEvent())
    const places = await one.append(topic, events)
    expect(places.map(({ position }) => position)).to.deep.equal(events.map((_, index) => index))
    expect((await readAll(one)).map(({ event }) => event.id)).to.deep.equal(events.map(({ id }) => id))
    await one.close()
    await small.stop()
  })

  it('names the setting when the server takes no event so large, and lets other callers pass', async () => {
    const small = await startEventStoreDb({ maxAppendSize: 1024 * 1024 })
    const one = await open(small.url)
    await one.partitions(topic)
    const [kept, refused] = [anEvent(), anEvent({ data: JSON.stringify('x'.repeat(1_100_000)) })]
    const outcomes = await Promise.all(
      [kept, refused].map((event) => one.append(topic, [event]).catch((error: Error & { code: string }) => error)),
    )
    expect(outcomes[1]).to.include({ code: 'LOG_EVENT_TOO_LARGE', retriable: false })
    expect((outcomes[1] as Error).message).to.contain('MaxAppendSize')
    expect((await readAll(one)).map(({ event }) => event.id)).to.deep.equal([kept.id])
    await one.close()
    await small.stop()
  })

  it('says that it is unavailable when nobody answers at the address, and that trying again may help', async () => {
    const relay = await startRelay(server.url)
    relay.cut()
    const away = await open(relay.url)
    for (const work of [away.append(topic, [anEvent()]), away.ends(topic)])
      expect(await work.catch((error: unknown) => error)).to.include({ code: 'LOG_UNAVAILABLE', retriable: true })
    relay.heal()
    expect((await away.append(topic, [anEvent()]))[0]?.position).to.equal(0)
    await away.close()
    await relay.close()
  })
})

function anEvent(change: Partial<StoredEvent> = {}): StoredEvent {
  return {
    specversion: '1.0',
    id: randomUUID(),
    type: 'OrderNotified',
    source: '/tributary/test',
    subject: 'orders/1/S/1',
    time: '2026-01-02T03:04:05.678Z',
    datacontenttype: 'application/json',
    dataversion: 1,
    partitionkey: '1:S:1',
    data: '{"a":  1}',
    ...change,
  }
}

async function appendUntilKept(log: EventLog, topic: string, events: readonly StoredEvent[]): Promise<void> {
  for (;;) {
    try {
      await log.append(topic, events)
      return
    } catch (error) {
      if ((error as { retriable?: boolean }).retriable !== true) throw error
    }
  }
}

async function eventually(what: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 15_000
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`Waited 15 s in vain until ${what}.`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
