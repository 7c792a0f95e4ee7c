type Suite = { customer: string; suiteId: string }
type Corp = Suite & { corpId: string }

/** Parts are percent-encoded, so that `:` separates only. */
const join = (kind: string, ...parts: string[]): string => ['wework', kind, ...parts.map(encodeURIComponent)].join(':')

/** Where the vault's settings hold the newest ticket of a suite. */
export const suiteTicketName = ({ customer, suiteId }: Suite): string => join('ticket', customer, suiteId)

/** Where they note which ticket was looked at last, to tell a silence by. */
export const ticketGapName = ({ customer, suiteId }: Suite): string => join('ticket-seen', customer, suiteId)

/** Where they hold authorization codes that wait to be exchanged; `code` is a hash of it. */
export const authorizationCodeName = ({ customer, suiteId }: Suite, code: string): string =>
  join('code', customer, suiteId, code)

/** With what the names of all such codes begin. */
export const authorizationCodePrefix = ({ customer, suiteId }: Suite): string => `${join('code', customer, suiteId)}:`

/** Where they hold what a corp's consent was exchanged for. */
export const permanentCodeName = ({ customer, suiteId, corpId }: Corp): string => join('permanent', customer, suiteId, corpId)

/** Where they hold an access token, of a suite or, with a corp, of the corp. */
export const accessTokenName = ({ customer, suiteId, corpId = '' }: Suite & { corpId?: string }): string =>
  join('token', customer, suiteId, corpId)
