import { expect } from 'chai'
import { decodeEvent, encodeEvent } from './codec.ts'
import { exampleEvent } from './examples.ts'
import { derivedEventId } from './ids.ts'
import { checkUpcasters, UPCASTERS, type Upcaster } from './upcasters.ts'

const stored = encodeEvent(exampleEvent('SellerDeauthorized', derivedEventId('test')))
const first = { ...stored, dataversion: 1 }

describe('an old event', () => {
  it('is read as the newest version of its type', () => {
    const event = decodeEvent({ ...first, data: '{"channel":1,"sellerId":"a","revokedTime":5}' })
    expect(event.dataversion).to.equal(2)
    expect(event.data).to.deep.equal({ channel: 1, sellerId: 'a', reason: 'revoked', deauthorizedTime: 5 })
  })

  it('has to match the schema of its own version', () => {
    for (const data of [
      '{"channel":1,"sellerId":"a"}',
      stored.data,
      'null',
      '{"channel":1,"sellerId":"a","revokedTime":"5"}',
    ]) {
      expect(() => decodeEvent({ ...first, data }), data).to.throw('SellerDeauthorized 1 is invalid')
    }
  })
})

describe('the chain of upcasters', () => {
  const step: Upcaster = { ...UPCASTERS.SellerDeauthorized?.[1], upcast: (data) => data } as Upcaster
  const catalogue = { SellerDeauthorized: { version: 3 } }

  it('reaches every version of the catalogue', () => {
    expect(() => checkUpcasters(UPCASTERS)).not.to.throw()
    expect(() => checkUpcasters({ SellerDeauthorized: { 1: step, 2: step } }, catalogue)).not.to.throw()
  })

  it('may have no gap', () => {
    expect(() => checkUpcasters({ SellerDeauthorized: { 1: step } }, catalogue)).to.throw('no upcaster from version 2')
    expect(() => checkUpcasters({}, catalogue)).to.throw('no upcaster from version 1')
  })

  it('may have no step that leads nowhere', () => {
    expect(() => checkUpcasters({ SellerDeauthorized: { 1: step, 2: step, 3: step } }, catalogue)).to.throw('from version 3')
    expect(() => checkUpcasters({ OrderNotified: { 1: step } }, { SellerDeauthorized: { version: 1 } })).to.throw(
      'no event type',
    )
  })
})
