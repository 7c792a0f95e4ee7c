import type { Static } from 'typebox'
import { type App, type Channel, ChannelError, type Grant } from '../port.ts'
import { readAnswer, Tokens } from './answers.ts'
import type { Rest } from './call.ts'

type Answer = Static<typeof Tokens>

/**
 * Consents and refreshes (Lazada Open Platform, "Seller authorization"). One consent may open the stores of several countries,
 * each with a seller id of its own: a grant for each. A `refresh_expires_in` of 0 means that nothing can be refreshed: then the
 * grant ends with its access token.
 */
export function createTokens(options: {
  url: string
  rest: Rest
  clock: () => number
}): Pick<Channel, 'exchangeCode' | 'refresh'> {
  async function request(app: App, path: string, parameters: Record<string, string>, what: string, signal: AbortSignal) {
    const call = { what, method: 'GET', url: options.url, path, parameters, operation: 'token' } as const
    return readAnswer(Tokens, await options.rest(app, call, signal), what)
  }

  return {
    async exchangeCode(app, { code }, signal): Promise<Grant[]> {
      const now = options.clock()
      const tokens = await request(app, '/auth/token/create', { code }, 'the code exchange', signal)
      const sellers = tokens.country_user_info ?? tokens.country_user_info_list ?? []
      if (sellers.length === 0)
        throw new ChannelError('CHANNEL_ANSWER_UNREADABLE', 'Lazada names no seller behind this consent', { remedy: 'bug' })
      return sellers.map((seller) => ({
        sellerId: String(seller.seller_id),
        sellerName: tokens.account ?? seller.short_code ?? '',
        region: seller.country.toLowerCase(),
        refreshToken: tokens.refresh_token ?? '',
        ...lifeOf(tokens, now),
        access: accessToken(tokens, now),
      }))
    },
    async refresh(app, refreshToken, signal) {
      if (refreshToken === '') throw cannotRefresh()
      const now = options.clock()
      const tokens = await request(app, '/auth/token/refresh', { refresh_token: refreshToken }, 'the token refresh', signal)
      const access = accessToken(tokens, now)
      if (tokens.refresh_token === undefined || tokens.refresh_token === refreshToken) return { access }
      const { refreshTokenExpiresIn: expiresIn, refreshTokenExpiresTime: expiresTime } = lifeOf(tokens, now)
      return { access, rotated: { refreshToken: tokens.refresh_token, expiresIn, expiresTime } }
    },
  }
}

/** What a consent without a refresh token gave has ended with its access token. */
const cannotRefresh = (): ChannelError =>
  new ChannelError('CHANNEL_GRANT_REVOKED', 'Lazada gave no refresh token with this consent. The seller must consent again', {
    remedy: 'reauthorize',
  })

function lifeOf(tokens: Answer, now: number): Pick<Grant, 'refreshTokenExpiresIn' | 'refreshTokenExpiresTime'> {
  const seconds = Number(tokens.refresh_expires_in ?? 0) || Number(tokens.expires_in)
  return { refreshTokenExpiresIn: seconds, refreshTokenExpiresTime: now + seconds * 1000 }
}

const accessToken = (tokens: Answer, now: number) => ({
  token: tokens.access_token,
  expiresTime: now + Number(tokens.expires_in) * 1000,
})
