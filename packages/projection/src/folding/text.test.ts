import { expect } from 'chai'
import fc from 'fast-check'
import { cutToBytes, cutToCodePoints, storableText } from './text.ts'

const text = fc.string({ unit: 'binary' })
const limit = fc.nat({ max: 20 })

describe('text for a column', () => {
  it('is well-formed and without NUL, and untouched when it was', () => {
    expect(storableText('a\0b\ud83dc\udc00')).to.equal('a\ufffdb\ufffdc\ufffd')
    expect(storableText('名 😀 \u202e')).to.equal('名 😀 \u202e')
  })

  it('is cut to so many code points', () => {
    fc.assert(
      fc.property(text, limit, (whole, most) => {
        expect(cutToCodePoints(whole, most)).to.equal([...whole].slice(0, most).join(''))
      }),
    )
    expect(cutToCodePoints('😀😀😀', 2)).to.equal('😀😀')
  })

  it('is cut to as many bytes as fit, between two code points', () => {
    fc.assert(
      fc.property(text, limit, (whole, most) => {
        const kept = cutToBytes(whole, most)
        const next = [...whole.slice(kept.length)][0] ?? ''
        expect(whole.startsWith(kept) && kept.isWellFormed()).to.equal(true)
        expect(Buffer.byteLength(kept)).to.be.at.most(most)
        if (next !== '') expect(Buffer.byteLength(kept + next)).to.be.above(most)
      }),
    )
  })
})
