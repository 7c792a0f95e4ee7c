import type { FieldProblem, NormalOrder, PersonalPart } from '@tributary/events'

/** A row of `eg_order_app`: our registration at a channel. */
export type App = {
  id: number
  channel: number
  name: string
  clientId: string
  clientSecret: string
  developerId: string
  scopes: readonly string[]
  redirectUri: string
  attachInfo: Readonly<Record<string, unknown>>
}

/** What a consent gave us. Times in milliseconds since 1970. */
export type Grant = {
  sellerId: string
  sellerName: string
  region: string
  refreshToken: string
  /** Seconds, as the marketplace said. */
  refreshTokenExpiresIn: number
  /** 0 when it does not end. */
  refreshTokenExpiresTime: number
  access: AccessToken
}

export type AccessToken = { token: string; expiresTime: number }

/** What calls on behalf of one seller need. The channel calls `token` before each request and `rejected` after a 401. */
export type Session = {
  app: App
  sellerId: string
  /** As its grant said. */
  region: string
  token(signal: AbortSignal): Promise<string>
  /** The marketplace refused this token though it should still live: the next `token` must be another. */
  rejected(token: string): Promise<void>
}

/** Whom sealed data is about: the channel's own id of a person, within a kind. */
export type Person = { kind: string; id: string }

/** An order as read from the channel, in every form we need. */
export type SourceOrder = {
  orderId: string
  /** Last modification by the marketplace's clock, milliseconds since 1970; 0 when unreadable (then also a problem). */
  sourceTime: number
  person: Person
  order: NormalOrder
  personal: PersonalPart
  problems: readonly FieldProblem[]
}

export type OrderPage = {
  orders: readonly SourceOrder[]
  /** Elements of the page that carry no usable order id; kept nowhere else, so they must be reported. */
  unreadable: readonly FieldProblem[]
  /** How many orders the window holds, when the channel says. */
  total: number | null
  /** Opaque; null after the last page. */
  nextPage: string | null
}

/** A window of modification times, both ends inclusive, milliseconds since 1970. */
export type ModifiedWindow = { from: number; to: number }

/** A verified notification, sorted by what must happen next. */
export type Notification = { notificationId: string; topic: string; time: number } & NotificationContent

/** What a notification is about. */
export type NotificationContent =
  | { kind: 'order'; sellerId: string; orderIds: readonly string[] }
  | { kind: 'revocation'; sellerId: string; person: Person }
  | { kind: 'account-deletion'; people: readonly Person[] }
  | { kind: 'other'; sellerId: string | null; person: Person }

/** What to do with a request to the webhook. A refusal is the sender's fault, `unavailable` is ours or the channel's. */
export type Reception =
  | { kind: 'accepted'; notification: Notification }
  /** It was for the channel itself, which has done what it asks for: nothing is kept of it. */
  | { kind: 'settled'; status: 200; code: string }
  | { kind: 'refused'; status: 400 | 401 | 403 | 412; code: string; detail: string }
  | { kind: 'unavailable'; status: 503; code: string; detail: string }

/** What came back from a consent page: the code and the whole query, in which some marketplaces say who consented. */
export type Consent = { code: string; query: URLSearchParams }

/** A message of a queue of ours. `receipt` removes it; `notification` is what it says, also when that is nothing we understand. */
export type QueuedNotification = { receipt: string; notification: Notification; body: Buffer }

/** Where a marketplace puts notifications until we fetch them. What is not removed comes again after a while. */
export type NotificationQueue = {
  /** Waits for messages, for seconds at most; none is an answer, too. Throws ChannelError, and the signal's reason. */
  receive(signal: AbortSignal): Promise<readonly QueuedNotification[]>
  /** Ends messages that are kept elsewhere now. Throws ChannelError; what was not removed comes again. */
  remove(receipts: readonly string[], signal: AbortSignal): Promise<void>
}

/** A shipment to announce to the marketplace. */
export type Shipment = {
  orderId: string
  lines: readonly { lineItemId: string; quantity: number }[]
  /** Empty, as `trackingNumber` may be, where the marketplace chooses. */
  carrier: string
  trackingNumber: string
  /** Milliseconds since 1970. */
  shippedTime: number
}

/**
 * `existing` means that the marketplace already knew this shipment: nothing was written twice. `carrier` and
 * `trackingNumber` are there when the marketplace chose them.
 */
export type ShipmentOutcome =
  | { kind: 'confirmed'; fulfillmentId: string; existing: boolean; carrier?: string; trackingNumber?: string }
  | { kind: 'refused'; code: string; detail: string }

