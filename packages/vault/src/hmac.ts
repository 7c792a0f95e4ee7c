import { hash } from 'node:crypto'

/** SHA-256 takes its input in blocks of 64 bytes. */
const BLOCK = 64
const DIGEST = 32
/** Most texts are shorter. */
const ROOM = 1_024

/**
 * HMAC-SHA-256 of texts, base64url (RFC 2104, RFC 4231), under a key of at most 64 bytes. Own code over Node's one-shot hash:
 * `createHmac` makes an object at each call that the collector must finish, and fifteen of them were an eighth of what an imported
 * order cost. Measured: 1.0 microseconds for a hundred letters, 3.4 with `createHmac`. The tests hold it against that.
 */
export function hmacSha256(key: Buffer): (text: string) => string {
  let inner = padded(key, 0x36, ROOM)
  const outer = padded(key, 0x5c, DIGEST)
  return (text) => {
    // Of UTF-16 a unit takes three bytes at most.
    if (BLOCK + text.length * 3 > inner.length) inner = padded(key, 0x36, text.length * 3)
    const length = BLOCK + inner.write(text, BLOCK)
    outer.write(hash('sha256', inner.subarray(0, length), 'binary'), BLOCK, 'latin1')
    return hash('sha256', outer, 'base64url')
  }
}

/** A block of the key, filled with zeros, each byte of it changed by `pad`; and room for so many bytes behind it. */
function padded(key: Buffer, pad: number, room: number): Buffer {
  if (key.length > BLOCK) throw new RangeError(`A key of ${key.length} bytes is longer than a block of ${BLOCK}.`)
  const block = Buffer.alloc(BLOCK + room)
  for (let at = 0; at < BLOCK; at += 1) block[at] = (key[at] ?? 0) ^ pad
  return block
}
