import { expect } from 'chai'
import { parkingKey } from './item.ts'

describe('the key under which events are parked', () => {
  it('is the key itself, as long as its column holds it', () => {
    expect(parkingKey('1:u7rnQmKSS5e:12-34567-89012')).to.equal('1:u7rnQmKSS5e:12-34567-89012')
  })

  it('fits its column whatever comes, and stays different for different keys', () => {
    const long = (end: string) => parkingKey(`${'鍵'.repeat(400)}${end}`)
    expect(long('a').length).to.be.at.most(255)
    expect(long('a')).to.not.equal(long('b'))
    expect(parkingKey('\ud800'.repeat(300)).isWellFormed()).to.equal(true)
  })

  it('ends in no space, which a comparison in SQL would ignore', () => {
    expect(parkingKey('a ')).to.not.equal(parkingKey('a'))
    expect(parkingKey('a ')).to.match(/\S$/)
  })
})
