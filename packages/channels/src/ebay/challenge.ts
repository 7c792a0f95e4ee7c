import { createHash } from 'node:crypto'
import { ChannelError } from '../port.ts'

/** eBay's own codes have 36 or 64 characters; anything much longer is no challenge. */
const LONGEST_CODE = 256

/**
 * Answers eBay's ownership challenge: lower-case hex of SHA-256 over code, verification token and endpoint, in this order
 * and with nothing between them (eBay event-notification-nodejs-sdk, lib/validator.js). The endpoint comes from the
 * configuration and must equal the registered address byte for byte; a request says only what a proxy made of it.
 * Null when the query holds no usable `challenge_code`. Throws CHANNEL_APP_REFUSED while token or endpoint are not configured.
 */
export function answerChallenge(
  query: URLSearchParams,
  options: { verificationToken?: string; endpoint?: string },
): { challengeResponse: string } | null {
  const code = query.get('challenge_code')
  if (!code || code.length > LONGEST_CODE) return null
  if (!options.verificationToken || !options.endpoint)
    throw new ChannelError(
      'CHANNEL_APP_REFUSED',
      'An eBay challenge came, but its answer needs qifu.eg.ebay.challenge-verification-token and qifu.eg.ebay.notification-endpoint',
      { remedy: 'person' },
    )
  const hash = createHash('sha256').update(code).update(options.verificationToken).update(options.endpoint)
  return { challengeResponse: hash.digest('hex') }
}
