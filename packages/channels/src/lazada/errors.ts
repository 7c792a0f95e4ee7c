import { ChannelError } from '../port.ts'

/** What an answer says of itself. `code` is "0" for a success; `type` is ISV, ISP or SYSTEM. */
export type Verdict = { status: number; code: string; type: string; message: string }

const LIMITED = 'ApiCallLimit'
const RETRY: ReadonlySet<string> = new Set(['ServiceTimeout', '6', 'E006', '40011', '700024'])
const TOKEN = 'IllegalAccessToken'
const REAUTHORIZE: ReadonlySet<string> = new Set(['IllegalRefreshToken', 'AUTH_TYPE_UNSUPPORTED', 'InvalidCode'])
const PERSON: ReadonlySet<string> = new Set(['SellerNotVerified', 'IncompleteSignature', 'InvalidAppKey', 'AppWhiteIpLimit'])
const GONE: ReadonlySet<string> = new Set(['16', 'E016', '37', 'E037', '39', 'E039'])
/** Lazada asks for a second at least. */
const LIMIT_WAIT = 1_000

export const isTokenRefused = ({ code }: Verdict): boolean => code === TOKEN

/** Classes an answer that was no success by what helps ("Error messages"; the sheet of this channel groups them). */
export function refusal(verdict: Verdict, what: string): ChannelError {
  const { status, code, type, message } = verdict
  const said = `Lazada answered ${status} to ${what} (${code}${message === '' ? '' : ` ${message.slice(0, 200)}`})`
  if (status === 429 || code === LIMITED)
    return new ChannelError('CHANNEL_RATE_LIMITED', said, { remedy: 'retry', retryAfter: LIMIT_WAIT })
  if (REAUTHORIZE.has(code))
    return new ChannelError('CHANNEL_GRANT_REVOKED', `${said}. The seller must consent again`, { remedy: 'reauthorize' })
  if (isTokenRefused(verdict))
    return new ChannelError('CHANNEL_UNAVAILABLE', `${said}, also with a fresh access token`, { remedy: 'retry' })
  if (PERSON.has(code))
    return new ChannelError('CHANNEL_APP_REFUSED', `${said}. Check app key, secret and the seller's account`, {
      remedy: 'person',
    })
  if (GONE.has(code)) return new ChannelError('CHANNEL_ORDER_UNKNOWN', said, { remedy: 'retry' })
  if (status >= 500 || RETRY.has(code) || type === 'ISP' || type === 'SYSTEM')
    return new ChannelError('CHANNEL_UNAVAILABLE', said, { remedy: 'retry' })
  return new ChannelError('CHANNEL_REQUEST_REFUSED', said, { remedy: 'bug' })
}
