import { EventLogError, MAX_CALL_EVENTS, MAX_DATA_BYTES, partitionOf } from '@tributary/event-log'
import type { StoredEvent } from '@tributary/events'
import { expect } from 'chai'
import { anEvent, eventsOfKeys, idsOf, type MakeLog, PARTITIONS, readAll, useLog } from './log-under-test.ts'

export function describeAppending(makeLog: MakeLog): void {
  describe('when it is appended to', () => {
    const { open, topic, server } = useLog(makeLog)

    it('keeps the events of a partition in the order given and answers where each stands', async () => {
      const log = await open()
      const events = eventsOfKeys(20, 5)
      const places = await log.append(topic(), events)
      const standing = await readAll(log, topic())
      expect(standing).to.have.length(100)
      for (const [index, place] of places.entries()) {
        expect(place.appended).to.equal(true)
        const found = standing.find((one) => one.partition === place.partition && one.position === place.position)
        expect(found?.event.id).to.equal(events[index]?.id)
      }
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        const given = events.filter((_, index) => places[index]?.partition === partition)
        expect(idsOf(standing.filter((one) => one.partition === partition))).to.deep.equal(given.map(({ id }) => id))
      }
    })

    it('gives every key the partition that Kafka would give it', async () => {
      const log = await open()
      const events = ['21', 'foobar', '1:SELLER:12-34567', '订单:📦', 'ключ'].map((partitionkey) => anEvent({ partitionkey }))
      const places = await log.append(topic(), events)
      for (const [index, { partitionkey }] of events.entries()) {
        expect(places[index]?.partition, partitionkey).to.equal(partitionOf(partitionkey, PARTITIONS))
      }
    })

    it('lets positions grow from 0, without gaps where the driver promises it', async () => {
      const log = await open()
      const positions: number[] = []
      for (let call = 0; call < 5; call += 1) {
        for (const { position } of await log.append(topic(), [anEvent(), anEvent()])) positions.push(position)
      }
      expect(positions[0]).to.equal(0)
      expect(positions).to.deep.equal([...new Set(positions)].sort((a, b) => a - b))
      if (server().dense) expect(positions).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    })

    it('gives an event back exactly as it was', async () => {
      const log = await open()
      const events = [
        anEvent({ traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', dataversion: 7 }),
        anEvent({ time: '1999-12-31T23:59:59.001Z' }),
        anEvent({ data: JSON.stringify({ title: `it's "quoted" \\ 📦 订单 \u0000 \u2028 ${"'; DROP TABLE x; --"}` }) }),
        anEvent({ partitionkey: '订单📦'.repeat(10), subject: 'é'.repeat(512), data: '{"spaces" :  [ ]}' }),
        anEvent({ type: 'T'.repeat(64), source: `/${'s'.repeat(254)}` }),
      ]
      const before = Date.now()
      await log.append(topic(), events)
      const byId = new Map((await readAll(log, topic())).map((one) => [one.event.id, one]))
      for (const event of events) {
        const found = byId.get(event.id)
        expect(found?.event).to.deep.equal(event)
        expect(found?.topic).to.equal(topic())
        expect(found?.recordedTime).to.be.within(before - 5, Date.now() + 5)
      }
    })

    it('keeps two keys apart that differ only in case or accent', async () => {
      const log = await open()
      const keys = ['Key', 'key', 'KÉY', 'KEY', 'key ']
      await log.append(
        topic(),
        keys.map((partitionkey) => anEvent({ partitionkey })),
      )
      expect((await readAll(log, topic())).map(({ event }) => event.partitionkey)).to.have.members(keys)
    })

    it('does not append an id again and answers where it stands', async () => {
      const log = await open()
      const [first, second, third] = [anEvent(), anEvent({ partitionkey: 'other' }), anEvent()]
      const places = await log.append(topic(), [first, second])
      const again = await log.append(topic(), [second, third, first])
      expect(again[0]).to.deep.equal({ ...places[1], appended: false })
      expect(again[1]?.appended).to.equal(true)
      expect(again[2]).to.deep.equal({ ...places[0], appended: false })
      expect(await readAll(log, topic())).to.have.length(3)
      if (server().dense) expect(again[1]?.position).to.equal(1)
    })

    it('appends an id once that comes twice in one call', async () => {
      const log = await open()
      const [twice, once] = [anEvent(), anEvent()]
      const places = await log.append(topic(), [twice, once, { ...twice }])
      expect(places.map(({ appended }) => appended)).to.deep.equal([true, true, false])
      expect(places[2]?.position).to.equal(places[0]?.position)
      expect(idsOf(await readAll(log, topic()))).to.deep.equal([twice.id, once.id])
    })

    it('takes the same id in two topics', async () => {
      const log = await open()
      const event = anEvent()
      await log.append(topic(), [event])
      expect((await log.append(`${topic()}_2`, [event]))[0]?.appended).to.equal(true)
    })

    it('answers an empty call with nothing', async () => {
      expect(await (await open()).append(topic(), [])).to.deep.equal([])
    })

    it('keeps an event of 12 MB beside small ones', async function () {
      this.timeout(60_000)
      const log = await open()
      const large = anEvent({ data: JSON.stringify({ text: '订'.repeat((MAX_DATA_BYTES - 20) / 3) }) })
      const events = [anEvent(), large, anEvent()]
      await log.append(topic(), events)
      expect((await readAll(log, topic())).map(({ event }) => event.data)).to.deep.equal(events.map(({ data }) => data))
    })

    it('refuses what is too large or malformed before anything is written, and harms nobody else', async () => {
      const log = await open()
      const tooMany = Array.from({ length: MAX_CALL_EVENTS + 1 }, () => anEvent())
      const refused: [string, StoredEvent[]][] = [
        ['LOG_EVENT_TOO_LARGE', [anEvent(), anEvent({ data: `"${'x'.repeat(MAX_DATA_BYTES)}"` })]],
        ['LOG_EVENT_INVALID', [anEvent(), anEvent({ id: 'not-a-uuid' })]],
        ['LOG_EVENT_INVALID', [anEvent(), anEvent({ time: 'yesterday' })]],
        ['LOG_EVENT_INVALID', [anEvent(), anEvent({ partitionkey: 'k'.repeat(256) })]],
        ['LOG_BATCH_TOO_LARGE', tooMany],
      ]
      const kept = anEvent()
      const attempts = refused.map(([, events]) => log.append(topic(), events).catch((error: unknown) => error))
      await Promise.all([log.append(topic(), [kept]), ...attempts])
      for (const [index, [code]] of refused.entries()) {
        const error = await attempts[index]
        expect(error).to.be.instanceOf(EventLogError)
        expect(error).to.include({ code, retriable: false })
      }
      expect(idsOf(await readAll(log, topic()))).to.deep.equal([kept.id])
    })

    it('throws the reason of an aborted signal, and an equal second call completes', async () => {
      const log = await open()
      const reason = new Error('enough')
      const event = anEvent()
      const thrown = async (signal: AbortSignal) =>
        await log.append(topic(), [event], { signal }).catch((error: unknown) => error)
      expect(await thrown(AbortSignal.abort(reason))).to.equal(reason)
      expect(await readAll(log, topic())).to.have.length(0)
      const controller = new AbortController()
      const pending = thrown(controller.signal)
      controller.abort(reason)
      expect(await pending).to.equal(reason)
      await log.append(topic(), [event])
      expect(idsOf(await readAll(log, topic()))).to.deep.equal([event.id])
    })

    it('finishes appends in hand before it closes, and takes none after', async () => {
      const log = await open()
      const other = await open()
      const event = anEvent()
      const pending = log.append(topic(), [event])
      await log.close()
      await pending
      expect(idsOf(await readAll(other, topic()))).to.deep.equal([event.id])
      const error = await log.append(topic(), [anEvent()]).catch((thrown: unknown) => thrown)
      expect(error).to.include({ code: 'LOG_CLOSED', retriable: false })
    })
  })
}
