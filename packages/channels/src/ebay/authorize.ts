import type { App } from '../port.ts'

/**
 * The consent page for a seller's browser. `redirect_uri` is the app's RuName, not an address; `prompt=login` asks for a
 * fresh sign-in, because one operator connects several shops from one browser. Scopes are joined by `%20`, as eBay writes
 * them, not by the `+` of form encoding. Source: developer.ebay.com, "Getting user consent".
 */
export function authorizeUrl(base: string, app: App, options: { state: string; locale?: string }): string {
  const url = new URL(base)
  const parameters = {
    client_id: app.clientId,
    redirect_uri: app.redirectUri,
    response_type: 'code',
    scope: app.scopes.join(' '),
    state: options.state,
    prompt: 'login',
    ...(options.locale === undefined ? {} : { locale: options.locale }),
  }
  const query = Object.entries(parameters).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  url.search = [url.search.slice(1), ...query].filter((part) => part !== '').join('&')
  return url.href
}
