import { readSlices } from '@tributary/event-log'
import { expect } from 'chai'
import { anEvent, eventsOfKeys, idsOf, type MakeLog, PARTITIONS, readAll, useLog } from './log-under-test.ts'

const KEY = 'one-key'

export function describeReading(makeLog: MakeLog): void {
  describe('when it is read', () => {
    const { open, topic } = useLog(makeLog)

    /** One partition with `count` events of `bytes` of data each. */
    async function aPartition(count: number, bytes = 10) {
      const log = await open()
      const events = Array.from({ length: count }, () => anEvent({ partitionkey: KEY, data: `"${'x'.repeat(bytes - 2)}"` }))
      const places = await log.append(topic(), events)
      const { partition } = places[0] ?? expect.fail('nothing was appended')
      const positions = places.map(({ position }) => position)
      return {
        log,
        events,
        partition,
        positions,
        read: (from: number, options = {}) => log.read(topic(), partition, from, options),
      }
    }

    it('answers a range from any position, at most as many events as asked for', async () => {
      const { events, positions, read } = await aPartition(30)
      const slice = await read(positions[10] ?? 0, { limit: 7 })
      expect(idsOf(slice.events)).to.deep.equal(events.slice(10, 17).map(({ id }) => id))
      expect(slice.next).to.equal((positions[16] ?? 0) + 1)
      expect(slice.events.map(({ position }) => position)).to.deep.equal(positions.slice(10, 17))
    })

    it('gives every event exactly once when each reading goes on at the next position', async () => {
      const { events, read } = await aPartition(50)
      const ids: string[] = []
      for (let from = 0, length = -1; length !== ids.length; ) {
        length = ids.length
        const slice = await read(from, { limit: 9 })
        ids.push(...idsOf(slice.events))
        from = slice.next
      }
      expect(ids).to.deep.equal(events.map(({ id }) => id))
    })

    it('is read by slices from one place to another, and to the end of now when none is said', async () => {
      const { log, events, partition, positions } = await aPartition(50)
      const [from = 0, to = 0] = [positions[5], positions[30]]
      const ids: string[] = []
      for await (const slice of readSlices(log, topic(), partition, { from, to, limit: 9 })) ids.push(...idsOf(slice.events))
      expect(ids.slice(0, 25)).to.deep.equal(events.slice(5, 30).map(({ id }) => id))
      expect(idsOf(await readAll(log, topic()))).to.deep.equal(events.map(({ id }) => id))
      for await (const _ of readSlices(log, topic(), partition, { from: to, to })) expect.fail('nothing was asked for')
    })

    it('reads 500 events when nothing else is said', async () => {
      const { read } = await aPartition(600)
      expect((await read(0)).events).to.have.length(500)
    })

    it('stops before the bytes asked for are exceeded, but gives at least one event', async () => {
      const { read, positions } = await aPartition(20, 10_000)
      const few = await read(0, { maxBytes: 35_000 })
      expect(few.events).to.have.length(3)
      expect(few.next).to.equal((positions[2] ?? 0) + 1)
      expect((await read(0, { maxBytes: 10 })).events).to.have.length(1)
    })

    it('counts a large event among small ones', async () => {
      const log = await open()
      const sizes = [10, 10, 50_000, 10, 10]
      const events = sizes.map((bytes) => anEvent({ partitionkey: KEY, data: `"${'x'.repeat(bytes)}"` }))
      const [first] = await log.append(topic(), events)
      const lengths: number[] = []
      for (let from = 0; lengths.reduce((sum, length) => sum + length, 0) < events.length; ) {
        const slice = await log.read(topic(), first?.partition ?? 0, from, { maxBytes: 1_000 })
        lengths.push(slice.events.length)
        from = slice.next
      }
      expect(lengths).to.deep.equal([2, 1, 2])
    })

    it('answers nothing at the end, and the same position to go on from', async () => {
      const { log, partition, read } = await aPartition(3)
      const end = (await log.ends(topic()))[partition] ?? -1
      expect(await read(end)).to.deep.equal({ events: [], next: end })
    })

    it('tells for each partition where its next event will stand', async () => {
      const log = await open()
      expect(await log.ends(topic())).to.deep.equal(Array.from({ length: PARTITIONS }, () => 0))
      const places = await log.append(topic(), eventsOfKeys(10, 3))
      const ends = await log.ends(topic())
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        const positions = places.filter((place) => place.partition === partition).map(({ position }) => position)
        expect(ends[partition]).to.equal(Math.max(-1, ...positions) + 1)
      }
    })

    it('makes a topic at its first use, with the partitions it was opened with', async () => {
      expect(await (await open()).partitions(topic())).to.equal(PARTITIONS)
    })

    it('refuses partitions that are not there and names that no topic can have', async () => {
      const log = await open()
      const codeOf = async (work: Promise<unknown>) =>
        ((await work.catch((error: { code?: string }) => error)) as { code?: string }).code
      for (const partition of [-1, PARTITIONS, 0.5]) {
        expect(await codeOf(log.read(topic(), partition, 0))).to.equal('LOG_PARTITION_UNKNOWN')
      }
      for (const name of ['', 'a b', 'x'.repeat(101), "t';"]) {
        expect(await codeOf(log.append(name, [anEvent()]))).to.equal('LOG_TOPIC_UNKNOWN')
      }
    })

    it('throws the reason of an aborted signal', async () => {
      const log = await open()
      const reason = new Error('enough')
      const thrown = await log.read(topic(), 0, 0, { signal: AbortSignal.abort(reason) }).catch((error: unknown) => error)
      expect(thrown).to.equal(reason)
    })
  })
}
