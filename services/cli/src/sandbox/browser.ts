/** How many redirects a consent may take before something is wrong. */
const MOST_REDIRECTS = 10

/**
 * Opens an address as a seller's browser would: follows redirects and sends back the cookies of each host.
 * Answers the last page. Throws when it is not a 2xx.
 */
export async function visit(address: string, signal: AbortSignal): Promise<string> {
  const cookies = new Map<string, string>()
  let url = new URL(address)
  for (let step = 0; step < MOST_REDIRECTS; step++) {
    const cookie = cookies.get(url.host)
    const response = await fetch(url, { redirect: 'manual', signal, headers: cookie ? { cookie } : {} })
    const set = response.headers.getSetCookie().map((line) => line.split(';', 1)[0])
    if (set.length > 0) cookies.set(url.host, set.join('; '))
    const location = response.headers.get('location')
    if (!location) {
      const page = await response.text()
      if (!response.ok) throw new Error(`${url.origin}${url.pathname} answered ${response.status}: ${page.slice(0, 200)}`)
      return page
    }
    await response.body?.cancel()
    url = new URL(location, url)
  }
  throw new Error(`More than ${MOST_REDIRECTS} redirects from ${new URL(address).origin}`)
}
