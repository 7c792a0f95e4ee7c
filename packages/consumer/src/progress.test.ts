import { expect } from 'chai'
import { newCounts, noteApplied, rateAt } from './progress.ts'

describe('the rate of a consumer', () => {
  it('is taken over the last ten whole seconds', () => {
    const counts = newCounts()
    noteApplied(counts, 500, 100_200)
    noteApplied(counts, 500, 105_900)
    expect(rateAt(counts, 106_000)).to.equal(100)
    expect(rateAt(counts, 111_500)).to.equal(50)
    expect(rateAt(counts, 130_000)).to.equal(0)
    expect(counts.applied).to.equal(1_000)
  })

  it('forgets old seconds', () => {
    const counts = newCounts()
    for (let second = 0; second < 1_000; second += 1) noteApplied(counts, 1, second * 1_000)
    expect(counts.bySecond.size).to.be.lessThan(15)
    expect(rateAt(counts, 1_000_000)).to.equal(1)
  })
})
