import { murmur2 } from '@tributary/event-log'

/** Bits an expected key: with four hashes about one key in four hundred is taken for one that was there. */
const BITS = 16
const LEAST_BITS = 2 ** 16
const MOST_BITS = 2 ** 31
const HASHES = 4

/** What a filter for so many keys remembers, in memory that threads share: whoever goes on with a partition knows its keys. */
export function keyFilterMemory(expectedKeys: number): SharedArrayBuffer {
  const bits = Math.min(MOST_BITS, Math.max(LEAST_BITS, expectedKeys * BITS))
  return new SharedArrayBuffer(Math.ceil(bits / 32) * Uint32Array.BYTES_PER_ELEMENT)
}

/**
 * Remembers which keys a rebuild has met, in two bytes a key (a Bloom filter): a key that it does not know surely has no
 * rows in tables that began empty, so nobody needs to look. It may say yes by mistake, never no. Of several on one
 * `memory` only one may be asked at a time.
 */
export function openKeyFilter(memory: SharedArrayBuffer): { met(key: string): boolean } {
  const words = new Uint32Array(memory)
  const size = words.length * 32
  return {
    /** Whether the key may have been met before; from now on it has. */
    met(key) {
      const bytes = Buffer.from(key)
      const one = murmur2(bytes) >>> 0
      const other = (murmur2(Buffer.from(`${key}#`)) | 1) >>> 0
      let known = true
      for (let index = 0; index < HASHES; index += 1) {
        const bit = (one + index * other) % size
        const word = bit >>> 5
        const mask = 1 << (bit & 31)
        if (((words[word] ?? 0) & mask) === 0) {
          known = false
          words[word] = (words[word] ?? 0) | mask
        }
      }
      return known
    },
  }
}
