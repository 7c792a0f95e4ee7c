/** Bytes of an answer that are read and kept; the rest is never read. */
export const ANSWER_LIMIT = 4_096

/** Why an endpoint gets nothing whose address is closed to deliveries. */
export const ADDRESS_REFUSED = 'address refused'

/** What came back, as far as it did. `status` is 0 when no answer began, `answer` its first 4 KB as text. */
type Answered = { status: number; answer: string; durationMs: number }

/**
 * How one try ended. Everything but `delivered` is tried again:
 * `refused` 4xx, or a 2xx whose JSON says `"success": false`; `throttled` 429 or 503, with the wait it asked for in ms;
 * `failed` any other status, a redirect, a broken connection or TLS; `timed-out` no whole answer within the deadline;
 * `address-refused` by us: the endpoint is at no address that deliveries may go to, which says nothing about its events.
 * `reason` is a short class for people and metrics, never text of the receiver's. `isUnreached`: no byte of the request can have come
 * to the receiver, because there was no connection to it, or nobody whom it could be trusted to.
 */
export type Outcome =
  | ({ kind: 'delivered'; reason: '' } & Answered)
  | ({ kind: 'refused'; reason: string } & Answered)
  | ({ kind: 'throttled'; reason: string; retryAfter: number | undefined } & Answered)
  | ({ kind: 'failed'; reason: string; isUnreached?: true } & Answered)
  | ({ kind: 'timed-out'; reason: string; isUnreached?: true } & Answered)
  | ({ kind: 'address-refused'; reason: typeof ADDRESS_REFUSED } & Answered)

/** Whether a try says nothing about its event, nor about what the receiver makes of it: every event would have fared so. */
export const isEndpoints = (outcome: Outcome): boolean =>
  outcome.kind === 'address-refused' || ('isUnreached' in outcome && outcome.isUnreached === true)

/** The outcome that a whole answer means. `now` in milliseconds since 1970, for a Retry-After that names a date. */
export function outcomeOf(answer: {
  status: number
  body: string
  retryAfter: string | undefined
  durationMs: number
  now: number
}): Outcome {
  const { status, durationMs } = answer
  const came = { status, answer: answer.body, durationMs }
  if (status >= 200 && status < 300) {
    return saysNoSuccess(answer.body)
      ? { kind: 'refused', reason: 'success false', ...came }
      : { kind: 'delivered', reason: '', ...came }
  }
  if (status === 429 || status === 503) {
    return { kind: 'throttled', reason: `status ${status}`, retryAfter: waitAsked(answer.retryAfter, answer.now), ...came }
  }
  if (status >= 400 && status < 500) return { kind: 'refused', reason: `status ${status}`, ...came }
  // A redirect would carry a signed request with personal data to a place that nobody registered.
  const reason = status >= 300 && status < 400 ? `redirect ${status}` : `status ${status}`
  return { kind: 'failed', reason, ...came }
}

/** A text that is no whole JSON says nothing, and so does one that was cut at 4 KB. A byte order mark before it changes nothing. */
function saysNoSuccess(body: string): boolean {
  // Most answers are empty, and an error that JSON.parse makes costs ten times what a signature does.
  const text = body.trim()
  if (!text.startsWith('{')) return false
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && 'success' in value && value.success === false
  } catch {
    return false
  }
}

/** A day: a receiver that asks for more has made a mistake. */
const LONGEST_WAIT = 86_400_000

/**
 * Milliseconds that a Retry-After header asks for, at most a day: seconds or an HTTP date (RFC 9110 §10.2.3);
 * undefined when there is none or it is unreadable.
 */
export function waitAsked(header: string | undefined, now: number): number | undefined {
  const text = header?.trim() ?? ''
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1_000, LONGEST_WAIT)
  const date = /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.min(Math.max(0, date - now), LONGEST_WAIT)
}
