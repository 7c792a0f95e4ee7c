import { X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { testCertificate } from './certificate.ts'

describe('a certificate of a test', () => {
  it('can be read, whatever its length', () => {
    // Each letter more gives another length, and so do the integers of each signature: a length that fills the last line comes.
    for (let made = 0, isFull = false; made < 120 || !isFull; made += 1) {
      const { cert } = testCertificate({ host: 'a'.repeat(1 + (made % 120)) })
      expect(cert).not.to.include('\n\n')
      isFull ||= new X509Certificate(cert).raw.length % 48 === 0
    }
  })
})
