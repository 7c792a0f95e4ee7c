import { hash, timingSafeEqual } from 'node:crypto'

/** What stands in the query of every callback. */
export type Signed = { timestamp: string; nonce: string; encrypted: string }

/** `msg_signature`: SHA-1 over token, timestamp, nonce and ciphertext, sorted by code unit and joined with nothing (W91144). */
export const sign = (token: string, { timestamp, nonce, encrypted }: Signed): string =>
  hash('sha1', [token, timestamp, nonce, encrypted].sort().join(''), 'hex')

/** Whether the signature is ours, in a time that does not depend on how much of it is right. */
export function isSignature(token: string, signed: Signed, signature: string): boolean {
  const [expected, given] = [Buffer.from(sign(token, signed), 'latin1'), Buffer.from(signature, 'latin1')]
  return expected.length === given.length && timingSafeEqual(expected, given)
}
