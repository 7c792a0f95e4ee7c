import type { Answer } from '../http.ts'
import { ChannelError } from '../port.ts'
import { membersOf } from '../reading/json-text.ts'
import { retryAfter } from '../retry-after.ts'

/** One entry of `{errors: [{code, message, details}]}`, the body of every refusal of SP-API. */
export type AmazonFault = { code: string; message: string; details: string }

/** None where a body holds something else. */
export function readFaults(text: string): AmazonFault[] {
  const errors = membersOf(text)?.['errors']
  if (!Array.isArray(errors)) return []
  return errors.slice(0, 5).flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null) return []
    const said = (key: string) => {
      const value = (entry as Record<string, unknown>)[key]
      return typeof value === 'string' ? value.slice(0, 200) : ''
    }
    return [{ code: said('code'), message: said('message'), details: said('details') }]
  })
}

/**
 * Whether a fresh access token may help. Amazon answers 403 Unauthorized both to a token that has ended and to a role that is
 * missing; only its words tell them apart ("The access token you provided has expired").
 */
export function isTokenRefused({ status, text }: Answer): boolean {
  if (status === 401) return true
  return status === 403 && readFaults(text).some(({ message, details }) => /token/i.test(`${message} ${details}`))
}

/** A 403 that is about what the app may do: a role, or a seller who did not grant it. */
export const isRoleMissing = (answer: Answer): boolean => answer.status === 403 && !isTokenRefused(answer)

/** Classes an unsuccessful answer by what helps. 429 is dealt with where the call was made, because it counts by seller and operation. */
export function refusal(answer: Answer, what: string, now: number): ChannelError {
  const { status } = answer
  const faults = readFaults(answer.text)
  const said = `Amazon answered ${status} to ${what}${requestOf(answer)}${describe(faults)}`
  const waited = retryAfter(answer.headers, now)
  const wait = waited === undefined ? {} : { retryAfter: waited }
  if (status === 429) return new ChannelError('CHANNEL_RATE_LIMITED', said, { remedy: 'retry', ...wait })
  if (status >= 500 || status === 408) return new ChannelError('CHANNEL_UNAVAILABLE', said, { remedy: 'retry', ...wait })
  if (isTokenRefused(answer))
    return new ChannelError('CHANNEL_UNAVAILABLE', `${said}, also with a fresh access token`, { remedy: 'retry' })
  if (status === 403)
    return new ChannelError(
      'CHANNEL_SCOPE_MISSING',
      `${said}. Give the app the role of this call in the Solution Provider Portal, then let the seller consent again`,
      { remedy: 'person' },
    )
  return new ChannelError('CHANNEL_REQUEST_REFUSED', said, { remedy: 'bug' })
}

/** What Amazon's support asks for first. */
function requestOf({ headers }: Answer): string {
  const id = headers.get('x-amzn-requestid') ?? ''
  return /^[\w-]{1,100}$/.test(id) ? ` (request ${id})` : ''
}

/** The words of a refusal for a person. */
export function describe(faults: readonly AmazonFault[]): string {
  if (faults.length === 0) return ''
  return `: ${faults.map(({ code, message, details }) => `${code} ${message} ${details}`.trim()).join('; ')}`
}
