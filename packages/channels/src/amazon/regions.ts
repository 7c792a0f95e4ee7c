/** SP-API's three endpoints ("SP-API endpoints"). An authorization counts at one of them only. */
export const REGIONS = ['na', 'eu', 'fe'] as const

/**
 * Seller Central's hosts by the country of a locale, which offers a seller the page of its own account. Only the first of each region is
 * named in Amazon's authorization guide; an operator may name any other (qifu.eg.amazon.authorize-url).
 */
const EUROPE = 'sellercentral-europe.amazon.com'
const AMERICA = 'sellercentral.amazon.com'
const CONSENT_HOSTS: ReadonlyMap<string, string> = new Map([
  ...['US', 'CA', 'MX', 'BR'].map((country): [string, string] => [country, AMERICA]),
  ...'GB DE FR IT ES NL SE PL BE IE TR AE SA EG IN ZA'.split(' ').map((country): [string, string] => [country, EUROPE]),
  ['JP', 'sellercentral.amazon.co.jp'],
  ['AU', 'sellercentral.amazon.com.au'],
  ['SG', 'sellercentral.amazon.sg'],
])

/** The consent page for a locale such as `de-DE`; that of North America where the locale names no country of Amazon's. */
export function consentPage(locale: string | undefined): string {
  const country = locale?.split('-')[1] ?? ''
  return `https://${CONSENT_HOSTS.get(country) ?? AMERICA}/apps/authorize/consent`
}
