import type { AccessToken, Grant } from './port.ts'

/**
 * Whether nothing of a grant can be refreshed: then the access token that came with the consent is the only one there is, and both end
 * together (Lazada, `refresh_expires_in` of 0).
 */
export const endsWithItsToken = ({ access, refreshTokenExpiresTime: end }: Grant): boolean =>
  end > 0 && end <= access.expiresTime

/** Where the vault's settings hold such a token until order-sync takes it up; `grantId` is the id of the event that carries the grant. */
export const consentTokenName = (grantId: string): string => `consent-token/${grantId}`

export const consentTokenText = ({ token, expiresTime }: AccessToken): string => JSON.stringify({ token, expiresTime })

/** Reads what `consentTokenText` wrote. */
export const consentTokenIn = (text: string): AccessToken => JSON.parse(text) as AccessToken
