import type { StoredEvent } from '@tributary/events'
import { pause } from '@tributary/runtime'
import { expect } from 'chai'
import fc from 'fast-check'
import type { RecordedEvent, Slice } from '../port.ts'
import { createSharedReading } from './shared-reading.ts'

const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? Date.now() % 1_000_000)

const recorded = (position: number, data: string): RecordedEvent => ({
  ...{ topic: 'orders', partition: 0, position, recordedTime: 0 },
  event: { id: data, data } as StoredEvent,
})

/** A log of one partition that counts its reads and can lose its end. */
function logOf(positions: readonly number[], sizes: (position: number) => number = () => 1) {
  let life = 0
  let end = 0
  let away = false
  const log = {
    reads: 0,
    /** Answers what is new. */
    grow: (by: number): RecordedEvent[] => {
      end += by
      return positions.filter((one) => one >= end - by && one < end).map((one) => recorded(one, log.at(one)))
    },
    /** Loses what stands from a position on; other events come in its place. */
    lose: (from: number) => {
      end = Math.min(end, from)
      life += 1
    },
    setAway: (isAway: boolean) => {
      away = isAway
    },
    end: () => end,
    at: (position: number) => `${life}:${position}`.padEnd(sizes(position), '.'),
    read: async (_partition: number, from: number, { limit, maxBytes = Number.POSITIVE_INFINITY }: Limits): Promise<Slice> => {
      log.reads += 1
      await pause(0)
      if (away) throw new Error('away')
      const events: RecordedEvent[] = []
      let bytes = 0
      for (const position of positions.filter((one) => one >= from && one < end).slice(0, limit)) {
        const data = log.at(position)
        bytes += data.length
        if (bytes > maxBytes && events.length > 0) break
        events.push(recorded(position, data))
      }
      return { events, next: (events.at(-1)?.position ?? from - 1) + 1 }
    },
  }
  return log
}

type Limits = { limit: number; maxBytes?: number }

