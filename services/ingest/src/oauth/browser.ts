import { randomBytes } from 'node:crypto'
import type { Request, Response } from 'express'

const COOKIE = 'tributary_browser'
const PATH = '/open/order/oauth'

/**
 * The secret that ties a consent to the browser that began it, from its cookie. Several consents begun in one browser
 * share it, so that one tab does not end another's.
 */
export function browserSecret(request: Request): string | undefined {
  const cookies = request.headers.cookie ?? ''
  return cookies.match(/(?:^|;\s*)tributary_browser=([\w-]{43})(?:;|$)/)?.[1]
}

/** Gives the browser its secret, or the one it has for another while. */
export function ensureBrowserSecret(
  request: Request,
  response: Response,
  options: { lifetime: number; secure: boolean },
): string {
  const secret = browserSecret(request) ?? randomBytes(32).toString('base64url')
  // Lax, not Strict: the way back from the marketplace is a link from another site.
  const attributes = { path: PATH, httpOnly: true, sameSite: 'lax', secure: options.secure, maxAge: options.lifetime } as const
  response.cookie(COOKIE, secret, attributes)
  return secret
}
