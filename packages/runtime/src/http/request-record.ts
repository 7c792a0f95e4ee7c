import { randomUUID } from 'node:crypto'
import type { RequestHandler, Response } from 'express'
import type { Logger } from '../logger.ts'
import { inSpan } from '../telemetry.ts'

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
      const milliseconds = Math.round((performance.now() - started) * 10) / 10
      const line = { requestId: requestIdOf(response), method, path, status, milliseconds }
      const level = path === '/healthz' || path === '/readyz' ? 'debug' : 'info'
      logger[level](line, status === undefined ? 'request broken off' : 'request')
    })
  }
}
