import { createPublicKey, verify } from 'node:crypto'
import { type SigningKey, signingKey } from '../signature.ts'

/** The key in a secret that must be usable. */
export function keyOf(secret: string): SigningKey {
  const made = signingKey(secret)
  if (made.kind !== 'key') throw new Error(made.problem)
  return made.key
}

/**
 * Verifies `v1a` as the specification of Standard Webhooks says, with node:crypto, because the official libraries know `v1`
 * alone and pass over the rest. `publicKey` is in `whpk_` form.
 */
export function isVerifiedV1a(publicKey: string, headers: Readonly<Record<string, string>>, body: string): boolean {
  const x = Buffer.from(publicKey.slice('whpk_'.length), 'base64').toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  const content = Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`)
  return (headers['webhook-signature'] ?? '')
    .split(' ')
    .map((one) => one.split(','))
    .some(([version, value = '']) => version === 'v1a' && verify(null, content, key, Buffer.from(value, 'base64')))
}
