import { randomUUID } from 'node:crypto'
import type { Request, RequestHandler, Response } from 'express'
import type { Logger } from '../logger.ts'
import { histogram } from '../metrics/instruments.ts'
import { inSpan, type SpanNotes } from '../telemetry.ts'

const durations = histogram({
  name: 'http_server_request_duration_seconds',
  help: 'How long requests took, by route as it is declared; a status of 0 means that the other side broke off.',
  labels: ['http_request_method', 'http_route', 'http_response_status_code'],
})

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'])

/** Where a request went that no route knows. */
const NO_ROUTE = 'none'

/** Paths that machines ask every few seconds; their lines are for those who look closely. */
const QUIET: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics'])

/** The id under which a request stands in the log and in the answer. */
export const requestIdOf = (response: Response): string => String(response.getHeader('X-Request-Id'))

/**
 * Gives each request an id, a span and a line in the log. Only the path is written down: queries carry codes and states.
 * The caller's own trace is not continued: anyone may call, and would choose our trace ids and their sampling. What
 * machines ask every few seconds has no span.
 */
export function recordRequests(logger: Logger): RequestHandler {
  return (request, response, next) => {
    const started = performance.now()
    const { path } = request
    const method = METHODS.has(request.method) ? request.method : '_OTHER'
    response.setHeader('X-Request-Id', randomUUID())
    const answer = async (): Promise<Answered> => {
      const closed = new Promise<void>((resolve) => response.once('close', resolve))
      next()
      await closed
      const answered = { method, route: routeOf(request), status: response.writableFinished ? response.statusCode : undefined }
      const elapsed = performance.now() - started
      measure(answered, elapsed)
      const { status } = answered
      const line = { requestId: requestIdOf(response), method: request.method, path, status, milliseconds: rounded(elapsed) }
      logger[QUIET.has(path) ? 'debug' : 'info'](line, status === undefined ? 'request broken off' : 'request')
      return answered
    }
    if (QUIET.has(path)) return void answer()
    const attributes = { 'http.request.method': method, 'url.path': path, 'url.scheme': request.protocol }
    const name = method === '_OTHER' ? 'HTTP' : method
    void inSpan(name, { kind: 'server', attributes, root: true }, async (span) => describe(span, await answer()))
  }
}

/** A status of undefined: the other side broke off. */
type Answered = { method: string; route: string; status: number | undefined }

function measure({ method, route, status }: Answered, elapsed: number): void {
  const labels = { http_request_method: method, http_route: route, http_response_status_code: status ?? 0 }
  durations.record(elapsed / 1_000, labels)
}

/** Completes a span as OpenTelemetry's conventions for HTTP want it: what a sender got wrong is no failure of ours. */
function describe(span: SpanNotes, { method, route, status }: Answered): void {
  if (route !== NO_ROUTE) {
    span.note('http.route', route)
    span.rename(`${method} ${route}`)
  }
  if (status !== undefined) span.note('http.response.status_code', status)
  if (status === undefined || status >= 500) span.fail(status === undefined ? 'broken_off' : String(status))
}

const rounded = (milliseconds: number): number => Math.round(milliseconds * 10) / 10

/** The path as its route declares it, never as it was asked for: anyone may ask for anything. */
function routeOf(request: Request): string {
  const { route } = request as { route?: { path?: unknown } }
  return typeof route?.path === 'string' ? route.path : NO_ROUTE
}
