import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { SigningKey } from '../signature.ts'

/** Standard Webhooks asks for 24 to 64. */
const SHARED_BYTES = 32

/** A fresh secret that `signingKey` reads: `whsec_…` for v1, `whsk_…` for v1a. */
export function newSecret(kind: SigningKey['kind']): string {
  if (kind === 'v1') return `whsec_${randomBytes(SHARED_BYTES).toString('base64')}`
  const { d = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  return `whsk_${Buffer.from(d, 'base64url').toString('base64')}`
}
