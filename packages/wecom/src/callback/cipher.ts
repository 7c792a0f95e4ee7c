import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { type Refused, refused, WecomSettingsError } from './refusal.ts'

const ALGORITHM = 'aes-256-cbc'
const IV_BYTES = 16
/** WeCom pads to 32 bytes although the cipher's own block has 16. */
const BLOCK = 32
const RANDOM_BYTES = 16
const HEAD = RANDOM_BYTES + 4

/** The key of a callback address: AES-256, the first half of it being the IV as well. */
export type CallbackKey = { readonly key: Buffer; readonly iv: Buffer }

export type Opened = { kind: 'opened'; message: string; receiveId: string }

/** Reads an EncodingAESKey (43 letters and digits, W91144). Throws WecomSettingsError bad_encoding_aes_key. */
export function callbackKey(encodingAesKey: string): CallbackKey {
  if (!/^[A-Za-z0-9]{43}$/.test(encodingAesKey))
    throw new WecomSettingsError('bad_encoding_aes_key', 'An EncodingAESKey has 43 letters and digits; this one does not.')
  const key = Buffer.from(`${encodingAesKey}=`, 'base64')
  return { key, iv: key.subarray(0, IV_BYTES) }
}

/**
 * Seals a message as WeCom does: `random(16) | length(4, big endian) | message | receiveId`, padded to 32 bytes. Answers
 * base64. `random` is for vectors only.
 */
export function seal(
  { key, iv }: CallbackKey,
  { message, receiveId, random = randomBytes(RANDOM_BYTES) }: { message: string; receiveId: string; random?: Buffer },
): string {
  const content = Buffer.from(message, 'utf8')
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  const plain = Buffer.concat([random, length, content, Buffer.from(receiveId, 'utf8')])
  const padding = BLOCK - (plain.length % BLOCK)
  const cipher = createCipheriv(ALGORITHM, key, iv).setAutoPadding(false)
  return Buffer.concat([cipher.update(plain), cipher.update(Buffer.alloc(padding, padding)), cipher.final()]).toString('base64')
}

/**
 * Opens what `seal` made, checking base64, block length, every padding byte, the length field and both texts, in this
 * order. Call it only behind the signature: without that, the answers would tell a stranger about the padding.
 */
export function open({ key, iv }: CallbackKey, encrypted: string): Opened | Refused {
  const ciphertext = decodeBase64(encrypted)
  if (!ciphertext) return refused('bad_base64')
  if (ciphertext.length === 0 || ciphertext.length % BLOCK !== 0) return refused('bad_ciphertext_length')
  const decipher = createDecipheriv(ALGORITHM, key, iv).setAutoPadding(false)
  const padded = Buffer.concat([decipher.update(ciphertext), decipher.final()])
  const plain = withoutPadding(padded)
  if (!plain) return refused('bad_padding')
  if (plain.length < HEAD) return refused('too_short')
  const end = HEAD + plain.readUInt32BE(RANDOM_BYTES)
  if (end > plain.length) return refused('bad_msg_len')
  const [message, receiveId] = [utf8(plain.subarray(HEAD, end)), utf8(plain.subarray(end))]
  if (message === null || receiveId === null) return refused('bad_utf8')
  return { kind: 'opened', message, receiveId }
}

/** Node passes over what does not belong into base64; two texts would then be one message. */
function decodeBase64(text: string): Buffer | null {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return null
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : null
}

function withoutPadding(padded: Buffer): Buffer | null {
  const padding = padded.at(-1) ?? 0
  if (padding < 1 || padding > BLOCK) return null
  const end = padded.length - padding
  return padded.subarray(end).every((byte) => byte === padding) ? padded.subarray(0, end) : null
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function utf8(bytes: Buffer): string | null {
  try {
    return decoder.decode(bytes)
  } catch {
    return null
  }
}
