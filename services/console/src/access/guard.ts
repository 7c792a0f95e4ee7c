import { hash } from 'node:crypto'
import type { Connection } from '@tributary/database'
import { Problem } from '@tributary/runtime'
import type { RequestHandler, Response } from 'express'
import { rateLimit } from 'express-rate-limit'
import { findApiKey } from './api-keys.ts'
import { createFailedLogins } from './failed-logins.ts'
import { createTokenVerifier, type Issuer } from './issued-tokens.ts'

/** Who calls, and what they may do. `id` goes into the audit: `key:…` or `login:…`. */
export type Caller = { id: string; scopes: ReadonlySet<string> }

export type AccessOptions = {
  issuer?: Issuer
  /** Requests a minute of one caller, in this process. */
  requestsPerMinute: number
  /** Descriptions of the API (under `/v3`) whose path starts with one of these need no login. Nothing else is ever open. */
  externalUrls: readonly string[]
}

/** Three parts of base64url with dots between; API keys have no dot. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/
/** A minute, of one address in this process. */
const MOST_FAILED = 30
const NOBODY: Caller = { id: 'nobody', scopes: new Set() }

/** The caller of a request that the guard let through. */
export const callerOf = (response: Response): Caller => (response.locals['caller'] as Caller | undefined) ?? NOBODY

/**
 * Lets a request through whose bearer token is a living API key or a token of the issuer, or whose path is external, and
 * holds each caller to its rate, and each address to a number of tokens that are wrong. Throws Problem 401, 403, 429 or 503.
 */
export function createGuard(database: Connection, options: AccessOptions): RequestHandler[] {
  const verify = options.issuer && createTokenVerifier(options.issuer)
  const isExternal = (path: string) => path.startsWith('/v3/') && options.externalUrls.some((start) => path.startsWith(start))

  const logins = createFailedLogins({ most: MOST_FAILED, window: 60_000 })

  async function authenticate(token: string): Promise<Caller> {
    if (verify && JWT.test(token)) {
      const verdict = await verify(token)
      if (verdict.kind === 'verified') return { id: `login:${verdict.subject}`, scopes: verdict.scopes }
      if (verdict.kind === 'unavailable')
        throw new Problem(503, 'ISSUER_UNAVAILABLE', 'The keys of the issuer of this token cannot be read now. Try again.')
      throw unauthorized(verdict.code, verdict.detail)
    }
    const key = await findApiKey(database, token)
    if (!key) throw unauthorized('TOKEN_INVALID', 'Send a living API key or token: Authorization: Bearer …')
    return { id: `key:${key.id}`, scopes: key.scopes }
  }

  /** `authenticate`, unless too many tokens from this address were wrong. */
  async function identify(token: string, address: string): Promise<Caller> {
    const digest = hash('sha256', token)
    const wait = logins.waitOf(address, digest)
    if (wait > 0) throw tooManyFailed(wait)
    try {
      const caller = await authenticate(token)
      logins.succeeded(digest)
      return caller
    } catch (error) {
      if (error instanceof Problem && error.status === 401) logins.failed(address)
      throw error
    }
  }

  const letIn: RequestHandler = async (request, response, next) => {
    const { authorization } = request.headers
    if (authorization === undefined && isExternal(request.baseUrl + request.path)) return next()
    const [, token] = /^Bearer ([\x21-\x7e]{1,8192})$/i.exec(authorization ?? '') ?? []
    if (token === undefined) throw unauthorized('TOKEN_INVALID', 'Send a living API key or token: Authorization: Bearer …')
    response.locals['caller'] = await identify(token, request.ip ?? '')
    next()
  }

  const limit = rateLimit({
    windowMs: 60_000,
    limit: options.requestsPerMinute,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    keyGenerator: (_request, response) => callerOf(response).id,
    handler: (_request, _response, next) =>
      next(
        new Problem(
          429,
          'RATE_LIMITED',
          `More than ${options.requestsPerMinute} requests in a minute. Wait as Retry-After says.`,
        ),
      ),
  })
  return [letIn, limit]
}

const tooManyFailed = (wait: number): Problem =>
  new Problem(
    429,
    'RATE_LIMITED',
    `More than ${MOST_FAILED} wrong tokens in a minute from one address. Wait as Retry-After says.`,
    {
      headers: { 'Retry-After': String(Math.ceil(wait / 1_000)) },
    },
  )

function unauthorized(code: string, detail: string): Problem {
  return new Problem(401, code, detail, { headers: { 'WWW-Authenticate': 'Bearer realm="tributary"' } })
}
