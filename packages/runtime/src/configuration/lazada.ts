import type { LazadaConfiguration } from '../configuration.ts'
import type { FileContent } from './schema.ts'

type Section = NonNullable<NonNullable<FileContent['qifu']>['eg']>['lazada']

/** One host for the consents of all countries, and one API a country (Lazada Open Platform, "Call API with HTTP requests"). */
const DEFAULTS = {
  authorizeUrl: 'https://auth.lazada.com/oauth/authorize',
  authUrl: 'https://auth.lazada.com/rest',
  apiUrls: {
    sg: 'https://api.lazada.sg/rest',
    my: 'https://api.lazada.com.my/rest',
    th: 'https://api.lazada.co.th/rest',
    ph: 'https://api.lazada.com.ph/rest',
    vn: 'https://api.lazada.vn/rest',
    id: 'https://api.lazada.co.id/rest',
  },
}

/** The Lazada channel's addresses; undefined, which leaves it closed, when its section is missing. */
export function lazadaConfiguration(section: Section): { lazada?: LazadaConfiguration } {
  if (!section) return {}
  const apiUrl = section['api-url']
  return {
    lazada: {
      authorizeUrl: section['authorize-url'] ?? DEFAULTS.authorizeUrl,
      authUrl: section['auth-url'] ?? DEFAULTS.authUrl,
      ...(apiUrl === undefined ? { apiUrls: DEFAULTS.apiUrls } : { apiUrls: {}, apiUrl }),
    },
  }
}
