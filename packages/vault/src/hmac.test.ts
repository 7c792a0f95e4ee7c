import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import { hmacSha256 } from './hmac.ts'

describe('HMAC-SHA-256', () => {
  it('is what Node makes of any key and any text', () => {
    const bytes = fc.uint8Array({ maxLength: 64 }).map((part) => Buffer.from(part))
    fc.assert(
      fc.property(bytes, fc.array(fc.string({ unit: 'binary', maxLength: 1_500 })), (key, texts) => {
        const hashed = hmacSha256(key)
        for (const text of texts) expect(hashed(text)).to.equal(createHmac('sha256', key).update(text).digest('base64url'))
      }),
    )
  })

  it('refuses a key that is longer than a block, which would have to be hashed first', () => {
    expect(() => hmacSha256(Buffer.alloc(65))).to.throw(RangeError, '65 bytes')
  })
})
