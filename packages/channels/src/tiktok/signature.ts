import { createHmac } from 'node:crypto'

/**
 * The `sign` of a request (Partner Center, "Sign your API request"): the path, then every query parameter but `sign` and
 * `access_token` sorted by name and joined without separators, then the body byte for byte, all between two copies of the
 * secret, as lower-case hex HMAC-SHA256 with the secret as key. Values go in as they are, not encoded for a URL.
 */
export function signRequest(
  secret: string,
  { path, query, body }: { path: string; query: Readonly<Record<string, string>>; body: string },
): string {
  const signed = Object.entries(query)
    .filter(([name]) => name !== 'sign' && name !== 'access_token')
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flat()
  const text = [secret, path, ...signed, body, secret].join('')
  return createHmac('sha256', secret).update(text).digest('hex')
}
