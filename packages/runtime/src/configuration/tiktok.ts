import type { TiktokConfiguration } from '../configuration.ts'
import type { FileContent } from './schema.ts'

type Section = NonNullable<NonNullable<FileContent['qifu']>['eg']>['tiktok']

/** Hosts as Partner Center names them; the consent page of the United States is another (docs/configuration.md). */
const DEFAULTS = {
  authorizeUrl: 'https://services.tiktokshop.com/open/authorize',
  authUrl: 'https://auth.tiktok-shops.com',
  apiUrl: 'https://open-api.tiktokglobalshop.com',
}

/** The TikTok Shop channel's addresses; undefined, which leaves it closed, when its section is missing. */
export function tiktokConfiguration(section: Section): { tiktok?: TiktokConfiguration } {
  if (!section) return {}
  return {
    tiktok: {
      authorizeUrl: section['authorize-url'] ?? DEFAULTS.authorizeUrl,
      authUrl: section['auth-url'] ?? DEFAULTS.authUrl,
      apiUrl: section['api-url'] ?? DEFAULTS.apiUrl,
    },
  }
}
