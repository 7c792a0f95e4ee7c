import { createHmac, timingSafeEqual } from 'node:crypto'
import type { App, Channel, Reception } from './port.ts'

/**
 * What TikTok Shop and Lazada write into the header `Authorization` of what they send ("Webhooks overview", "Lazada push
 * mechanism"): lower-case hex HMAC-SHA256, with the app's secret as key, over the app's key and the body as received.
 */
export function signBody({ key, secret }: { key: string; secret: string }, body: Buffer): string {
  return createHmac('sha256', secret).update(key).update(body).digest('hex')
}

/**
 * Reads with `readBody` what one of our apps signed. A wrong signature is answered with 401, which most likely ends its
 * delivery for good; so while an app is not known, or not with its secret, the answer is 503, which brings it again.
 */
export function createSignedReceive(options: {
  /** To people. */
  name: string
  apps: () => Promise<readonly App[]>
  readBody: (body: Buffer) => Reception
}): Channel['receive'] {
  const unavailable: Reception = {
    kind: 'unavailable',
    status: 503,
    code: 'SECRET_MISSING',
    detail: `An app of ${options.name} is not registered yet, or not with its secret. Send it again later`,
  }
  return async ({ headers, body }) => {
    const all = await options.apps()
    const registered = all.filter(({ clientSecret }) => clientSecret !== '')
    if (registered.length === 0) return unavailable
    const given = Buffer.from(headers['authorization'] ?? '')
    if (given.length === 0) return refused('SIGNATURE_MISSING', 'The header Authorization is missing')
    const expected = registered.map(({ clientId, clientSecret }) => signBody({ key: clientId, secret: clientSecret }, body))
    // Every app is compared, so that the time tells nothing about which one it was.
    const fits = expected.filter((one) => given.length === one.length && timingSafeEqual(given, Buffer.from(one)))
    if (fits.length > 0) return options.readBody(body)
    // It may be signed with the secret that is missing.
    return registered.length < all.length ? unavailable : refused('SIGNATURE_WRONG', 'The signature does not fit the body')
  }
}

function refused(code: string, detail: string): Reception {
  return { kind: 'refused', status: 401, code, detail }
}
