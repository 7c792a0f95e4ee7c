import { expect } from 'chai'
import { parseNetwork } from './network.ts'

describe('a network', () => {
  it('is an address and how many of its bits count, all when nothing else is said', () => {
    expect(parseNetwork('10.1.0.0/16')).to.deep.equal(['10.1.0.0', 16])
    expect(parseNetwork('10.0.0.0/0')).to.deep.equal(['10.0.0.0', 0])
    expect(parseNetwork('fd12::/48')).to.deep.equal(['fd12::', 48])
    expect(parseNetwork('192.168.3.7')).to.deep.equal(['192.168.3.7', 32])
  })

  it('is nothing else', () => {
    for (const text of ['', '10.0.0.0/33', '10.0.0.0/x', 'fd12::/129', 'example.org', '10.0.0.0/8/8'])
      expect(parseNetwork(text), text).to.equal(undefined)
  })
})
