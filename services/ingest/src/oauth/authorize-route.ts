import { ChannelError } from '@tributary/channels'
import { type Database, listApps, listSpiServices } from '@tributary/database'
import type { Route } from '@tributary/runtime/http'
import { channelOf } from '../channel-of.ts'
import type { IngestContext } from '../context.ts'
import { ensureBrowserSecret } from './browser.ts'
import { forPeople, queryOf, queryText } from './for-people.ts'
import type { Page } from './page.ts'
import { createStates, STATE_LIFETIME } from './states.ts'

const ORDER_SYNC_SPI = 1
/** What `eg_order_app_seller.spi_server_codes` holds. */
const LONGEST_CODE_LIST = 255

/**
 * `/open/order/oauth/authorize/{channel}?app=<id>&spi=<code>,<code>&locale=<de-DE>`: sends a seller's browser to the
 * marketplace's consent page. `spi` names the receivers of its orders; without it they stay as they are.
 */
export function authorizeRoute(context: IngestContext): Route {
  const states = createStates(context.database)
  const secure = context.configuration.ebay?.notificationEndpoint?.startsWith('https:') ?? false
  return {
    path: '/open/order/oauth/authorize/:channel',
    get: forPeople(context.logger, async (request, response) => {
      const channel = channelOf(context.channels, request)
      const appId = queryText(request, 'app')
      const app = (await listApps(context.database, channel.number)).find(({ id }) => String(id) === appId)
      if (!app) return refusal('This link names no app that is registered here.')
      const spiCodes = queryText(request, 'spi')?.split(',') ?? null
      const problem = await spiProblem(context.database, spiCodes)
      if (problem) return refusal(problem)
      const browser = ensureBrowserSecret(request, response, { lifetime: STATE_LIFETIME, secure })
      const state = await states.create({ channel: channel.number, appId: app.id, spiCodes }, browser)
      const locale = queryText(request, 'locale')?.match(/^[a-z]{2,3}-[A-Z]{2}$/)?.[0]
      const query = queryOf(request)
      try {
        response.redirect(302, channel.authorizeUrl(app, { state, query, ...(locale === undefined ? {} : { locale }) }))
        return undefined
      } catch (error) {
        if (error instanceof ChannelError) return refusal('This link does not lead back to the marketplace.')
        throw error
      }
    }),
  }
}

async function spiProblem(database: Database, codes: readonly string[] | null): Promise<string | undefined> {
  if (!codes) return undefined
  if (codes.join(',').length > LONGEST_CODE_LIST) return 'This link names too many services.'
  const known = new Set((await listSpiServices(database, ORDER_SYNC_SPI)).map(({ serverCode }) => serverCode))
  return codes.every((code) => known.has(code)) ? undefined : 'This link names a service that is not registered here.'
}

const refusal = (reason: string): Page => ({
  status: 400,
  title: 'This link does not work',
  text: [reason, 'Ask whoever gave you the link for a new one. Nothing was stored.'],
})
