import { type App, type Channel, ChannelError } from '../port.ts'
import { consentPage } from './regions.ts'

/** Where Amazon may have a browser sent back to: its own sites, by https, and there the page that ends an authorization. */
const AMAZON =
  /^(?:[a-z0-9-]+\.)?amazon\.(?:com|ca|com\.mx|com\.br|co\.uk|de|fr|it|es|nl|se|pl|com\.be|ie|com\.tr|ae|sa|eg|in|co\.za|co\.jp|com\.au|sg)$/
const CONFIRM_PATH = /^\/apps\/authorize\/confirm\//

/**
 * Both ways of an authorization ("Website authorization workflow", "Selling Partner Appstore authorization workflow"). From a link of
 * ours the seller goes to the consent page, which knows an app by its application id: `eg_order_app.developer_id` holds it for
 * this channel. In the appstore, and for each yearly renewal, Amazon begins it: it opens our address with its own callback and state,
 * and the browser must go back there with ours. `page` stands for the consent pages of all countries; `draft` is for an app that is not published.
 */
export function createAuthorizeUrl({ page, draft }: { page?: string; draft: boolean }): Channel['authorizeUrl'] {
  return (app, { state, locale, query }) => {
    const callback = query?.get('amazon_callback_uri') ?? null
    const isDraft = draft || query?.get('version') === 'beta'
    const url = callback === null ? new URL(page ?? consentPage(locale)) : appstoreUrl(app, callback, query, page)
    if (callback === null) url.searchParams.set('application_id', app.developerId)
    url.searchParams.set('state', state)
    if (isDraft) url.searchParams.set('version', 'beta')
    return url.href
  }
}

function appstoreUrl(app: App, callback: string, query: URLSearchParams | undefined, page: string | undefined): URL {
  const url = URL.canParse(callback) ? new URL(callback) : undefined
  const amazonState = query?.get('amazon_state') ?? ''
  if (!url || amazonState === '' || !isAmazons(url, page))
    throw new ChannelError(
      'CHANNEL_REQUEST_REFUSED',
      'The query holds an amazon_callback_uri that is none of Amazon, or no amazon_state',
      { remedy: 'bug' },
    )
  url.searchParams.set('redirect_uri', app.redirectUri)
  url.searchParams.set('amazon_state', amazonState)
  return url
}

/** Anybody can write a link with a callback of his own, which would be given our state: so only Amazon's pages are gone to. */
function isAmazons(url: URL, page: string | undefined): boolean {
  if (!CONFIRM_PATH.test(url.pathname) || url.username !== '' || url.password !== '') return false
  if (page !== undefined && url.origin === new URL(page).origin) return true
  return url.protocol === 'https:' && url.port === '' && AMAZON.test(url.hostname)
}
