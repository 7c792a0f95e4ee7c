import { verify } from 'node:crypto'
import { writtenJson } from '../reading/written.ts'
import type { NotificationKey } from './public-keys.ts'

export type SignatureHeader = { kid: string; signature: Buffer }

/** eBay's header has about 300 characters. */
const LONGEST_HEADER = 2048
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * Reads `X-EBAY-SIGNATURE`: base64 of `{alg, kid, signature, digest}` (eBay event-notification-nodejs-sdk, test/test.json).
 * Null unless `kid` is a UUID (it becomes part of an address) and `signature` is text. `alg` and `digest` are the sender's
 * word and are not read.
 */
export function readSignatureHeader(header: string | undefined): SignatureHeader | null {
  if (!header || header.length > LONGEST_HEADER) return null
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(header, 'base64').toString('utf8'))
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null || !('kid' in value) || !('signature' in value)) return null
  const { kid, signature } = value
  if (typeof kid !== 'string' || typeof signature !== 'string' || signature === '') return null
  const id = kid.toLowerCase()
  return UUID.test(id) ? { kid: id, signature: Buffer.from(signature, 'base64') } : null
}

/**
 * Whether eBay signed this body. The raw bytes first. If they do not fit, the compact form, because eBay's own SDK signs and
 * verifies `JSON.stringify` of the parsed body (lib/validator.js), which is not always what went over the wire. Signatures
 * are DER. There is no limit of age: eBay repeats a notification for a day and more, and what is old is a hint all the same;
 * a stale signature is one whose key eBay has withdrawn.
 */
export function isSigned(body: Buffer, parsed: unknown, signature: Buffer, { key, digest }: NotificationKey): boolean {
  if (verify(digest, body, key, signature)) return true
  const compact = writtenJson(parsed)
  if (compact === undefined) return false
  const bytes = Buffer.from(compact)
  return !bytes.equals(body) && verify(digest, bytes, key, signature)
}
