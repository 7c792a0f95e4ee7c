import { expect } from 'chai'
import { murmur2, partitionOf } from './partition.ts'

describe('The partition of a key', () => {
  it("uses the hash of Kafka's default partitioner", () => {
    // The vectors of Apache Kafka, clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java.
    const vectors: Record<string, number> = {
      '21': -973932308,
      foobar: -790332482,
      'a-little-bit-long-string': -985981536,
      'a-little-bit-longer-string': -1486304829,
      lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
      abc: 479470107,
    }
    for (const [key, hash] of Object.entries(vectors)) expect(murmur2(Buffer.from(key)), key).to.equal(hash)
  })

  it('clears the sign of the hash before dividing, as Kafka does', () => {
    expect(partitionOf('21', 8)).to.equal((-973932308 & 0x7fffffff) % 8)
    expect(partitionOf('abc', 7)).to.equal(479470107 % 7)
  })

  it('hashes the UTF-8 bytes of a key, wherever they stand in a buffer', () => {
    const bytes = Buffer.from('订单📦')
    const shifted = Buffer.concat([Buffer.from('xyz'), bytes]).subarray(3)
    expect(murmur2(shifted)).to.equal(murmur2(bytes))
    expect(partitionOf('订单📦', 8)).to.equal((murmur2(bytes) & 0x7fffffff) % 8)
  })

  it('spreads order keys evenly', () => {
    const counts = Array.from({ length: 8 }, () => 0)
    for (let order = 0; order < 8_000; order += 1) {
      const partition = partitionOf(`1:SELLER:12-${order}`, 8)
      counts[partition] = (counts[partition] ?? 0) + 1
    }
    for (const count of counts) expect(count).to.be.within(850, 1_150)
  })
})
