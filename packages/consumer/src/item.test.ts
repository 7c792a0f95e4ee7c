import { encodeEvent, timeOrderedEventId } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { expect } from 'chai'
import { decode, itemOf, parkingKey } from './item.ts'

describe('an event that several followers are given', () => {
  it('is decoded once for all of them, each by its own key', () => {
    const event = encodeEvent(exampleEvent('OrderReceived', timeOrderedEventId()))
    const recorded = { topic: 'orders', partition: 0, position: 7, recordedTime: 1, event }
    const [one, other] = ['a', 'b'].map((key) => decode(itemOf(recorded), () => key))
    if (one?.kind !== 'readable' || other?.kind !== 'readable') throw new Error('The example cannot be read.')
    expect([one.key, other.key]).to.deep.equal(['a', 'b'])
    expect(one.delivered.event).to.equal(other.delivered.event)
  })

  it('looks as before to whoever writes it down', () => {
    const event = encodeEvent(exampleEvent('OrderReceived', timeOrderedEventId()))
    const before = JSON.stringify(event)
    decode(itemOf({ topic: 'orders', partition: 0, position: 7, recordedTime: 1, event }), () => 'a')
    expect(JSON.stringify(event)).to.equal(before)
  })
})

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
