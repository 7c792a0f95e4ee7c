import { randomUUID } from 'node:crypto'
import type { Request, RequestHandler, Response } from 'express'
import type { Logger } from '../logger.ts'
import { histogram } from '../metrics/instruments.ts'
import { inSpan } from '../telemetry.ts'

const durations = histogram({
  name: 'http_server_request_duration_seconds',
  help: 'How long requests took, by route as it is declared; a status of 0 means that the other side broke off.',
  labels: ['http_request_method', 'http_route', 'http_response_status_code'],
})

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'])

/** Paths that machines ask every few seconds; their lines are for those who look closely. */
const QUIET: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics'])

/** The id under which a request stands in the log and in the answer. */
export const requestIdOf = (response: Response): string => String(response.getHeader('X-Request-Id'))

/**
 * Gives each request an id, a span and a line in the log. Only the path is written down: queries carry codes and states.
 * The caller's own trace is not continued: anyone may call, and would choose our trace ids and their sampling.
 */
export function recordRequests(logger: Logger): RequestHandler {
  return (request, response, next) => {
    const started = performance.now()
    const { method, path } = request
    response.setHeader('X-Request-Id', randomUUID())
    const attributes = { 'http.request.method': method, 'url.path': path }
    void inSpan(`HTTP ${method}`, { kind: 'server', attributes }, async (span) => {
      const closed = new Promise<void>((resolve) => response.once('close', resolve))
      next()
      await closed
      const status = response.writableFinished ? response.statusCode : undefined
      span.note('http.response.status_code', status ?? 0)
      const elapsed = performance.now() - started
      durations.record(elapsed / 1_000, {
        http_request_method: METHODS.has(method) ? method : '_OTHER',
        http_route: routeOf(request),
        http_response_status_code: status ?? 0,
      })
      const milliseconds = Math.round(elapsed * 10) / 10
      const line = { requestId: requestIdOf(response), method, path, status, milliseconds }
      const level = QUIET.has(path) ? 'debug' : 'info'
      logger[level](line, status === undefined ? 'request broken off' : 'request')
    })
  }
}

/** The path as its route declares it, never as it was asked for: anyone may ask for anything. */
function routeOf(request: Request): string {
  const { route } = request as { route?: { path?: unknown } }
  return typeof route?.path === 'string' ? route.path : 'none'
}
