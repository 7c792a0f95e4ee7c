import type { Answer } from '../http.ts'
import { oauthRefusal } from '../oauth-refusal.ts'
import { ChannelError } from '../port.ts'
import { membersOf } from '../reading/json-text.ts'
import { retryAfter } from '../retry-after.ts'

/** One entry of eBay's error body, reduced to what we act on. Parameters are left out: they repeat what was sent. */
export type EbayFault = { errorId: number; category: string; message: string }

/**
 * Classes an unsuccessful answer of a REST call by what helps. Retry only 429, 5xx and category APPLICATION
 * (developer.ebay.com, "Handling error messages"); 403 is a missing scope (errorId 1100). A 401 that reaches this point
 * came twice, the second time for a fresh token, so the grant itself works and only time or eBay can help.
 */
export function refusal(answer: Answer, what: string, now: number): ChannelError {
  const faults = readFaults(answer.text)
  const waited = retryAfter(answer.headers, now)
  const wait = waited === undefined ? {} : { retryAfter: waited }
  const said = `eBay answered ${answer.status} to ${what}${describe(faults)}`
  if (answer.status === 429) return new ChannelError('CHANNEL_RATE_LIMITED', said, { remedy: 'retry', ...wait })
  if (answer.status >= 500 || answer.status === 408 || faults.some((fault) => fault.category === 'APPLICATION'))
    return new ChannelError('CHANNEL_UNAVAILABLE', said, { remedy: 'retry', ...wait })
  if (answer.status === 401)
    return new ChannelError('CHANNEL_UNAVAILABLE', `${said}, also with a fresh access token`, { remedy: 'retry' })
  if (answer.status === 403)
    return new ChannelError(
      'CHANNEL_SCOPE_MISSING',
      `${said}. Grant the app the scope of this call, then let the seller consent`,
      {
        remedy: 'person',
      },
    )
  return new ChannelError('CHANNEL_REQUEST_REFUSED', said, { remedy: 'bug' })
}

/**
 * Classes an unsuccessful answer of the token endpoint. `invalid_grant` covers a grant that ran out, was revoked, or ended
 * with a changed password (developer.ebay.com, KB 5218).
 */
export function tokenRefusal(answer: Answer, what: string, now: number): ChannelError {
  return oauthRefusal(answer, { from: 'eBay', what }) ?? refusal(answer, what, now)
}

/** The `errors` of a body, or none when it holds no such thing. Source: eBay Fulfillment OpenAPI v1.20.7, `Error`. */
export function readFaults(text: string): EbayFault[] {
  const errors = membersOf(text)?.['errors']
  if (!Array.isArray(errors)) return []
  return errors.slice(0, 5).flatMap((entry: unknown) => {
    if (!isRecord(entry)) return []
    const { errorId, category, message } = entry
    return [
      {
        errorId: typeof errorId === 'number' ? errorId : 0,
        category: typeof category === 'string' ? category : '',
        message: typeof message === 'string' ? message.slice(0, 200) : '',
      },
    ]
  })
}

function describe(faults: readonly EbayFault[]): string {
  if (faults.length === 0) return ''
  return `: ${faults.map(({ errorId, message }) => `${errorId} ${message}`.trim()).join('; ')}`
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
