import { expect } from 'chai'
import { keyFilterMemory, openKeyFilter } from './key-filter.ts'

describe('the filter of keys', () => {
  it('never forgets a key, and seldom takes a new one for one that it met', () => {
    const memory = keyFilterMemory(20_000)
    const filter = openKeyFilter(memory)
    const keys = Array.from({ length: 20_000 }, (_, index) => `1:${index * 7}:order-${index}`)
    const mistaken = keys.filter((key) => filter.met(key)).length
    expect(mistaken).to.be.below(keys.length / 100)
    expect(keys.every((key) => filter.met(key))).to.equal(true)
    const ofWhoGoesOn = openKeyFilter(structuredClone(memory))
    expect(keys.every((key) => ofWhoGoesOn.met(key))).to.equal(true)
  })
})
