import { expect } from 'chai'
import fc from 'fast-check'
import { keyParts, orderHolder, orderKey, parseOrderHolder, sellerKey } from './keys.ts'

describe('keys', () => {
  it('read plainly for ordinary ids', () => {
    expect(orderKey(1, 'u7rnQmKSS5e', '12-34567-89012')).to.equal('1:u7rnQmKSS5e:12-34567-89012')
    expect(sellerKey(3, 'A1B2')).to.equal('3:A1B2')
  })

  it('give back their parts, whatever those are made of', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 })
    fc.assert(
      fc.property(fc.nat(), text, text, (channel, seller, order) => {
        expect(keyParts(orderKey(channel, seller, order))).to.deep.equal([String(channel), seller, order])
      }),
    )
    expect(keyParts(orderKey(1, 'a:b', '%3A'))).to.deep.equal(['1', 'a:b', '%3A'])
  })

  it('take half a surrogate pair without failing', () => {
    expect(keyParts(sellerKey(1, 'x\ud800y'))).to.deep.equal(['1', 'x\ufffdy'])
  })
})

describe('holders of orders', () => {
  it('name an order well enough to append its erasure', () => {
    const holder = orderHolder(1, 'a:b', '12-34567-89012', 891_408_887_636_352)
    expect(parseOrderHolder(holder)).to.deep.equal({
      channel: 1,
      sellerId: 'a:b',
      orderId: '12-34567-89012',
      sellerRowId: 891_408_887_636_352,
    })
  })

  it('are told from holders of another kind', () => {
    for (const other of ['', 'order', '1:a:b:2', 'seller:1:a', 'order:1:a:b', 'order:1:a:b:2:3', 'order:x:a:b:2']) {
      expect(parseOrderHolder(other), other).to.equal(undefined)
    }
  })
})
