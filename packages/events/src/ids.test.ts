import { expect } from 'chai'
import fc from 'fast-check'
import { createRowIds, derivedEventId, ROW_ID_EPOCH, timeOrderedEventId } from './ids.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('derived event ids', () => {
  it('are the same for the same parts, in this version and the next', () => {
    expect(derivedEventId('OrderNotified', 1, 'abc')).to.equal('d68aea82-98f7-8790-ae5f-789fd6f5de4c')
    expect(derivedEventId('OrderReceived', 'é山🌻'.repeat(40), 0)).to.equal('46c794f5-8166-85a5-8a81-76897857a06e')
  })

  it('are UUIDs of version 8, and differ when the parts do, also where the joined text does not', () => {
    const parts = fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 4 })
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        expect(derivedEventId(...one)).to.match(UUID)
        const isSame = JSON.stringify(one) === JSON.stringify(other)
        expect(derivedEventId(...one) === derivedEventId(...other)).to.equal(isSame)
      }),
    )
    expect(derivedEventId('ab', 'c')).not.to.equal(derivedEventId('a', 'bc'))
    expect(derivedEventId('a', '')).not.to.equal(derivedEventId('a'))
  })
})

describe('time-ordered event ids', () => {
  it('are UUIDs of version 7 that carry their time and never repeat', () => {
    const ids = Array.from({ length: 1000 }, () => timeOrderedEventId(1_700_000_000_123))
    expect(new Set(ids).size).to.equal(1000)
    for (const id of ids) expect(id).to.match(UUID)
    expect(Number.parseInt((ids[0] ?? '').replaceAll('-', '').slice(0, 12), 16)).to.equal(1_700_000_000_123)
    expect(ids[0]?.charAt(14)).to.equal('7')
  })

  it('sort by their time', () => {
    expect(timeOrderedEventId(1_700_000_000_123) < timeOrderedEventId(1_700_000_000_124)).to.equal(true)
  })
})

describe('row ids', () => {
  it('grow, stay below 2^53 and name their worker, whatever the clock does', () => {
    const clock = fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 1, maxLength: 400 })
    fc.assert(
      fc.property(clock, fc.integer({ min: 0, max: 31 }), (steps, worker) => {
        let now = 1_795_000_000_000
        const ids = createRowIds({ worker, now: () => now })
        let last = 0
        for (const step of steps) {
          now += step
          const id = ids.next()
          expect(id).to.be.above(last)
          expect(Number.isSafeInteger(id)).to.equal(true)
          expect(Math.floor(id / 128) % 32).to.equal(worker)
          last = id
        }
      }),
    )
  })

  it('are 10,000 different ones within a millisecond, and go on from there', () => {
    let now = 1_795_000_000_000
    const ids = createRowIds({ worker: 31, now: () => now })
    const made = Array.from({ length: 10_000 }, () => ids.next())
    now += 1
    made.push(ids.next())
    expect(new Set(made).size).to.equal(10_001)
    expect(made).to.deep.equal(made.toSorted((one, other) => one - other))
  })

  it('of two workers never meet', () => {
    const now = () => 1_795_000_000_000
    const [one, other] = [createRowIds({ worker: 1, now }), createRowIds({ worker: 2, now })]
    const made = Array.from({ length: 1000 }, () => [one.next(), other.next()]).flat()
    expect(new Set(made).size).to.equal(2000)
  })

  it('are made of the time, the worker and a number', () => {
    expect(createRowIds({ worker: 3, now: () => ROW_ID_EPOCH + 5 }).next()).to.equal(5 * 4096 + 3 * 128)
    expect(createRowIds({ worker: 0, now: () => 0 }).next()).to.be.above(0)
  })

  it('fill 53 bits in the last millisecond and refuse to go beyond', () => {
    const ids = createRowIds({ worker: 31, now: () => ROW_ID_EPOCH + 2 ** 41 - 1 })
    for (let made = 1; made < 128; made++) ids.next()
    expect(ids.next()).to.equal(Number.MAX_SAFE_INTEGER)
    expect(() => ids.next())
      .to.throw('past 2089')
      .with.property('code', 'ROW_ID_TIME_OUT_OF_RANGE')
  })

  it('are refused for a worker that has no number of its own', () => {
    for (const worker of [-1, 32, 1.5, Number.NaN]) {
      expect(() => createRowIds({ worker }))
        .to.throw('from 0 to 31')
        .with.property('code', 'ROW_ID_WORKER_INVALID')
    }
  })

  it('are refused from the moment the lease is gone', () => {
    let leased = true
    const ids = createRowIds({ worker: 1, mayIssue: () => leased })
    ids.next()
    leased = false
    expect(() => ids.next())
      .to.throw('lease')
      .that.includes({ code: 'ROW_ID_LEASE_LOST', retriable: true })
  })
})
