import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { expect } from 'chai'
import fc from 'fast-check'
import { CompactEncrypt, compactDecrypt } from 'jose'
import { VaultError } from './errors.ts'
import { openJwe, parseJwe, sealJwe } from './jwe.ts'

const bytes = randomBytes(32)
const key = createSecretKey(bytes)
const header = { kid: 'subject', event: 'event' }
const compressible = JSON.stringify({ lines: Array.from({ length: 100 }, (_, line) => ({ line, title: 'A walnut table' })) })

describe('a JWE', () => {
  it('gives back any text, short and long', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 4_000 }), (text) => {
        expect(openJwe(key, parseJwe(sealJwe(key, header, text)))).to.equal(text.toWellFormed())
      }),
      { numRuns: 200 },
    )
  })

  it('is opened by jose', async () => {
    const opened = await compactDecrypt(sealJwe(key, header, 'a short text'), bytes)
    expect(new TextDecoder().decode(opened.plaintext)).to.equal('a short text')
    expect(opened.protectedHeader).to.deep.equal({ alg: 'dir', enc: 'A256GCM', ...header })
  })

  it('that jose sealed is opened', async () => {
    const jwe = await new CompactEncrypt(new TextEncoder().encode(compressible))
      .setProtectedHeader({ ...header, enc: 'A256GCM', alg: 'dir' })
      .encrypt(bytes)
    expect(openJwe(key, parseJwe(jwe))).to.equal(compressible)
  })

  it('holds its text deflated, when that makes it much smaller', () => {
    const jwe = sealJwe(key, header, compressible)
    expect(jwe.length).to.be.lessThan(compressible.length / 3)
    expect(parseJwe(jwe).header).to.include({ zip: 'DEF' })
    expect(openJwe(key, parseJwe(jwe))).to.equal(compressible)
    const random = randomBytes(3_000).toString('base64')
    expect(parseJwe(sealJwe(key, header, random)).header).not.to.have.property('zip')
  })

  it('that was deflated with the widest window is opened', () => {
    const text = compressible + randomBytes(40_000).toString('hex') + compressible
    const inner = deflateRawSync(text)
    expect(inner.length).to.be.greaterThan(32_768)
    expect(openJwe(key, parseJwe(sealedDeflated(inner)))).to.equal(text)
  })

  it('never opens after any change of any character', () => {
    const jwe = sealJwe(key, header, compressible.slice(0, 1_200))
    fc.assert(
      fc.property(fc.nat(jwe.length - 1), fc.integer({ min: 1, max: 127 }), (at, flip) => {
        const changed = jwe.slice(0, at) + String.fromCharCode(jwe.charCodeAt(at) ^ flip) + jwe.slice(at + 1)
        expect(() => openJwe(key, parseJwe(changed)))
          .to.throw(VaultError)
          .with.property('code', 'VAULT_SEAL_BROKEN')
      }),
      { numRuns: 2_000 },
    )
  })

  it('never opens under another key', () => {
    const jwe = parseJwe(sealJwe(key, header, 'text'))
    expect(() => openJwe(createSecretKey(randomBytes(32)), jwe))
      .to.throw(VaultError)
      .with.property('code', 'VAULT_SEAL_BROKEN')
  })

  it('is refused with another algorithm, an extension, a short tag or a part too many', () => {
    const [head, , iv, ciphertext, tag] = sealJwe(key, header, 'text').split('.') as [string, string, string, string, string]
    const encode = (claims: object) => Buffer.from(JSON.stringify(claims)).toString('base64url')
    const good = { alg: 'dir', enc: 'A256GCM' }
    const bad = {
      'alg none': `${encode({ ...good, alg: 'none' })}..${iv}.${ciphertext}.${tag}`,
      'enc of another kind': `${encode({ ...good, enc: 'A128CBC-HS256' })}..${iv}.${ciphertext}.${tag}`,
      'an extension': `${encode({ ...good, crit: ['b64'] })}..${iv}.${ciphertext}.${tag}`,
      'another compression': `${encode({ ...good, zip: 'GZ' })}..${iv}.${ciphertext}.${tag}`,
      'a tag of 4 bytes': `${head}..${iv}.${ciphertext}.${Buffer.from(tag, 'base64url').subarray(0, 4).toString('base64url')}`,
      'an IV of 8 bytes': `${head}..${randomBytes(8).toString('base64url')}.${ciphertext}.${tag}`,
      'an encrypted key': `${head}.AAAA.${iv}.${ciphertext}.${tag}`,
      'a sixth part': `${head}..${iv}.${ciphertext}.${tag}.`,
      'a header that is no JSON': `AAAA..${iv}.${ciphertext}.${tag}`,
      'a header that is null': `${Buffer.from('null').toString('base64url')}..${iv}.${ciphertext}.${tag}`,
      'nothing at all': '',
    }
    for (const [what, jwe] of Object.entries(bad))
      expect(() => parseJwe(jwe), what)
        .to.throw(VaultError)
        .with.property('code', 'VAULT_SEAL_BROKEN')
  })

  it('does not unfold without end', () => {
    const bomb = deflateRawSync(Buffer.alloc(130 * 1024 * 1024))
    expect(() => openJwe(key, parseJwe(sealedDeflated(bomb)))).to.throw(VaultError)
  })
})

/** A seal over bytes that are said to be deflated, made without our own code. */
function sealedDeflated(content: Buffer): string {
  const head = Buffer.from(JSON.stringify({ alg: 'dir', enc: 'A256GCM', zip: 'DEF', ...header })).toString('base64url')
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  cipher.setAAD(Buffer.from(head))
  const ciphertext = Buffer.concat([cipher.update(content), cipher.final()])
  return [head, '', ...[iv, ciphertext, cipher.getAuthTag()].map((part) => part.toString('base64url'))].join('.')
}
