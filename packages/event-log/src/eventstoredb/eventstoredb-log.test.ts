import { binaryEvent, EventStoreDBClient } from '@eventstore/db-client'
import { startRelay } from '@tributary/test/servers'
import { startEventStoreDb } from '@tributary/test/servers/eventstoredb'
import { expect } from 'chai'
import { MAX_CALL_EVENTS, partitionOf } from '../index.ts'
import { anEvent, PARTITIONS, useStage } from './testing/stage.ts'

describe('The EventStoreDB log', function () {
  this.timeout(30_000)
  const { server, topic, log, open, readAll, idsIn } = useStage()

  it('keeps a key in a stream of its own, attributes and trace as metadata, and links in the stream of its partition', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    const events = [anEvent({ traceparent }), anEvent({ partitionkey: '1:S:2' }), anEvent()]
    const places = await log().append(topic(), events)
    expect(idsIn('key-1:S:1')).to.deep.equal([events[0]?.id, events[2]?.id])
    const [stored] = server().stream(`${topic()}:key-1:S:1`)
    expect(JSON.parse(Buffer.from(stored?.metadata ?? []).toString())).to.include({ traceparent, partitionkey: '1:S:1' })
    expect(Buffer.from(stored?.data ?? []).toString()).to.equal(events[0]?.data)
    const { partition, position } = places[2] ?? { partition: -1, position: -1 }
    const link = server().stream(`${topic()}:partition-${partition}`)[position]
    expect([link?.type, Buffer.from(link?.data ?? []).toString()]).to.deep.equal(['$>', `1@${topic()}:key-1:S:1`])
  })

  it('passes over what others wrote into the stream of a partition, and links whose event is gone', async () => {
    const client = new EventStoreDBClient({ endpoint: `127.0.0.1:${server().port}` }, { insecure: true })
    const events = [anEvent(), anEvent()]
    const stream = `${topic()}:partition-${partitionOf('1:S:1', PARTITIONS)}`
    const foreign = ['hello', `7@${topic()}:key-none`, `0@${topic()}:key-1:S:1`]
    await log().append(topic(), events.slice(0, 1))
    for (const data of foreign)
      await client.appendToStream(stream, binaryEvent({ type: data.includes('@') ? '$>' : 'Hello', data: Buffer.from(data) }))
    const [place] = await log().append(topic(), events.slice(1))
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
      await one.append(topic(), events)
      expect((await readAll(one)).map(({ event }) => event.id)).to.include.members(events.map(({ id }) => id))
      await one.close()
    }
    await older.stop()
  })

  it('writes as many events as a call may have, of one key, to a server with its usual limit of 1 MB', async () => {
    const small = await startEventStoreDb({ maxAppendSize: 1024 * 1024 })
    const one = await open(small.url)
    const events = Array.from({ length: MAX_CALL_EVENTS }, () => anEvent())
    const places = await one.append(topic(), events)
    expect(places.map(({ position }) => position)).to.deep.equal(events.map((_, index) => index))
    expect((await readAll(one)).map(({ event }) => event.id)).to.deep.equal(events.map(({ id }) => id))
    await one.close()
    await small.stop()
  })

  it('names the setting when the server takes no event so large, and lets other callers pass', async () => {
    const small = await startEventStoreDb({ maxAppendSize: 1024 * 1024 })
    const one = await open(small.url)
    await one.partitions(topic())
    const [kept, refused] = [anEvent(), anEvent({ data: JSON.stringify('x'.repeat(1_100_000)) })]
    const outcomes = await Promise.all(
      [kept, refused].map((event) => one.append(topic(), [event]).catch((error: Error & { code: string }) => error)),
    )
    expect(outcomes[1]).to.include({ code: 'LOG_EVENT_TOO_LARGE', retriable: false })
    expect((outcomes[1] as Error).message).to.contain('MaxAppendSize')
    expect((await readAll(one)).map(({ event }) => event.id)).to.deep.equal([kept.id])
    await one.close()
    await small.stop()
  })

  it('says that it is unavailable when nobody answers at the address, and that trying again may help', async () => {
    const relay = await startRelay(server().url)
    relay.cut()
    const away = await open(relay.url)
    for (const work of [away.append(topic(), [anEvent()]), away.ends(topic())])
      expect(await work.catch((error: unknown) => error)).to.include({ code: 'LOG_UNAVAILABLE', retriable: true })
    relay.heal()
    expect((await away.append(topic(), [anEvent()]))[0]?.position).to.equal(0)
    await away.close()
    await relay.close()
  })
})
