import { expect } from 'chai'
import { rateBetween } from './projection.ts'

describe('the rate of a projection', () => {
  const at = (time: number, ...nexts: number[]) => ({
    time,
    cursors: nexts.map((next, partition) => ({ partition, next, updatedTime: 0 })),
  })

  it('is what all partitions came forward in the time between two looks', () => {
    expect(rateBetween(at(0, 10, 20), at(2_000, 310, 120))).to.equal(200)
    expect(rateBetween(at(0, 10), at(1_000, 10, 50))).to.equal(50)
  })

  it('is none of a partition that stands still or was set back', () => {
    expect(rateBetween(at(0, 10, 500), at(1_000, 10, 100))).to.equal(0)
    expect(rateBetween(at(0), at(1_000))).to.equal(0)
  })
})
