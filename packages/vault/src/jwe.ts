import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto'
import { deflate, inflate } from './deflation.ts'
import { VaultError } from './errors.ts'

/**
 * JWE compact serialization (RFC 7516) with alg "dir" and enc "A256GCM", and no other: `header..iv.ciphertext.tag`.
 * Own code, because jose goes through the asynchronous WebCrypto and no longer reads `zip`, and this stands on the path of
 * every event that a projection reads: a 3 KB order opens in 20 microseconds here and in 58 there (measured). The tests
 * hold it against jose.
 */
export type JweHeader = { kid: string; [claim: string]: string }

/** A JWE taken apart. Nothing in it is proven before `openJwe`. */
export type Jwe = {
  header: Readonly<Record<string, unknown>>
  encodedHeader: string
  iv: Buffer
  ciphertext: Buffer
  tag: Buffer
}

const ALGORITHM = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16

/** Seals `plaintext` under a key of 32 bytes. `header` can be read by everyone and changed by no one. Throws RangeError above 128 MB. */
export function sealJwe(key: KeyObject, header: JweHeader, plaintext: string): string {
  const { content, zip } = deflate(plaintext)
  const full = { alg: 'dir', enc: 'A256GCM', ...(zip ? { zip } : {}), ...header }
  const encodedHeader = Buffer.from(JSON.stringify(full)).toString('base64url')
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES })
  cipher.setAAD(Buffer.from(encodedHeader, 'ascii'))
  const ciphertext = cipher.update(content)
  cipher.final()
  return [encodedHeader, '', ...[iv, ciphertext, cipher.getAuthTag()].map((part) => part.toString('base64url'))].join('.')
}

/** Takes a JWE apart and checks its form. Throws VaultError VAULT_SEAL_BROKEN. */
export function parseJwe(text: string): Jwe {
  const [encodedHeader, encryptedKey, iv, ciphertext, tag, ...rest] = text.split('.')
  if (
    !encodedHeader ||
    encryptedKey !== '' ||
    iv === undefined ||
    ciphertext === undefined ||
    tag === undefined ||
    rest.length > 0
  )
    throw broken('it is not a JWE in compact form without an encrypted key')
  const header = parseHeader(encodedHeader)
  if (header['alg'] !== 'dir' || header['enc'] !== 'A256GCM') throw broken('it is not sealed with dir and A256GCM')
  if (header['crit'] !== undefined) throw broken('it demands an extension that nobody here knows')
  if (header['zip'] !== undefined && header['zip'] !== 'DEF') throw broken('its compression is not DEF')
  const parts = { header, encodedHeader, iv: decode(iv), ciphertext: decode(ciphertext), tag: decode(tag) }
  // A shorter tag would be accepted by the cipher, and is easier to forge.
  if (parts.iv.length !== IV_BYTES || parts.tag.length !== TAG_BYTES) throw broken('its IV or its tag has the wrong length')
  return parts
}

/** The plaintext of a JWE. Throws VaultError VAULT_SEAL_BROKEN when the key is another or anything was changed. */
export function openJwe(key: KeyObject, jwe: Jwe): string {
  const decipher = createDecipheriv(ALGORITHM, key, jwe.iv, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(jwe.encodedHeader, 'ascii'))
  decipher.setAuthTag(jwe.tag)
  const content = decipher.update(jwe.ciphertext)
  try {
    decipher.final()
    return (jwe.header['zip'] === 'DEF' ? inflate(content) : content).toString('utf8')
  } catch (cause) {
    throw broken('it was changed, or sealed under another key', cause)
  }
}

function parseHeader(encoded: string): Readonly<Record<string, unknown>> {
  try {
    const header: unknown = JSON.parse(decode(encoded).toString('utf8'))
    if (typeof header === 'object' && header !== null) return header as Record<string, unknown>
  } catch {
    // Said below.
  }
  throw broken('its header is not JSON')
}

/** Node decodes past characters that do not belong and drops spare bits: two texts would then be one seal. */
function decode(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.toString('base64url') !== text) throw broken('a part of it is not base64url')
  return bytes
}

function broken(reason: string, cause?: unknown): VaultError {
  return new VaultError('VAULT_SEAL_BROKEN', `A sealed text cannot be opened: ${reason}.`, { cause })
}
