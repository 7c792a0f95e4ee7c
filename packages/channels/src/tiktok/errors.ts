import { ChannelError } from '../port.ts'

/** What an answer says of itself: TikTok's code is the judge, the HTTP status only stands in where there is none. */
export type Verdict = { status: number; code: number; message: string; retryAfter?: number }

const RATE_LIMITED = 36_009_002
/** Errors of TikTok's own side: the same call may work later. */
const RETRY: ReadonlySet<number> = new Set([
  ...[36_009_003, 36_009_007, 10_002_014, 10_002_015, 10_037_002, 10_037_003, 10_037_004, 11_001_027, 11_001_031],
  ...[11_006_005, 11_006_026, 21_001_003, 21_001_008, 21_001_011, 21_022_029, 21_042_001],
])
const EXPIRED_TOKEN = 105_002
/** One code for a missing signature, a bad token, a bad app key and more; the words tell which. */
const AMBIGUOUS = 36_009_004
const SCOPE_MISSING = 105_005
/** "Invalid shop_cipher", and a cipher that is not of a shop of this token. The first stands in no list, but in what integrators tell. */
const CIPHER: ReadonlySet<number> = new Set([106_011, 101_000])
/** Also these with a cipher just read; address not on the app's list, signature of another secret. */
const PERSON: ReadonlySet<number> = new Set([...CIPHER, 36_009_033, 106_001])
/** The package has left: read it back before saying that this failed. */
const SHIPPED: ReadonlySet<number> = new Set([
  ...[11_006_021, 21_008_099, 21_011_006, 21_011_020, 21_011_040, 21_042_056, 21_011_027],
])

/** Whether a fresh access token may help (Partner Center, "Common errors"). */
export function isTokenRefused({ code, message }: Verdict): boolean {
  return code === EXPIRED_TOKEN || (code === AMBIGUOUS && /token|credential/i.test(message))
}

/** Whether this is what `refusal` made of a refused access token. */
export const sprangFromToken = (error: unknown): boolean =>
  error instanceof ChannelError && error.cause !== undefined && isTokenRefused(error.cause as Verdict)

/** Whether the shop may have another cipher by now. */
export const isCipherRefused = ({ code }: Verdict): boolean => CIPHER.has(code)

export const isAlreadyShipped = ({ code }: Verdict): boolean => SHIPPED.has(code)

/** Whether the marketplace said no to what was asked, rather than to who asked or how: its order and fulfilment codes. */
export function isBusinessRefusal({ code, status }: Verdict): boolean {
  const isOfBusiness = (code >= 11_000_000 && code < 12_000_000) || (code >= 21_000_000 && code < 22_000_000)
  return isOfBusiness && status < 500 && !RETRY.has(code)
}

/** Whether so many calls were made for a shop that TikTok answers none for a while. */
export const isLimited = ({ status, code }: Verdict): boolean => status === 429 || code === RATE_LIMITED

/** Classes an answer that was no success by what helps. */
export function refusal(verdict: Verdict, what: string): ChannelError {
  const { status, code, message, retryAfter } = verdict
  const said = `TikTok Shop answered ${status} to ${what} (${code}${message === '' ? '' : ` ${message.slice(0, 200)}`})`
  const wait = retryAfter === undefined ? {} : { retryAfter }
  if (isLimited(verdict)) return new ChannelError('CHANNEL_RATE_LIMITED', said, { remedy: 'retry', ...wait })
  if (status >= 500 || RETRY.has(code)) return new ChannelError('CHANNEL_UNAVAILABLE', said, { remedy: 'retry', ...wait })
  if (isTokenRefused(verdict))
    return new ChannelError('CHANNEL_UNAVAILABLE', `${said}, also with a fresh access token`, {
      remedy: 'retry',
      cause: verdict,
    })
  if (code === SCOPE_MISSING)
    return new ChannelError('CHANNEL_SCOPE_MISSING', `${said}. Grant the app this scope, then let the seller consent`, {
      remedy: 'person',
    })
  if (PERSON.has(code))
    return new ChannelError('CHANNEL_APP_REFUSED', `${said}. Check app key, secret and the app's address list`, {
      remedy: 'person',
    })
  return new ChannelError('CHANNEL_REQUEST_REFUSED', said, { remedy: 'bug' })
}

/**
 * Classes a refused exchange of a code or of a refresh token. The codes of these calls are not documented, so the words decide:
 * whatever is wrong with the app is a person's to mend, and all else needs a new consent, but for what is said of every call: an
 * outage, a limit, an address that is not on the app's list. That says nothing of the grant, and would end those of all sellers.
 */
export function tokenRefusal(verdict: Verdict, what: string): ChannelError {
  const { status, code, message } = verdict
  const said = `TikTok Shop refused ${what} (${code} ${message.slice(0, 200)})`
  const isOfAnyCall = isLimited(verdict) || status >= 500 || RETRY.has(code) || PERSON.has(code) || code === SCOPE_MISSING
  if (isOfAnyCall) return refusal(verdict, what)
  if (/app[ _]?(key|secret)|service/i.test(message))
    return new ChannelError('CHANNEL_APP_REFUSED', `${said}. Check app key and secret in eg_order_app`, { remedy: 'person' })
  if (isOfGateway(code) && !(code === AMBIGUOUS && /token|auth[ _]?code/i.test(message))) return refusal(verdict, what)
  return new ChannelError('CHANNEL_GRANT_REVOKED', `${said}. The seller must consent again`, { remedy: 'reauthorize' })
}

/** What stands before all calls, and refuses them for their form: path, method, time, type of the body, address of the caller. */
const isOfGateway = (code: number): boolean => code >= 36_009_000 && code < 36_010_000
