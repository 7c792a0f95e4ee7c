import type { Static } from 'typebox'
import { type Send, SMALL_ANSWER } from '../http.ts'
import { oauthRefusal } from '../oauth-refusal.ts'
import { type App, type CallBudget, type Channel, ChannelError, type Grant } from '../port.ts'
import { readAnswer, Tokens } from './answers.ts'
import { refusal } from './errors.ts'

/** A seller must renew its authorization within a year ("Renew authorizations"), whatever the token does. Seconds. */
const AUTHORIZATION_LIFE = 365 * 86_400

type Options = {
  url: string
  send: Send
  budget: CallBudget
  clock: () => number
  /** In which region an authorization counts. Throws ChannelError. */
  findRegion: (app: App, sellerId: string, token: string, signal: AbortSignal) => Promise<string>
}

/** Consents and refreshes at Login with Amazon, which has one address for the whole world and takes the app's credentials in the form. */
export function createTokens({ url, send, budget, clock, findRegion }: Options): Pick<Channel, 'exchangeCode' | 'refresh'> {
  async function request(app: App, grant: Record<string, string>, what: string, signal: AbortSignal) {
    await budget.take('token')
    const form = new URLSearchParams({ ...grant, client_id: app.clientId, client_secret: app.clientSecret })
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' }
    const answer = await send({ what, method: 'POST', url, headers, body: form.toString(), limit: SMALL_ANSWER }, signal)
    if (answer.status !== 200) throw oauthRefusal(answer, { from: 'Amazon', what }) ?? refusal(answer, what, clock())
    return readAnswer(Tokens, answer, what)
  }

  return {
    async exchangeCode(app, { code, query }, signal): Promise<Grant[]> {
      const sellerId = query.get('selling_partner_id') ?? ''
      if (!/^[A-Za-z0-9]{1,100}$/.test(sellerId))
        throw new ChannelError('CHANNEL_REQUEST_REFUSED', 'The query of the consent names no selling_partner_id', {
          remedy: 'reauthorize',
        })
      const now = clock()
      const form = { grant_type: 'authorization_code', code, redirect_uri: app.redirectUri }
      const tokens = await request(app, form, 'the code exchange', signal)
      if (tokens.refresh_token === undefined)
        throw new ChannelError('CHANNEL_ANSWER_UNREADABLE', "Amazon's answer to the code exchange has no refresh token", {
          remedy: 'bug',
        })
      const grant = {
        sellerId,
        // Nothing that an app may read without further roles names the shop.
        sellerName: sellerId,
        region: await findRegion(app, sellerId, tokens.access_token, signal),
        refreshToken: tokens.refresh_token,
        refreshTokenExpiresIn: AUTHORIZATION_LIFE,
        refreshTokenExpiresTime: now + AUTHORIZATION_LIFE * 1000,
        access: accessToken(tokens, now),
      }
      return [grant]
    },
    async refresh(app, refreshToken, signal) {
      const now = clock()
      const form = { grant_type: 'refresh_token', refresh_token: refreshToken }
      const tokens = await request(app, form, 'the token refresh', signal)
      const access = accessToken(tokens, now)
      if (tokens.refresh_token === undefined || tokens.refresh_token === refreshToken) return { access }
      const ends = { expiresIn: AUTHORIZATION_LIFE, expiresTime: now + AUTHORIZATION_LIFE * 1000 }
      return { access, rotated: { refreshToken: tokens.refresh_token, ...ends } }
    },
  }
}

const accessToken = (tokens: Static<typeof Tokens>, now: number) => ({
  token: tokens.access_token,
  expiresTime: now + tokens.expires_in * 1000,
})
