import { createHmac } from 'node:crypto'

/** The key that signs an endpoint's requests. `id` tells keys apart in the attempts without giving anything away. */
export type SigningKey = { readonly bytes: Buffer; readonly id: string }

/** Keys below this are guessed too easily. Standard Webhooks wants 24 to 64 bytes; older secrets may be shorter. */
export const SHORTEST_KEY = 16

const PREFIX = 'whsec_'
/** With its padding: the official libraries do not agree about base64 without. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/**
 * The key in a secret as operators write it (`eg_spi.secret`): the bytes behind `whsec_`, which must be base64, else the
 * UTF-8 bytes of the whole text. Answers what is wrong, never a part of the secret, when no request may be signed with it.
 */
export function signingKey(secret: string): { kind: 'key'; key: SigningKey } | { kind: 'unusable'; problem: string } {
  const unusable = (problem: string) => ({ kind: 'unusable' as const, problem })
  if (secret === '') return unusable('The secret is empty. Nothing is sent unsigned: set one.')
  const isEncoded = secret.startsWith(PREFIX)
  const encoded = secret.slice(PREFIX.length)
  if (isEncoded && !BASE64.test(encoded))
    return unusable(`What follows ${PREFIX} in the secret is not base64 with its padding.`)
  const bytes = isEncoded ? Buffer.from(encoded, 'base64') : Buffer.from(secret, 'utf8')
  if (bytes.length < SHORTEST_KEY)
    return unusable(`The secret makes a key of ${bytes.length} bytes; it must have at least ${SHORTEST_KEY}.`)
  return { kind: 'key', key: { bytes, id: createHmac('sha256', bytes).update('key id').digest('hex').slice(0, 8) } }
}

/**
 * The value of `webhook-signature`: `v1,` and the base64 HMAC-SHA256 over `id.timestamp.body`.
 * `timestamp` is in seconds since 1970. Source: Standard Webhooks, spec/standard-webhooks.md, "Signature scheme".
 */
export function signature(key: SigningKey, id: string, timestamp: number, body: string): string {
  return `v1,${createHmac('sha256', key.bytes).update(`${id}.${timestamp}.${body}`, 'utf8').digest('base64')}`
}
