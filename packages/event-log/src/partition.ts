const SEED = 0x9747b28c | 0
const MULTIPLIER = 0x5bd1e995

/**
 * The 32-bit murmur2 hash, signed, with the seed of Kafka's default partitioner
 * (Apache Kafka, org.apache.kafka.common.utils.Utils.murmur2).
 */
export function murmur2(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const whole = bytes.length & ~3
  let hash = SEED ^ bytes.length
  for (let at = 0; at < whole; at += 4) hash = Math.imul(hash, MULTIPLIER) ^ scramble(view.getInt32(at, true))
  if (whole < bytes.length) {
    for (let at = whole; at < bytes.length; at += 1) hash ^= view.getUint8(at) << (8 * (at - whole))
    hash = Math.imul(hash, MULTIPLIER)
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER)
  return hash ^ (hash >>> 15)
}

function scramble(word: number): number {
  const mixed = Math.imul(word, MULTIPLIER)
  return Math.imul(mixed ^ (mixed >>> 24), MULTIPLIER)
}

/** The partition of a key, the same as Kafka gives it, so that a log can be copied there and keep its order. */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key)) & 0x7fffffff) % partitions
}
