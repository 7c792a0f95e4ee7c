import { type Channel, ChannelError, type Reception } from '../port.ts'
import { readEnvelope } from './notification.ts'
import { isSigned, readSignatureHeader } from './notification-signature.ts'
import type { KeyOutcome } from './public-keys.ts'

/**
 * Verifies and reads a notification. The order of the checks: a header that can't be one (412), a body that is no JSON (400,
 * no key is asked for), a key that eBay does not know (412) or that can't be asked for now (503, so that eBay tries again),
 * the signature (412), and only then what the envelope says (400).
 */
export function createReceive(options: {
  findKey: (kid: string, signal: AbortSignal) => Promise<KeyOutcome>
}): Channel['receive'] {
  return async ({ headers, body }, signal) => {
    const header = readSignatureHeader(headers['x-ebay-signature'])
    if (!header) return refused(412, 'SIGNATURE_MISSING', 'X-EBAY-SIGNATURE is missing or no eBay signature header')
    const envelope = parse(body)
    if (envelope === undefined) return refused(400, 'BODY_NOT_JSON', 'The body is no JSON')
    const outcome = await options.findKey(header.kid, signal).catch(unavailable)
    if (outcome.kind === 'unavailable') return outcome
    if (outcome.kind === 'unknown')
      return refused(412, 'KEY_UNKNOWN', 'eBay does not know the key of this signature, or no longer')
    if (outcome.kind === 'postponed')
      return {
        kind: 'unavailable',
        status: 503,
        code: 'KEY_POSTPONED',
        detail: 'Too many unseen keys; send it again in a minute',
      }
    if (!isSigned(body, envelope, header.signature, outcome))
      return refused(412, 'SIGNATURE_WRONG', 'The signature does not fit the body')
    const read = readEnvelope(envelope)
    if (read.kind === 'malformed') return refused(400, 'ENVELOPE_MALFORMED', read.detail)
    return { kind: 'accepted', notification: read.notification }
  }
}

function refused(status: 400 | 412, code: string, detail: string): Reception {
  return { kind: 'refused', status, code, detail }
}

function unavailable(error: unknown): Extract<Reception, { kind: 'unavailable' }> {
  if (!(error instanceof ChannelError)) throw error
  return { kind: 'unavailable', status: 503, code: error.code, detail: error.message }
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}
