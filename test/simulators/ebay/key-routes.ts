import { Router } from 'express'
import { bearer } from './bearer.ts'
import type { Market } from './market.ts'
import { type createOperations, failure, json } from './operations.ts'
import type { SigningKeys } from './signing-keys.ts'

const APP_SCOPE = 'https://api.ebay.com/oauth/api_scope'

/** getPublicKey (eBay Commerce Notification API). */
export function keyRoutes(market: Market, keys: SigningKeys, operation: ReturnType<typeof createOperations>): Router {
  const router = Router()
  router.get(
    '/commerce/notification/v1/public_key/:kid',
    operation('getPublicKey', (request) => {
      const access = bearer(market, request, APP_SCOPE)
      if (access.kind === 'refused') return access.reply
      const key = keys.publicKey(String(request.params['kid']))
      return key ? json(200, key) : failure(404, 195001, 'The specified key id is invalid.', { domain: 'API_NOTIFICATION' })
    }),
  )
  return router
}
