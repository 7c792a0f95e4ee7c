import { createHmac, createPrivateKey, createPublicKey, createSecretKey, hash, type KeyObject, sign } from 'node:crypto'

/**
 * A key that signs an endpoint's requests: v1 with a shared secret (HMAC-SHA256), v1a with a private key (Ed25519).
 * `id` tells keys apart in the attempts without giving anything away. A KeyObject is made once: to make one of bytes for
 * each signature took five times as long as the signature itself.
 */
export type SigningKey =
  | { readonly kind: 'v1'; readonly id: string; readonly secretKey: KeyObject }
  | { readonly kind: 'v1a'; readonly id: string; readonly privateKey: KeyObject }

/** Keys below this are guessed too easily. Standard Webhooks wants 24 to 64 bytes; older secrets may be shorter. */
const SHORTEST_KEY = 16

const SHARED = 'whsec_'
const PRIVATE = 'whsk_'
const PUBLIC = 'whpk_'
/** With its padding: the official libraries do not agree about base64 without. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

const ED25519_BYTES = 32
/** What stands before the 32 bytes of an Ed25519 private key in PKCS #8, and of a public one in SPKI (RFC 8410). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI_HEAD_BYTES = 12

/** The key in a secret, or why it has none. */
export type SigningKeyOutcome = { kind: 'key'; key: SigningKey } | { kind: 'unusable'; problem: string }
const unusable = (problem: string): SigningKeyOutcome => ({ kind: 'unusable', problem })

/**
 * The key in a secret as operators write it (`eg_spi.secret`): behind `whsec_` the bytes of a shared secret in base64, behind
 * `whsk_` the 32 bytes of an Ed25519 private key (RFC 8032) in base64, else the UTF-8 bytes of the whole text. Answers what is
 * wrong, never a part of the secret, when no request may be signed with it.
 */
export function signingKey(secret: string): SigningKeyOutcome {
  if (secret === '') return unusable('The secret is empty. Nothing is sent unsigned: set one.')
  const prefix = [SHARED, PRIVATE].find((known) => secret.startsWith(known))
  const encoded = secret.slice(prefix?.length ?? 0)
  if (prefix && !BASE64.test(encoded)) return unusable(`What follows ${prefix} in the secret is not base64 with its padding.`)
  const bytes = Buffer.from(encoded, prefix ? 'base64' : 'utf8')
  return prefix === PRIVATE ? privateKey(bytes) : sharedKey(bytes)
}

function sharedKey(bytes: Buffer): SigningKeyOutcome {
  if (bytes.length < SHORTEST_KEY)
    return unusable(`The secret makes a key of ${bytes.length} bytes; it must have at least ${SHORTEST_KEY}.`)
  const secretKey = createSecretKey(bytes)
  const id = createHmac('sha256', secretKey).update('key id').digest('hex').slice(0, 8)
  return { kind: 'key', key: { kind: 'v1', id, secretKey } }
}

function privateKey(bytes: Buffer): SigningKeyOutcome {
  if (bytes.length !== ED25519_BYTES)
    return unusable(`The secret holds a private key of ${bytes.length} bytes; one of Ed25519 has ${ED25519_BYTES}.`)
  const made = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, bytes]), format: 'der', type: 'pkcs8' })
  return { kind: 'key', key: { kind: 'v1a', id: hash('sha256', publicKeyText(made), 'hex').slice(0, 8), privateKey: made } }
}

/** What receivers verify v1a with: `whpk_` and the 32 bytes of the public key in base64. */
export function publicKeyText(privateKey: KeyObject): string {
  const encoded = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return `${PUBLIC}${encoded.subarray(SPKI_HEAD_BYTES).toString('base64')}`
}

/**
 * The value of `webhook-signature`: one signature of each key over `id.timestamp.body`, separated by spaces, so that a
 * receiver that knows any of the keys can verify it. `timestamp` is in seconds since 1970.
 * Source: Standard Webhooks, spec/standard-webhooks.md, "Signature scheme" and "Webhook headers".
 */
export function signatures(keys: readonly SigningKey[], id: string, timestamp: number, body: string): string {
  const content = Buffer.from(`${id}.${timestamp}.${body}`, 'utf8')
  return keys.map((key) => `${key.kind},${signed(key, content).toString('base64')}`).join(' ')
}

function signed(key: SigningKey, content: Buffer): Buffer {
  return key.kind === 'v1' ? createHmac('sha256', key.secretKey).update(content).digest() : sign(null, content, key.privateKey)
}
