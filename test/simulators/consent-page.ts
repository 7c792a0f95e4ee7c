import { Router } from 'express'
import type { SimulatedMarketplace } from './marketplace.ts'

/** What a shop has sold before somebody sees it, so that there is something to read. */
const FIRST_ORDERS = 3

/**
 * The page at which a marketplace asks a seller for consent, for a person with a browser: a new shop with some orders agrees,
 * and the browser goes back to the gateway. `path` is that of the authorize URL.
 */
export function consentPage(path: string, name: string, marketplace: () => SimulatedMarketplace): Router {
  const router = Router()
  router.get(path, (request, response) => {
    const query = request.originalUrl.split('?')[1] ?? ''
    const link = `${path}/agree?${query}`.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
    response.type('html').send(`<!doctype html><h1>Simulated ${name}</h1><p>A new shop: <a href="${link}">Agree</a></p>`)
  })
  router.get(`${path}/agree`, async (request, response) => {
    const simulated = marketplace()
    const { sellerId } = simulated.addSeller()
    for (let made = 0; made < FIRST_ORDERS; made++) {
      const { orderId } = simulated.addOrder(sellerId)
      // Polls come to what has just been sold only later.
      void simulated.notify(orderId, { attempts: 20, pause: 500 })
    }
    const authorizeUrl = `${simulated.origin}${path}?${request.originalUrl.split('?')[1] ?? ''}`
    response.redirect(302, await simulated.consent(authorizeUrl, sellerId))
  })
  return router
}
