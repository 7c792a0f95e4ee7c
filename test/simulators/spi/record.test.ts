import { expect } from 'chai'
import { type Arrival, createRecord, inversions } from './record.ts'

const arrival = (id: string, taken = true, key = 'k'): Arrival => ({ id, key, type: '', time: 0, taken, headers: {}, body: '' })

describe('The record of a receiver', () => {
  it('keeps the order in which deliveries were first taken, and counts those that came again', () => {
    const record = createRecord()
    for (const [id, taken] of [
      ['a', false],
      ['a', true],
      ['b', true],
      ['a', true],
      ['b', false],
    ] as const)
      record.add(arrival(id, taken))
    expect(record.firstTaken('k')).to.deep.equal(['a', 'b'])
    expect(record).to.include({ taken: 2, duplicates: 2 })
    expect(record.arrivals).to.have.length(5)
    expect([record.has('a'), record.has('c')]).to.deep.equal([true, false])
  })

  it('keeps keys apart', () => {
    const record = createRecord()
    record.add(arrival('a', true, 'one'))
    record.add(arrival('b', true, 'two'))
    expect(record.keys()).to.deep.equal(['one', 'two'])
    expect(record.firstTaken('two')).to.deep.equal(['b'])
    expect(record.firstTaken('three')).to.deep.equal([])
  })

  it('finds what was taken too late', () => {
    const expected = ['a', 'b', 'c', 'd']
    expect(inversions(['a', 'b', 'c', 'd'], expected)).to.equal(0)
    expect(inversions(['a', 'c', 'd'], expected)).to.equal(0)
    expect(inversions(['a', 'c', 'b', 'd'], expected)).to.equal(1)
    expect(inversions(['d', 'a', 'b', 'c'], expected)).to.equal(3)
  })
})