/** One marketplace. Knows neither the log nor the database; every call takes a signal and ends within its time-out. */
export type Channel = {
  readonly number: number
  readonly name: string
  /** What its webhook answers when all went well, and how long it waits for that, milliseconds, less the way there and back. */
  readonly webhook: { success: 200 | 204; deadline: number }
  /** Whether several sellers may stand behind one refresh token; false where it is left out. */
  readonly sharesGrants?: boolean
  /** Whether a refresh leaves the day on which the grant ends where it was, whatever the answer says; false where left out. */
  readonly deadlineStays?: boolean
  /** Whether a seller may begin a consent in the marketplace's own store, from where it comes back without a state. */
  readonly statelessConsents?: boolean
  /** How long a client secret of an app works, milliseconds, where the marketplace ends it. */
  readonly secretLife?: number
  /** The query parameter in which a consent's code comes back; `code` where it is left out. */
  readonly codeParameter?: string
  /**
   * How far what it shows of orders lags behind the clock, milliseconds, 0 where left out: no window of a list ends later, and an order
   * that is older than the notice of its change is read once more.
   */
  readonly lag?: number
  /**
   * How long the next page of a list may be asked for, milliseconds. Then a list that stopped goes on there, also in another process;
   * where it is left out, it begins anew.
   */
  readonly pagesLast?: number
  /** Notifications that are fetched instead of posted to the webhook, where the configuration names a queue. */
  readonly queue?: NotificationQueue
  /**
   * Where a seller's browser goes to consent. `state` comes back unchanged. `query` is that of the request that began it:
   * where a marketplace began it, it says there where to go on. Throws ChannelError for a query that can't be one.
   */
  authorizeUrl(app: App, options: { state: string; locale?: string; query?: URLSearchParams }): string
  /** Exchanges the code of a consent; a grant for each seller who stands behind it, at least one. Throws ChannelError. */
  exchangeCode(app: App, consent: Consent, signal: AbortSignal): Promise<readonly Grant[]>
  /**
   * Whether a grant is of the account that has an order. There where nobody but the seller's browser says who consented: then a
   * grant takes over a seller that is known only with this proof, or by an operator's word. Throws ChannelError.
   */
  provesSeller?(app: App, grant: Grant, orderId: string, signal: AbortSignal): Promise<boolean>
  /** A new access token. `rotated` is there when the marketplace replaced the refresh token. Throws ChannelError. */
  refresh(
    app: App,
    refreshToken: string,
    signal: AbortSignal,
  ): Promise<{ access: AccessToken; rotated?: { refreshToken: string; expiresIn: number; expiresTime: number } }>
  /** Answers the ownership challenge of a webhook address, or null when the query is none. */
  challenge(query: URLSearchParams): { challengeResponse: string } | null
  /** Verifies a notification on its raw bytes and reads it. Never throws for what a sender can send. */
  receive(
    request: { headers: Readonly<Record<string, string | undefined>>; body: Buffer },
    signal: AbortSignal,
  ): Promise<Reception>
  /** One page of the orders modified in a window. `page` is null for the first. Throws ChannelError. */
  listOrders(session: Session, window: ModifiedWindow, page: string | null, signal: AbortSignal): Promise<OrderPage>
  /** One order, whole. Throws ChannelError; CHANNEL_ORDER_UNKNOWN when the marketplace does not know it. */
  getOrder(session: Session, orderId: string, signal: AbortSignal): Promise<SourceOrder>
  /** Announces a shipment once, however often it is called with the same shipment. Throws ChannelError. */
  ship(session: Session, shipment: Shipment, signal: AbortSignal): Promise<ShipmentOutcome>
}

/** Called before each request to a marketplace. Throws ChannelError CHANNEL_BUDGET_SPENT when there is nothing left. */
export type CallBudget = { take(operation: 'order' | 'token' | 'notification'): Promise<void> }

export type ChannelErrorCode =
  | 'CHANNEL_UNAVAILABLE'
  | 'CHANNEL_RATE_LIMITED'
  | 'CHANNEL_BUDGET_SPENT'
  | 'CHANNEL_GRANT_REVOKED'
  | 'CHANNEL_SCOPE_MISSING'
  | 'CHANNEL_APP_REFUSED'
  | 'CHANNEL_ORDER_UNKNOWN'
  | 'CHANNEL_REQUEST_REFUSED'
  | 'CHANNEL_ANSWER_UNREADABLE'

/**
 * A call that did not work, classed by what helps: `retry` the same later, `reauthorize` by a new consent of the
 * seller, a `person` must change something at the marketplace or here, or it is a `bug` of ours.
 */
export class ChannelError extends Error {
  override readonly name = 'ChannelError'
  readonly code: ChannelErrorCode
  readonly remedy: 'retry' | 'reauthorize' | 'person' | 'bug'
  readonly retriable: boolean
  /** Milliseconds to wait at least, when the marketplace said. */
  readonly retryAfter: number | undefined

  constructor(
    code: ChannelErrorCode,
    message: string,
    options: { remedy: 'retry' | 'reauthorize' | 'person' | 'bug'; retryAfter?: number; cause?: unknown },
  ) {
    super(message, options)
    this.code = code
    this.remedy = options.remedy
    this.retriable = options.remedy === 'retry'
    this.retryAfter = options.retryAfter
  }
}
