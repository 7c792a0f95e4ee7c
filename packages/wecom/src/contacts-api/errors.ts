/** What a caller of the contacts API may match on. */
export type WecomErrorCode =
  /** No answer, half an answer, or WeCom says that it is busy. */
  | 'WECOM_UNAVAILABLE'
  | 'WECOM_RATE_LIMITED'
  /** The access token is not, or no longer, taken. */
  | 'WECOM_TOKEN_REFUSED'
  /** No ticket of the last half hour; the next comes within ten minutes. */
  | 'WECOM_TICKET_MISSING'
  /** The corp took its consent back, or never gave it. */
  | 'WECOM_GRANT_REVOKED'
  /** Id, secret or our own IP address are not what WeCom knows. */
  | 'WECOM_APP_REFUSED'
  /** The app may not see this: its permission or its visible range does not reach so far. */
  | 'WECOM_FORBIDDEN'
  | 'WECOM_NOT_FOUND'
  | 'WECOM_ANSWER_INVALID'
  | 'WECOM_REQUEST_REFUSED'

/** A call that brought nothing. `errcode` is WeCom's own; messages hold no token, secret or id of a person. */
export class WecomError extends Error {
  override readonly name = 'WecomError'
  readonly code: WecomErrorCode
  readonly retriable: boolean
  readonly errcode: number | undefined

  constructor(code: WecomErrorCode, message: string, options: { errcode?: number; cause?: unknown } = {}) {
    super(message, options)
    this.code = code
    this.retriable = RETRIABLE.has(code)
    this.errcode = options.errcode
  }
}

const RETRIABLE: ReadonlySet<WecomErrorCode> = new Set(['WECOM_UNAVAILABLE', 'WECOM_RATE_LIMITED', 'WECOM_TICKET_MISSING'])

/** WeCom's errcodes by what helps (WxJava WxCpErrorMsgEnum). What is not named here is refused for good. */
const CODES: Readonly<Record<number, WecomErrorCode>> = {
  [-1]: 'WECOM_UNAVAILABLE',
  6000: 'WECOM_UNAVAILABLE',
  45009: 'WECOM_RATE_LIMITED',
  45033: 'WECOM_RATE_LIMITED',
  40014: 'WECOM_TOKEN_REFUSED',
  42001: 'WECOM_TOKEN_REFUSED',
  40082: 'WECOM_TOKEN_REFUSED',
  42009: 'WECOM_TOKEN_REFUSED',
  40085: 'WECOM_TICKET_MISSING',
  40084: 'WECOM_GRANT_REVOKED',
  40001: 'WECOM_APP_REFUSED',
  40013: 'WECOM_APP_REFUSED',
  60020: 'WECOM_APP_REFUSED',
  48002: 'WECOM_FORBIDDEN',
  60011: 'WECOM_FORBIDDEN',
  301002: 'WECOM_FORBIDDEN',
  60003: 'WECOM_NOT_FOUND',
  60123: 'WECOM_NOT_FOUND',
  60111: 'WECOM_NOT_FOUND',
}

/** The error that an errcode stands for. errmsg is left out: it is made for people and repeats what was sent. */
export const wecomRefusal = (call: string, errcode: number): WecomError =>
  new WecomError(CODES[errcode] ?? 'WECOM_REQUEST_REFUSED', `WeCom answered ${errcode} to ${call}.`, { errcode })
