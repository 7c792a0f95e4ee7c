import type { Request } from 'express'
import type { Access, Market } from './market.ts'
import { failure, type Reply } from './operations.ts'

/** Who calls, or how eBay refuses: 401 and 1001 for a dead token, 403 and 1100 for a missing scope. */
export function bearer(
  market: Market,
  request: Request,
  scope: string,
): ({ kind: 'granted' } & Access) | { kind: 'refused'; reply: Reply } {
  const access = market.accessOf((request.headers.authorization ?? '').replace(/^Bearer /, ''))
  if (!access) return { kind: 'refused', reply: failure(401, 1001, 'Invalid access token', { domain: 'OAuth' }) }
  if (!access.scopes.includes(scope))
    return { kind: 'refused', reply: failure(403, 1100, 'Access denied', { domain: 'ACCESS' }) }
  return { kind: 'granted', ...access }
}
