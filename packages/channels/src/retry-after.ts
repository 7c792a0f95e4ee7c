const LONGEST_WAIT = 24 * 3_600_000

/**
 * Milliseconds from a `Retry-After` in seconds or as a date (RFC 9110 §10.2.3), at most a day: the longest quota
 * window that we know. Nobody promises the header with a 429, so undefined is normal.
 */
export function retryAfter(headers: Headers, now: number): number | undefined {
  const value = headers.get('retry-after')?.trim()
  if (!value) return undefined
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), LONGEST_WAIT)
}
