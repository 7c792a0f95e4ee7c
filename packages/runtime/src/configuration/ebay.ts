import type { EbayConfiguration } from '../configuration.ts'
import type { ConfigurationProblem } from './error.ts'
import type { FileContent } from './schema.ts'

type Profile = 'sandbox' | 'production'
type EbaySection = NonNullable<NonNullable<NonNullable<FileContent['qifu']>['eg']>['ebay']>

/** Hosts as eBay's OAuth, Fulfillment, Notification and Identity documentation names them. */
const hosts = {
  sandbox: {
    auth: 'https://auth.sandbox.ebay.com',
    api: 'https://api.sandbox.ebay.com',
    apiz: 'https://apiz.sandbox.ebay.com',
  },
  production: { auth: 'https://auth.ebay.com', api: 'https://api.ebay.com', apiz: 'https://apiz.ebay.com' },
} as const

const defaults = (profile: Profile) => {
  const { auth, api, apiz } = hosts[profile]
  return {
    'authorize-url': `${auth}/oauth2/authorize`,
    'token-url': `${api}/identity/v1/oauth2/token`,
    'order-url': `${api}/sell/fulfillment/v1/order`,
    'shipping-fulfillment-url': `${api}/sell/fulfillment/v1/order/{orderId}/shipping_fulfillment`,
    'public-key-url': `${api}/commerce/notification/v1/public_key/{kid}`,
    'user-url': `${apiz}/commerce/identity/v1/user/`,
  }
}

const addressKeys = Object.keys(defaults('sandbox')) as (keyof ReturnType<typeof defaults>)[]

/**
 * The eBay channel's configuration: what the file says, else what the profile says. A file from before there were
 * profiles is read by the host of its token address. Undefined when neither the channel nor a profile is named.
 */
export function ebayConfiguration(
  section: EbaySection | undefined,
  profile: Profile | undefined,
): { ebay?: EbayConfiguration; problems: ConfigurationProblem[] } {
  if (!section && !profile) return { problems: [] }
  const given = section ?? {}
  const known = profile ?? profileOf(given['token-url'])
  const urls = { ...(known ? defaults(known) : {}), ...given }
  const problems = [
    ...missingAddresses(urls),
    ...(profile === 'production' ? sandboxAddresses(urls) : []),
    ...halfChallenge(given),
  ]
  if (problems.length > 0) return { problems }
  const token = given['challenge-verification-token']
  const endpoint = given['notification-endpoint']
  return {
    problems,
    ebay: {
      authorizeUrl: urls['authorize-url'] ?? '',
      tokenUrl: urls['token-url'] ?? '',
      orderUrl: urls['order-url'] ?? '',
      shippingFulfillmentUrl: urls['shipping-fulfillment-url'] ?? '',
      publicKeyUrl: urls['public-key-url'] ?? '',
      userUrl: urls['user-url'] ?? '',
      ...(token === undefined ? {} : { challengeVerificationToken: token }),
      ...(endpoint === undefined ? {} : { notificationEndpoint: endpoint }),
    },
  }
}

function profileOf(tokenUrl: string | undefined): Profile | undefined {
  const host = tokenUrl && URL.canParse(tokenUrl) ? new URL(tokenUrl).hostname : ''
  if (host.endsWith('.sandbox.ebay.com')) return 'sandbox'
  return host.endsWith('.ebay.com') ? 'production' : undefined
}

function missingAddresses(urls: EbaySection): ConfigurationProblem[] {
  return addressKeys
    .filter((key) => urls[key] === undefined)
    .map((key) => ({
      key: `qifu.eg.ebay.${key}`,
      expected: 'an https address',
      found: 'nothing',
      fix: 'Write it, or set tributary.profile to sandbox or production.',
    }))
}

function sandboxAddresses(urls: EbaySection): ConfigurationProblem[] {
  return addressKeys
    .filter((key) => urls[key]?.includes('.sandbox.ebay.com'))
    .map((key) => ({
      key: `qifu.eg.ebay.${key}`,
      expected: 'a production address, as tributary.profile says',
      found: "an address of eBay's sandbox",
      fix: 'Remove the line, or set tributary.profile to sandbox.',
    }))
}

/** The answer to a challenge is made of both, so one without the other answers none. */
function halfChallenge(given: EbaySection): ConfigurationProblem[] {
  const pair = ['challenge-verification-token', 'notification-endpoint'] as const
  const missing = pair.filter((key) => given[key] === undefined)
  return missing.length !== 1
    ? []
    : missing.map((key) => ({
        key: `qifu.eg.ebay.${key}`,
        expected: `a value beside ${pair.find((other) => other !== key)}`,
        found: 'nothing',
        fix: "eBay's challenge is answered with both: write both, as they are registered, or neither.",
      }))
}
