import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose'
import { SCOPES } from './api-keys.ts'

/** The issuer of a company's logins, and the audience that names us in its tokens. */
export type Issuer = { issuer: string; audience: string; jwksUri?: string }

/** `refused` is the caller's fault, `unavailable` the issuer's. */
export type TokenVerdict =
  | { kind: 'verified'; subject: string; scopes: ReadonlySet<string> }
  | { kind: 'refused'; code: 'TOKEN_INVALID' | 'TOKEN_EXPIRED'; detail: string }
  | { kind: 'unavailable' }

/** Signatures that need no secret of ours: a symmetric one would make every receiver of tokens an issuer. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']
/** Clocks may differ by this many seconds. */
const CLOCK_TOLERANCE = 30
/** Milliseconds for a request to the issuer. */
const TIMEOUT = 5_000
/** In a token the scopes bear our name, because it may name those of other services too. */
const SCOPE_PREFIX = 'tributary:'

/**
 * Verifies JWTs of an OpenID Connect issuer (OpenID Connect Core 1.0, RFC 7519): signature by a key of its JWKS, which is kept
 * and looked up anew for a key that is not known, issuer, audience, and times. The scopes stand in `scope` or `scp`.
 */
export function createTokenVerifier({ issuer, audience, jwksUri }: Issuer): (token: string) => Promise<TokenVerdict> {
  let keys: Promise<ReturnType<typeof createRemoteJWKSet>> | undefined

  async function findKeys() {
    keys ??= (async () => createRemoteJWKSet(new URL(jwksUri ?? (await discover(issuer))), { timeoutDuration: TIMEOUT }))()
    try {
      return await keys
    } catch (error) {
      keys = undefined
      throw error
    }
  }

  return async (token) => {
    try {
      const options = { issuer, audience, algorithms: ALGORITHMS, clockTolerance: CLOCK_TOLERANCE }
      const { payload } = await jwtVerify(token, await findKeys(), { ...options, requiredClaims: ['exp', 'sub'] })
      return { kind: 'verified', subject: payload.sub ?? '', scopes: scopesIn(payload) }
    } catch (error) {
      return verdictOn(error)
    }
  }
}

/** Where the issuer's keys are (OpenID Connect Discovery 1.0 §4). */
async function discover(issuer: string): Promise<string> {
  const answer = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT),
  })
  const document = (await answer.json()) as { issuer?: unknown; jwks_uri?: unknown }
  if (!answer.ok || document.issuer !== issuer || typeof document.jwks_uri !== 'string')
    throw new errors.JWKSInvalid('The discovery document names another issuer, or no keys')
  return document.jwks_uri
}

function scopesIn({ scope, scp }: JWTPayload): ReadonlySet<string> {
  const named = typeof scope === 'string' ? scope.split(' ') : Array.isArray(scp) ? scp : []
  const known = new Set<string>(SCOPES.map((one) => `${SCOPE_PREFIX}${one}`))
  return new Set(named.filter((one) => known.has(one)).map((one: string) => one.slice(SCOPE_PREFIX.length)))
}

function verdictOn(error: unknown): TokenVerdict {
  if (error instanceof errors.JWTExpired)
    return { kind: 'refused', code: 'TOKEN_EXPIRED', detail: 'The token has expired. Get another from its issuer.' }
  const isOurs =
    error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid)
  if (isOurs && error.code !== 'ERR_JOSE_GENERIC')
    return { kind: 'refused', code: 'TOKEN_INVALID', detail: `The token was not accepted (${error.code}).` }
  return { kind: 'unavailable' }
}