describe(`Readings that followers share (seed ${SEED})`, () => {
  it('give each follower every event once, in order, whatever the others do', async () => {
    const run = fc.record({
      gaps: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 40 }),
      sizes: fc.array(fc.constantFrom(1, 10, 100, 600_000), { minLength: 1, maxLength: 5 }),
      steps: fc.array(
        fc.record({ follower: fc.nat(4), limit: fc.integer({ min: 1, max: 8 }), maxBytes: fc.integer({ min: 1, max: 300 }) }),
        { maxLength: 60 },
      ),
      starts: fc.array(fc.nat(30), { minLength: 5, maxLength: 5 }),
      growth: fc.integer({ min: 1, max: 9 }),
      isWrittenHere: fc.infiniteStream(fc.boolean()),
    })
    await fc.assert(
      fc.asyncProperty(run, async ({ gaps, sizes, steps, starts, growth, isWrittenHere }) => {
        let last = 0
        const positions = gaps.map((gap) => {
          last += gap
          return last
        })
        const log = logOf(positions, (position) => sizes[position % sizes.length] ?? 1)
        const { join, add } = createSharedReading(log.read, () => 0)
        const followers = starts.map((start) => ({ start, next: start, seen: [] as string[], read: join().read }))
        for (let turn = 0; turn < steps.length; turn += 3) {
          const written = log.grow(growth)
          const telling = isWrittenHere.next().value ? pause(0).then(() => add(0, written)) : undefined
          const abreast = steps.slice(turn, turn + 3).filter(({ follower }, index, all) => {
            return all.findIndex((other) => other.follower === follower) === index
          })
          await Promise.all(
            abreast.map(async ({ follower, ...limits }) => {
              const one = followers[follower]
              if (!one || one.next > log.end()) return
              const { events, next } = await one.read(0, one.next, limits)
              expect(events.length).to.be.at.most(limits.limit)
              one.seen.push(...events.map(({ event }) => event.data))
              one.next = next
            }),
          )
          await telling
        }
        for (const { start, next, seen } of followers)
          expect(seen).to.deep.equal(positions.filter((one) => one >= start && one < next).map(log.at))
      }),
      { seed: SEED, numRuns: 2_000 },
    )
  })

  it('ask the log once for all who are at the head', async () => {
    const log = logOf(Array.from({ length: 100 }, (_, position) => position))
    const { join } = createSharedReading(log.read, () => 0)
    const reads = [0, 1, 2, 3].map(() => join().read)
    const next = [0, 0, 0, 0]
    for (let round = 0; round < 10; round += 1) {
      log.grow(10)
      await Promise.all(
        reads.map(async (read, follower) => {
          // One is always a little late, once it is known to be there.
          if (follower === 3 && round > 0) await pause(2)
          const slice = await read(0, next[follower] ?? 0, { limit: 64 })
          expect(slice.events).to.have.length(10)
          next[follower] = slice.next
        }),
      )
    }
    expect(log.reads).to.equal(10)
  })

  it('ask the log for nothing that was written here, and for all that others wrote', async () => {
    const log = logOf(Array.from({ length: 100 }, (_, position) => position))
    const { join, add } = createSharedReading(log.read, () => 0)
    const { read } = join()
    add(0, log.grow(10))
    const ours = await read(0, 0, { limit: 64 })
    expect(ours.events.map(({ position }) => position)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(log.reads).to.equal(0)
    log.grow(5)
    add(0, log.grow(5))
    expect((await read(0, ours.next, { limit: 64 })).events.map(({ position }) => position)).to.deep.equal([
      10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
    ])
    expect(log.reads).to.equal(1)
  })

  it('keep no more than a window of bytes', async () => {
    const log = logOf([0, 1, 2, 3, 4], () => 400_000)
    log.grow(5)
    const { read } = createSharedReading(log.read, () => 0).join()
    await read(0, 0, { limit: 5 })
    await read(0, 3, { limit: 5 })
    expect(log.reads, 'the last two are kept').to.equal(1)
    await read(0, 2, { limit: 5 })
    expect(log.reads, 'those before are not').to.equal(2)
  })

  it('keep nothing that all who stand in the window have had, and wait for no one who has left', async () => {
    const log = logOf(Array.from({ length: 30 }, (_, position) => position))
    const { join } = createSharedReading(log.read, () => 0)
    const [quick, slow, late] = [join(), join(), join()]
    log.grow(10)
    await Promise.all([quick.read(0, 0, { limit: 64 }), slow.read(0, 0, { limit: 64 })])
    log.grow(10)
    await quick.read(0, 10, { limit: 64 })
    expect(log.reads).to.equal(2)
    await late.read(0, 0, { limit: 10 })
    expect(log.reads, 'the slow one has not come back').to.equal(2)
    late.leave()
    await slow.read(0, 10, { limit: 64 })
    expect(log.reads).to.equal(2)
    await quick.read(0, 9, { limit: 64 })
    expect(log.reads, 'nobody was left who had not had it').to.equal(3)
  })

  it('keep nothing for one that asked for nothing for a while, who reads for itself when it goes on', async () => {
    const log = logOf(Array.from({ length: 40 }, (_, position) => position))
    let time = 0
    const { join } = createSharedReading(
      log.read,
      () => 0,
      () => time,
    )
    const [quick, still] = [join(), join()]
    log.grow(10)
    await Promise.all([quick.read(0, 0, { limit: 64 }), still.read(0, 0, { limit: 64 })])
    log.grow(10)
    await quick.read(0, 10, { limit: 64 })
    time = 60_000
    log.grow(10)
    await quick.read(0, 20, { limit: 64 })
    expect(log.reads).to.equal(3)
    expect((await still.read(0, 10, { limit: 64 })).events.map(({ position }) => position)).to.include.members([10, 19, 29])
    expect(log.reads, 'it was not waited for').to.equal(4)
    log.grow(10)
    const [ofQuick, ofStill] = await Promise.all([quick.read(0, 30, { limit: 64 }), still.read(0, 30, { limit: 64 })])
    expect(log.reads, 'they share again').to.equal(5)
    expect(ofStill).to.equal(ofQuick)
  })

  it('forget what a log that was away may have lost', async () => {
    const log = logOf([0, 1, 2, 3])
    log.grow(4)
    let troubles = 0
    const { join, add } = createSharedReading(log.read, () => troubles)
    const { read } = join()
    const seen = async () => (await read(0, 2, { limit: 5 })).events.map(({ event }) => event.data)
    expect(await seen()).to.deep.equal(['0:2', '0:3'])
    log.lose(2)
    log.grow(2)
    troubles += 1
    expect(await seen(), 'after a look that failed').to.deep.equal(['1:2', '1:3'])
    log.setAway(true)
    expect(await read(0, 4, { limit: 5 }).catch(() => 'away')).to.equal('away')
    log.setAway(false)
    log.lose(2)
    log.grow(2)
    expect(await seen(), 'after a read that failed').to.deep.equal(['2:2', '2:3'])
    log.lose(2)
    add(0, log.grow(2))
    expect(await seen(), 'after a write that took its place').to.deep.equal(['3:2', '3:3'])
  })
})
