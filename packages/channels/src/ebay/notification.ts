import type { Notification, Person } from '../port.ts'

/** People are known to eBay by a name, which may change, and by an id; both stand in one space, as in `buyer.username`. */
export const userPerson = (id: string): Person => ({ kind: 'ebay:user', id })

export type EnvelopeOutcome = { kind: 'read'; notification: Notification } | { kind: 'malformed'; detail: string }

/**
 * Sorts a verified envelope `{metadata, notification: {notificationId, eventDate, publishDate, data}}`
 * (eBay event-notification-nodejs-sdk, test/test.json). Topic, id and data must be there; dates may be missing (time 0).
 * A topic without what we need from it, like one we do not know, is `other`: kept, never lost.
 */
export function readEnvelope(envelope: unknown): EnvelopeOutcome {
  const topic = text(at(envelope, 'metadata', 'topic'))
  const notificationId = text(at(envelope, 'notification', 'notificationId'))
  const data = at(envelope, 'notification', 'data')
  if (!topic) return { kind: 'malformed', detail: 'metadata.topic is missing or no text' }
  if (!notificationId) return { kind: 'malformed', detail: 'notification.notificationId is missing or no text' }
  if (!isRecord(data)) return { kind: 'malformed', detail: 'notification.data is missing or no object' }
  const head = { notificationId, topic, time: timeOf(envelope) }
  return { kind: 'read', notification: { ...head, ...sort(topic, data, notificationId) } }
}

type Sorted = Notification extends infer N
  ? N extends Notification
    ? Omit<N, 'notificationId' | 'topic' | 'time'>
    : never
  : never

function sort(topic: string, data: Record<string, unknown>, notificationId: string): Sorted {
  switch (topic) {
    case 'ORDER_CONFIRMATION':
      return orderConfirmation(data) ?? other(data, notificationId)
    case 'AUTHORIZATION_REVOCATION':
      return revocation(data) ?? other(data, notificationId)
    case 'MARKETPLACE_ACCOUNT_DELETION':
      return accountDeletion(data) ?? other(data, notificationId)
    default:
      return other(data, notificationId)
  }
}

/**
 * `user` is the seller. Schema 1.0 and 1.1 alike; eBay's text says one notice a line, captures show several lines in one:
 * either way it names one order (developer.ebay.com, asyncapi order_confirmation).
 */
function orderConfirmation(data: Record<string, unknown>): Sorted | undefined {
  const sellerId = text(at(data, 'user', 'userId'))
  const orderId = text(at(data, 'order', 'orderId'))
  return sellerId && orderId ? { kind: 'order', sellerId, orderIds: [orderId] } : undefined
}

/** Only `userId` says who: names change. */
function revocation(data: Record<string, unknown>): Sorted | undefined {
  const sellerId = text(data['userId']) ?? text(at(data, 'user', 'userId'))
  return sellerId ? { kind: 'revocation', sellerId, person: userPerson(sellerId) } : undefined
}

/** Orders name a buyer by `username`, so an erasure must look for both. */
function accountDeletion(data: Record<string, unknown>): Sorted | undefined {
  const ids = new Set([text(data['username']), text(data['userId'])].filter((id) => id !== undefined))
  return ids.size > 0 ? { kind: 'account-deletion', people: [...ids].map(userPerson) } : undefined
}

/** Whose the data is: the user it names, else nobody's but the notification's own. */
function other(data: Record<string, unknown>, notificationId: string): Sorted {
  const sellerId = text(at(data, 'user', 'userId')) ?? null
  const named = sellerId ?? text(data['userId']) ?? text(data['username'])
  return { kind: 'other', sellerId, person: named ? userPerson(named) : { kind: 'ebay:notification', id: notificationId } }
}

function timeOf(envelope: unknown): number {
  for (const field of ['eventDate', 'publishDate']) {
    const time = Date.parse(text(at(envelope, 'notification', field)) ?? '')
    if (time >= 0) return time
  }
  return 0
}

function at(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((inner, key) => (isRecord(inner) ? inner[key] : undefined), value)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
