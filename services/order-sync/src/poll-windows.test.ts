import { expect } from 'chai'
import fc from 'fast-check'
import { isAhead, nextWindow, splitWindow } from './poll-windows.ts'

describe('windows of modification times', () => {
  const reach = { now: 1_000_000, margin: 60_000, overlap: 600_000, reachBack: 900_000 }

  it('reach from a little before the cursor to a little before now, and at first far back', () => {
    expect(nextWindow(930_000, reach)).to.deep.equal({ from: 330_000, to: 940_000 })
    expect(nextWindow(0, reach)).to.deep.equal({ from: 40_000, to: 940_000 })
  })

  it('never begin before 1970 or after their end, even when the clock was put back', () => {
    expect(nextWindow(0, { ...reach, reachBack: 9_999_999 })).to.deep.equal({ from: 0, to: 940_000 })
    expect(nextWindow(1_600_000, reach)).to.deep.equal({ from: 940_000, to: 940_000 })
  })

  it('begin anew when a cursor is ahead of the clock by more than the overlap makes good', () => {
    expect([0, 1_000_000, 1_600_000, 1_600_001].map((cursor) => isAhead(cursor, reach))).to.deep.equal([
      false,
      false,
      false,
      true,
    ])
  })

  it('stay whole while they hold few orders, or are of one millisecond', () => {
    const window = { from: 5, to: 50 }
    for (const total of [null, 0, 10]) expect(splitWindow(window, total, 10)).to.deep.equal([window])
    expect(splitWindow({ from: 7, to: 7 }, 99, 10)).to.deep.equal([{ from: 7, to: 7 }])
  })

  it('are cut into parts that need no further cut when orders are spread a little unevenly', () => {
    const span = 100_000
    const times = Array.from({ length: 50_000 }, (_, index) =>
      Math.floor(span * (index / 50_000 + 0.001 * Math.sin(index / 300))),
    )
    const parts = splitWindow({ from: 0, to: span - 1 }, times.length)
    const counts = parts.map(({ from, to }) => times.filter((time) => time >= from && time <= to).length)
    expect(Math.max(...counts)).to.be.within(800, 1_000)
  })

  it('are cut into parts that cover each millisecond once, in order', () => {
    fc.assert(
      fc.property(fc.nat(1e12), fc.nat(1e6), fc.nat(1e5), (from, span, total) => {
        const parts = splitWindow({ from, to: from + span }, total, 1_000)
        expect(parts[0]?.from).to.equal(from)
        expect(parts.at(-1)?.to).to.equal(from + span)
        for (const [index, part] of parts.entries()) {
          expect(part.to).to.be.at.least(part.from)
          if (index > 0) expect(part.from).to.equal((parts[index - 1]?.to ?? Number.NaN) + 1)
        }
      }),
    )
  })
})
