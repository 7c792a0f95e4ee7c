import { hash } from 'node:crypto'

type Suite = { customer: string; suiteId: string }
type Corp = Suite & { corpId: string }

/** What the column of names holds. */
const LONGEST = 255
/** A code is named by its SHA-256 in base64url. */
const CODE = 43

/**
 * Parts are percent-encoded, so that `:` separates only. A customer's name takes up to nine characters for each of its own then: where that
 * is too long, a digest stands for it, marked by a character that no part can have.
 */
function join(kind: string, customer: string, ...parts: string[]): string {
  const named = (who: string) => ['wework', kind, who, ...parts.map(encodeURIComponent)].join(':')
  const whole = named(encodeURIComponent(customer))
  return whole.length <= LONGEST ? whole : named(`=${hash('sha256', customer, 'base64url')}`)
}

/** Where the vault's settings hold the newest ticket of a suite. */
export const suiteTicketName = ({ customer, suiteId }: Suite): string => join('ticket', customer, suiteId)

/** Where they note which ticket was looked at last, to tell a silence by. */
export const ticketGapName = ({ customer, suiteId }: Suite): string => join('ticket-seen', customer, suiteId)

/** Where they hold authorization codes that wait to be exchanged; `code` is a hash of it. */
export const authorizationCodeName = ({ customer, suiteId }: Suite, code: string): string =>
  join('code', customer, suiteId, code)

/** With what the names of all such codes begin. */
export const authorizationCodePrefix = (suite: Suite): string => authorizationCodeName(suite, '0'.repeat(CODE)).slice(0, -CODE)

/** Where they hold what a corp's consent was exchanged for. */
export const permanentCodeName = ({ customer, suiteId, corpId }: Corp): string => join('permanent', customer, suiteId, corpId)

/** Where they hold an access token, of a suite or, with a corp, of the corp. */
export const accessTokenName = ({ customer, suiteId, corpId = '' }: Suite & { corpId?: string }): string =>
  join('token', customer, suiteId, corpId)
