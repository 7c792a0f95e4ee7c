import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type ErrorRequestHandler, type RequestHandler, type Router } from 'express'
import type { Logger } from '../logger.ts'
import { Problem } from '../problem.ts'
import type { Service } from '../service.ts'
import { answerProblem, problemOf } from './answer-problem.ts'
import { closeGracefully } from './closing.ts'
import { healthRoutes } from './health-routes.ts'
import { recordRequests, requestIdOf } from './request-record.ts'

/** Milliseconds. `headers` and `request` bound how slowly a request may arrive, `closing` how long a stop may take. */
export type HttpTimeouts = { headers: number; request: number; closing: number }
const DEFAULT_TIMEOUTS: HttpTimeouts = { headers: 5_000, request: 10_000, closing: 3_000 }

/** Longer than the minute that load balancers keep idle connections, so that they close them, not we under a request. */
const KEEP_ALIVE = 65_000

export type HttpServer = Service & {
  /** `http://host:port` as it listens; with port 0 only known after the start. */
  readonly url: string
}

/**
 * One HTTP server for a process. Closed by default: only `/healthz`, `/readyz` and what the routers hold exist. Errors
 * become problem details without insides. `stop` lets requests in hand finish, within `timeouts.closing`.
 */
export function createHttpServer(options: {
  /** For health and messages, `http` unless there are several. */
  name?: string
  host: string
  port: number
  /** Networks and addresses of those whose `X-Forwarded-…` says who calls; everybody else's is not looked at. */
  trustedProxies?: readonly string[]
  logger: Logger
  routers: readonly Router[]
  /** The services whose health `/healthz` tells. */
  health: readonly Service[]
  timeouts?: Partial<HttpTimeouts>
}): HttpServer {
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts }
  const { name = 'http' } = options
  let taking = false
  const application = createApplication(options, () => taking)
  const server = createServer(
    {
      headersTimeout: timeouts.headers,
      requestTimeout: timeouts.request,
      keepAliveTimeout: KEEP_ALIVE,
      // Node looks for requests that are late only so often; its default of 30 s would make the bounds above a fiction.
      connectionsCheckingInterval: Math.min(1_000, timeouts.headers),
    },
    application,
  )
  const close = closeGracefully(server)
  return {
    name,
    get url() {
      return urlOf(server, options)
    },
    async start() {
      await listen(server, options)
      taking = true
    },
    async health() {
      return { name, status: server.listening ? 'ok' : 'down' }
    },
    async stop() {
      taking = false
      await close(timeouts.closing)
    },
  }
}

function createApplication(
  options: { trustedProxies?: readonly string[]; logger: Logger; routers: readonly Router[]; health: readonly Service[] },
  ready: () => boolean,
): express.Express {
  const application = express()
  application.disable('x-powered-by')
  application.disable('etag')
  application.set('trust proxy', [...(options.trustedProxies ?? [])])
  application.set('query parser', 'simple')
  application.use(recordRequests(options.logger), secureHeaders)
  application.use(healthRoutes(options.health, ready, options.logger), ...options.routers)
  application.use(() => {
    throw new Problem(404, 'NOT_FOUND', 'There is nothing at this address.')
  })
  application.use(answerErrors(options.logger))
  return application
}

const secureHeaders: RequestHandler = (_request, response, next) => {
  response.set({
    'Cache-Control': 'no-store',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    // Browsers heed it only where a proxy of the company's serves us over TLS.
    'Strict-Transport-Security': 'max-age=31536000',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
  })
  next()
}

function answerErrors(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    const problem = problemOf(error)
    const requestId = requestIdOf(response)
    const line = { requestId, method: request.method, path: request.path, problem: problem.code }
    if (problem.status >= 500) logger.error({ ...line, err: problem.cause ?? problem }, 'request failed')
    else logger.debug(line, 'request refused')
    answerProblem(response, problem, requestId)
  }
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error & { code?: string }) => {
      const reason =
        error.code === 'EADDRINUSE' ? 'another process has it; choose another port or end that process' : error.message
      reject(new Error(`Cannot listen on ${host}:${port}: ${reason}.`, { cause: error }))
    }
    server.once('error', fail)
    server.listen(port, host, () => {
      server.off('error', fail)
      resolve()
    })
  })
}

function urlOf(server: Server, { host, port }: { host: string; port: number }): string {
  const address = server.address() as AddressInfo | null
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `http://${name}:${address?.port ?? port}`
}
