import type { Answer } from '../http.ts'
import { ChannelError } from '../port.ts'
import { membersOf } from '../reading/json-text.ts'

/** One entry of eBay's error body, reduced to what we act on. Parameters are left out: they repeat what was sent. */
export type EbayFault = { errorId: number; category: string; message: string }

const LONGEST_WAIT = 24 * 3_600_000

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
 * Classes an unsuccessful answer of the token endpoint, whose body is OAuth's `{error, error_description}` (RFC 6749 §5.2).
 * `invalid_grant` covers a grant that ran out, was revoked, or ended with a changed password (developer.ebay.com, KB 5218).
 */
export function tokenRefusal(answer: Answer, what: string, now: number): ChannelError {
  const error = oauthError(answer.text)
  const said = `eBay answered ${answer.status} to ${what}${error ? ` (${error})` : ''}`
  switch (error) {
    case 'invalid_grant':
      return new ChannelError('CHANNEL_GRANT_REVOKED', `${said}. The seller must consent again`, { remedy: 'reauthorize' })
    case 'invalid_client':
    case 'unauthorized_client':
      return new ChannelError('CHANNEL_APP_REFUSED', `${said}. Check client id and secret of the app in eg_order_app`, {
        remedy: 'person',
      })
    case 'invalid_scope':
      return new ChannelError('CHANNEL_SCOPE_MISSING', `${said}. Check the app's scopes in eg_order_app`, { remedy: 'person' })
    case 'temporarily_unavailable':
    case 'server_error':
      return new ChannelError('CHANNEL_UNAVAILABLE', said, { remedy: 'retry' })
  }
  if (answer.status === 401)
    return new ChannelError('CHANNEL_APP_REFUSED', `${said}. Check client id and secret of the app in eg_order_app`, {
      remedy: 'person',
    })
  return refusal(answer, what, now)
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

/**
 * Milliseconds from a `Retry-After` in seconds or as a date (RFC 9110 §10.2.3), at most a day: eBay's longest quota window.
 * eBay does not promise the header with a 429, so undefined is normal.
 */
export function retryAfter(headers: Headers, now: number): number | undefined {
  const value = headers.get('retry-after')?.trim()
  if (!value) return undefined
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), LONGEST_WAIT)
}

function describe(faults: readonly EbayFault[]): string {
  if (faults.length === 0) return ''
  return `: ${faults.map(({ errorId, message }) => `${errorId} ${message}`.trim()).join('; ')}`
}

function oauthError(text: string): string {
  const error = membersOf(text)?.['error']
  return typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? error : ''
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
