import { type Send, SMALL_ANSWER } from '../http.ts'
import type { AccessToken, App, CallBudget, Channel, Grant } from '../port.ts'
import { RefreshedTokens, readAnswer, User, UserTokens } from './answers.ts'
import { refusal } from './errors.ts'
import type { RequestTokens } from './token-endpoint.ts'

/**
 * Exchanges the code of a consent and asks who consented. A seller is known by `userId`, which never changes; `username`
 * may (Commerce Identity API, getUser; needs scope commerce.identity.readonly).
 */
export function createCodeExchange(options: {
  userUrl: string
  requestTokens: RequestTokens
  send: Send
  budget: CallBudget
  clock: () => number
}): Channel['exchangeCode'] {
  return async (app, { code }, signal): Promise<Grant[]> => {
    const form = { grant_type: 'authorization_code', code, redirect_uri: app.redirectUri }
    const now = options.clock()
    const tokens = await options.requestTokens(app, { what: 'the code exchange', form, schema: UserTokens }, signal)
    const user = await readUser(tokens.access_token, signal)
    const grant = {
      sellerId: user.userId,
      sellerName: user.username ?? '',
      region: user.registrationMarketplaceId ?? '',
      refreshToken: tokens.refresh_token,
      refreshTokenExpiresIn: tokens.refresh_token_expires_in,
      refreshTokenExpiresTime: endOf(now, tokens.refresh_token_expires_in),
      access: accessToken(now, tokens),
    }
    return [grant]
  }

  async function readUser(token: string, signal: AbortSignal) {
    await options.budget.take('token')
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json' }
    const what = 'getUser'
    const answer = await options.send({ what, method: 'GET', url: options.userUrl, headers, limit: SMALL_ANSWER }, signal)
    if (answer.status !== 200) throw refusal(answer, what, options.clock())
    return readAnswer(User, answer, what)
  }
}

/**
 * A new access token. No `scope` is sent: one outside the seller's consent would refuse the refresh, so a scope added to
 * the configuration would stop every shop that consented before. eBay keeps the refresh token and its 18 months.
 */
export function createRefresh(options: { requestTokens: RequestTokens; clock: () => number }): Channel['refresh'] {
  return async (app: App, refreshToken, signal) => {
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken }
    const now = options.clock()
    const tokens = await options.requestTokens(app, { what: 'the token refresh', form, schema: RefreshedTokens }, signal)
    const access = accessToken(now, tokens)
    if (tokens.refresh_token === undefined || tokens.refresh_token === refreshToken) return { access }
    const expiresIn = tokens.refresh_token_expires_in ?? 0
    return { access, rotated: { refreshToken: tokens.refresh_token, expiresIn, expiresTime: endOf(now, expiresIn) } }
  }
}

/** The end counts from before the request, so that a slow answer never makes a token look younger than it is. */
function accessToken(now: number, tokens: { access_token: string; expires_in: number }): AccessToken {
  return { token: tokens.access_token, expiresTime: now + tokens.expires_in * 1000 }
}

function endOf(now: number, seconds: number): number {
  return seconds === 0 ? 0 : now + seconds * 1000
}
