import { type Send, SMALL_ANSWER } from '../http.ts'
import type { AccessToken, App, CallBudget, Channel, Grant } from '../port.ts'
import { readData, Tokens } from './answers.ts'
import { isSuccess, readReply } from './call.ts'
import { tokenRefusal } from './errors.ts'
import type { ReadShops } from './shops.ts'

type Options = { url: string; send: Send; budget: CallBudget; readShops: ReadShops; clock: () => number }

/**
 * Consents and refreshes (Partner Center, "Authorization overview"). The secret travels in the query of a GET, as TikTok wants
 * it, so this address is never logged. One consent may open several shops of a cross-border seller: a grant for each.
 */
export function createTokens({ url, send, budget, readShops, clock }: Options): Pick<Channel, 'exchangeCode' | 'refresh'> {
  async function request(app: App, path: string, parameters: Record<string, string>, what: string, signal: AbortSignal) {
    await budget.take('token')
    const query = new URLSearchParams({ app_key: app.clientId, app_secret: app.clientSecret, ...parameters })
    const headers = { accept: 'application/json' }
    const answer = await send({ what, method: 'GET', url: `${url}${path}?${query}`, headers, limit: SMALL_ANSWER }, signal)
    const reply = readReply(answer, what, clock())
    if (!isSuccess(reply)) throw tokenRefusal(reply.verdict, what)
    return readData(Tokens, reply.data, what)
  }

  return {
    async exchangeCode(app, { code }, signal): Promise<Grant[]> {
      // Spelt so.
      const parameters = { auth_code: code, grant_type: 'authorized_code' }
      const tokens = await request(app, '/api/v2/token/get', parameters, 'the code exchange', signal)
      const shops = await readShops(app, tokens.access_token, signal)
      return shops.map(({ id, name, region }) => ({
        sellerId: id,
        sellerName: name ?? tokens.seller_name ?? '',
        region: region ?? '',
        refreshToken: tokens.refresh_token,
        refreshTokenExpiresIn: secondsFrom(clock(), tokens.refresh_token_expire_in),
        refreshTokenExpiresTime: tokens.refresh_token_expire_in * 1000,
        access: accessToken(tokens),
      }))
    },
    async refresh(app, refreshToken, signal) {
      const parameters = { refresh_token: refreshToken, grant_type: 'refresh_token' }
      const tokens = await request(app, '/api/v2/token/refresh', parameters, 'the token refresh', signal)
      const access = accessToken(tokens)
      if (tokens.refresh_token === refreshToken) return { access }
      const ends = tokens.refresh_token_expire_in
      return {
        access,
        rotated: { refreshToken: tokens.refresh_token, expiresIn: secondsFrom(clock(), ends), expiresTime: ends * 1000 },
      }
    },
  }
}

const accessToken = (tokens: { access_token: string; access_token_expire_in: number }): AccessToken => ({
  token: tokens.access_token,
  expiresTime: tokens.access_token_expire_in * 1000,
})

/** The column holds a duration of 31 bits; an authorization that ends in 2122 is longer. */
const secondsFrom = (now: number, end: number): number => Math.min(Math.max(0, end - Math.floor(now / 1000)), 2_147_483_647)
