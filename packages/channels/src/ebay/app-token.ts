import { type AccessToken, type App, ChannelError } from '../port.ts'
import { createSingleFlight } from '../single-flight.ts'
import { AppToken } from './answers.ts'
import type { RequestTokens } from './token-endpoint.ts'

/** The scope of calls that no seller stands behind (Commerce Notification API, getPublicKey); the same in the sandbox. */
const APP_SCOPE = 'https://api.ebay.com/oauth/api_scope'

/** A token this close to its end counts as over: a request takes time, too. */
const MARGIN = 60_000

/** The app's own token. `discard` makes the next `token` another one, for when eBay refused this one. */
export type AppTokens = { token(signal: AbortSignal): Promise<string>; discard(token: string): void }

/**
 * Client-credentials tokens, kept for their life: eBay allows 1,000 of these grants a day and app
 * (developer.ebay.com, "OAuth rate limits"). A changed client id or secret asks for a new one at once.
 */
export function createAppTokens(options: {
  app: () => Promise<App>
  requestTokens: RequestTokens
  clock: () => number
}): AppTokens {
  const singleFlight = createSingleFlight<AccessToken>()
  let kept: (AccessToken & { owner: string }) | undefined

  async function request(app: App, owner: string): Promise<AccessToken> {
    const form = { grant_type: 'client_credentials', scope: APP_SCOPE }
    const now = options.clock()
    const grant = { what: 'the app token', form, schema: AppToken }
    const tokens = await options.requestTokens(app, grant, new AbortController().signal)
    kept = { token: tokens.access_token, expiresTime: now + tokens.expires_in * 1000, owner }
    return kept
  }

  return {
    async token(signal) {
      const app = await options.app().catch(appUnreadable)
      const owner = `${app.clientId}:${app.clientSecret}`
      if (kept?.owner === owner && options.clock() < kept.expiresTime - MARGIN) return kept.token
      return (await singleFlight(owner, signal, () => request(app, owner))).token
    },
    discard(token) {
      if (kept?.token === token) kept = undefined
    },
  }
}

function appUnreadable(cause: unknown): never {
  throw new ChannelError('CHANNEL_UNAVAILABLE', 'The eBay app could not be read from eg_order_app', { remedy: 'retry', cause })
}
