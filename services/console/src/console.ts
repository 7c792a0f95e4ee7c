import type { Connection } from '@tributary/database'
import { createRouter, Problem, type Route, type Service } from '@tributary/runtime'
import { Ajv, type ValidateFunction } from 'ajv'
import express, { type RequestHandler, type Router } from 'express'
import { scopesOfKey } from './api-keys.ts'
import { openApiDocument } from './openapi.ts'
import { OPERATIONS, type Operation } from './operations.ts'

/** What the console uses of the platform. */
export type ConsoleContext = { database: Connection }

/**
 * The HTTP API for a company's own systems. Every address needs a living API key with the scope `read`, so without any
 * key it is closed. The router belongs into the HTTP server of the process.
 */
export function createConsole({ database }: ConsoleContext): Service & { readonly router: Router } {
  const router = express.Router({ caseSensitive: true, strict: true })
  router.use(['/v1', '/v3'], guard(database))
  router.use(createRouter([...OPERATIONS.map((operation) => routeOf(database, operation)), documentRoute()]))
  return {
    name: 'console',
    router,
    start: async () => {},
    health: async () => ({ name: 'console', status: 'ok' }),
    stop: async () => {},
  }
}

function guard(database: Connection): RequestHandler {
  return async (request, _response, next) => {
    const [, key] = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(request.headers.authorization ?? '') ?? []
    const scopes = key === undefined ? undefined : await scopesOfKey(database, key)
    if (!scopes) {
      const headers = { 'WWW-Authenticate': 'Bearer realm="tributary"' }
      throw new Problem(401, 'TOKEN_INVALID', 'Send a living API key: Authorization: Bearer …', { headers })
    }
    if (!scopes.has('read')) throw new Problem(403, 'SCOPE_MISSING', 'This API key has not the scope read.')
    next()
  }
}

function routeOf(database: Connection, operation: Operation): Route {
  const ajv = new Ajv({ strict: true })
  const [parameters, query, answer] = [operation.parameters, operation.query, operation.answer].map((schema) =>
    ajv.compile(schema),
  ) as [ValidateFunction, ValidateFunction, ValidateFunction]
  return {
    path: operation.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    async get(request, response) {
      const [path, search] = [{ ...request.params }, { ...request.query }]
      check(parameters, path, 'path')
      check(query, search, 'query')
      const body = await operation.run(database, path, search)
      if (!answer(body)) throw new Error(`An answer of ${operation.path} is not as described: ${ajv.errorsText(answer.errors)}`)
      response.json(body)
    },
  }
}

function check(validate: ValidateFunction, value: unknown, place: 'path' | 'query'): void {
  if (validate(value)) return
  const [error] = validate.errors ?? []
  const name = error?.params['additionalProperty'] ?? error?.instancePath.slice(1)
  throw new Problem(400, 'PARAMETER_INVALID', `In the ${place}, '${name}' ${error?.message ?? 'is not as described'}.`)
}

function documentRoute(): Route {
  const document = openApiDocument(OPERATIONS)
  return { path: '/v3/api-docs', get: (_request, response) => void response.json(document) }
}
