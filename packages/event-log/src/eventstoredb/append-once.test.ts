import type { StoredEvent } from '@tributary/events'
import { startRelay, until } from '@tributary/test/servers'
import { expect } from 'chai'
import type { EventLog } from '../index.ts'
import { anEvent, useStage } from './testing/stage.ts'

describe('An append to EventStoreDB', function () {
  this.timeout(30_000)
  const { server, topic, log, open, readAll, idsIn, follow } = useStage()

  for (const when of ['before', 'after'] as const)
    for (const stream of ['key', 'partition'])
      it(`keeps each event once, in order, when the connection is lost ${when} the server kept what goes to the stream of a ${stream}`, async () => {
        const events = Array.from({ length: 6 }, (_, index) => anEvent({ partitionkey: `1:S:${index % 2}` }))
        server().faults.breakAppend(when, `${topic()}:${stream}-`)
        await log().append(topic(), events)
        const standing = await readAll()
        for (const key of ['1:S:0', '1:S:1']) {
          const given = events.filter(({ partitionkey }) => partitionkey === key).map(({ id }) => id)
          expect(standing.filter(({ event }) => event.partitionkey === key).map(({ event }) => event.id)).to.deep.equal(given)
          expect(idsIn(`key-${key}`)).to.deep.equal(given)
        }
        expect((await log().append(topic(), events)).map(({ appended }) => appended)).to.not.include(true)
        expect(await readAll()).to.have.length(events.length)
      })

  /** Everything that a log tries for one append fails. */
  const breakAllTries = (last: 'before' | 'late', stream: string) => {
    for (const when of ['before', 'before', 'before', last] as const) server().faults.breakAppend(when, `${topic()}:${stream}-`)
  }
  const failing = (event: StoredEvent) =>
    log()
      .append(topic(), [event])
      .catch((error: unknown) => error)

  it('completes what another process has begun and given up', async () => {
    const [first, begun] = [anEvent(), anEvent()]
    await log().append(topic(), [first])
    breakAllTries('before', 'partition')
    expect(await failing(begun)).to.include({ code: 'LOG_UNAVAILABLE', retriable: true })
    expect(idsIn('key-1:S:1')).to.deep.equal([first.id, begun.id])
    expect(await readAll()).to.have.length(1)
    const other = await open(server().url)
    expect((await other.append(topic(), [begun]))[0]?.position).to.equal(1)
    expect(idsIn('key-1:S:1')).to.deep.equal([first.id, begun.id])
    expect((await readAll()).map(({ event }) => event.id)).to.deep.equal([first.id, begun.id])
  })

  for (const stream of ['key', 'partition'])
    it(`appends an event once that a server keeps late in the stream of a ${stream}, when it was looked for in vain`, async () => {
      const [late, other] = [anEvent(), anEvent()]
      breakAllTries('late', stream)
      expect(await failing(late)).to.include({ code: 'LOG_UNAVAILABLE', retriable: true })
      const places = await (await open(server().url)).append(topic(), [other, late])
      expect(idsIn('key-1:S:1')).to.have.members([other.id, late.id])
      const standing = await readAll()
      expect(standing.map(({ event }) => event.id)).to.have.members([other.id, late.id])
      expect(standing).to.have.length(2)
      for (const [index, { id }] of [other, late].entries())
        expect(standing.find(({ event }) => event.id === id)?.position).to.equal(places[index]?.position)
    })

  it('keeps each event once when connections are cut while many appends are written, and goes on following', async () => {
    const relay = await startRelay(server().url)
    const fragile = await open(relay.url)
    const follower = follow(fragile)
    const batches = Array.from({ length: 6 }, (_, batch) =>
      Array.from({ length: 60 }, (_, index) =>
        anEvent({ partitionkey: `key-${index % 20}`, data: JSON.stringify({ batch, index, filler: 'x'.repeat(5_000) }) }),
      ),
    )
    for (const [index, batch] of batches.entries()) {
      const appending = appendUntilKept(fragile, topic(), batch)
      if (index % 3 === 1) {
        await until('the batch is being written', () => idsIn(`key-${batch[0]?.partitionkey}`).includes(batch[0]?.id ?? ''))
        relay.cut()
        relay.heal()
      }
      await appending
    }
    const ids = batches.flat().map(({ id }) => id)
    await until('all are followed', () => follower.ids.length >= ids.length)
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
})

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
