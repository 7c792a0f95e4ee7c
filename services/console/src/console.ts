import type { Service } from '@tributary/runtime'
import { createRouter } from '@tributary/runtime/http'
import express, { type Router } from 'express'
import { createGuard } from './access/guard.ts'
import type { ConsoleContext } from './operation.ts'
import { OPERATIONS } from './operations/index.ts'
import { referenceRouter } from './reference/reference-router.ts'
import { routesOf } from './routes.ts'

/**
 * The HTTP API for a company's own systems. Every address needs an API key or a token of the configured issuer, so without
 * either it is closed. The router belongs into the HTTP server of the process.
 */
export function createConsole(context: ConsoleContext): Service & { readonly router: Router } {
  const { requestsPerMinute, issuer, externalUrls } = context.configuration.console
  const router = express.Router({ caseSensitive: true, strict: true })
  router.use(
    ['/v1', '/v3'],
    ...createGuard(context.database, { requestsPerMinute, externalUrls, ...(issuer ? { issuer } : {}) }),
  )
  router.use(createRouter(routesOf(context, OPERATIONS)), referenceRouter(OPERATIONS))
  return {
    name: 'console',
    router,
    start: async () => {},
    health: async () => ({ name: 'console', status: 'ok' }),
    stop: async () => {},
  }
}
