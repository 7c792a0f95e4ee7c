import { createHmac } from 'node:crypto'

/**
 * The `sign` of a request (Lazada Open Platform, "Signature algorithm"): the path without `/rest`, then every parameter but
 * `sign` that is not empty, sorted by name and joined without separators, values not yet encoded for a URL; upper-case hex
 * HMAC-SHA256. The access token is among the parameters.
 */
export function signRequest(secret: string, path: string, parameters: Readonly<Record<string, string>>): string {
  const text = Object.entries(parameters)
    .filter(([name, value]) => name !== 'sign' && value !== '')
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flat()
    .join('')
  return createHmac('sha256', secret).update(path).update(text).digest('hex').toUpperCase()
}
