import { X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { testCertificate } from './certificate.ts'

describe('a certificate of a test', () => {
  it('can be read, whatever its length', () => {
    // Each letter more gives other lengths, and so do the integers of a signature.
    const lengths = new Set<number>()
    for (let length = 1; length <= 120; length += 1) {
      const { cert } = testCertificate({ host: 'a'.repeat(length) })
      expect(cert).not.to.include('\n\n')
      lengths.add(new X509Certificate(cert).raw.length % 48)
    }
    expect(lengths.has(0), 'one whose last line is full').to.equal(true)
  })
})
