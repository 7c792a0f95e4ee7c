import type { Grant, Notification } from '@tributary/channels'
import { currentTraceparent } from '@tributary/runtime'
import { idempotencyKey, type Received, type RefusalReason } from '@tributary/wecom'
import type { Intent } from './oauth/states.ts'

/** When it came, milliseconds since 1970, and the trace that goes on in whoever reads its events. */
export type Origin = { time: number; traceparent?: string }

/** A verified notification of a marketplace with its bytes. `channel` is the number of the channel that it came from. */
export type NotificationReception = Origin & { kind: 'notification'; channel: number; notification: Notification; body: Buffer }

/** A consent whose code has been exchanged, with the id of the event of each grant: so keeping it twice keeps it once. */
export type ConsentReception = Origin & {
  kind: 'consent'
  intent: Intent
  grants: readonly (Omit<Grant, 'access'> & { eventId: string })[]
}

/** A signed callback of WeCom: opened, or for somebody else and then still as it came. */
export type CallbackReception = Origin & {
  kind: 'callback'
  /** Where it came to, without the secrets of that address. `messages` are the receivers it takes. */
  address: { customer: string; suiteId: string; corpId?: string; messages: readonly string[] }
  path: string
  result: Received | { kind: 'refused'; reason: RefusalReason }
  body: Buffer
}

/** Something that was received and verified, with all that keeping it needs: it can be kept later, and by another process. */
export type Reception = NotificationReception | ConsentReception | CallbackReception

/** Here and now. */
export function origin(): Origin {
  const traceparent = currentTraceparent()
  return { time: Date.now(), ...(traceparent === undefined ? {} : { traceparent }) }
}

/** What two receptions of the same thing have in common, however often and in whatever wrapping it was sent. */
export function sameness(reception: Reception): string {
  const { kind } = reception
  if (kind === 'notification') return JSON.stringify([kind, reception.channel, reception.notification])
  if (kind === 'consent') return JSON.stringify([kind, ...reception.grants.map(({ eventId }) => eventId)])
  const { address, path, result, body } = reception
  const said = result.kind === 'received' ? idempotencyKey(result.receiveId, result.fields) : body.toString('base64')
  return JSON.stringify([kind, address.customer, path, result.kind, said])
}

export function receptionToText(reception: Reception): string {
  return JSON.stringify('body' in reception ? { ...reception, body: reception.body.toString('base64') } : reception)
}

/** Reads what `receptionToText` wrote; nothing else may be given to it. */
export function receptionFromText(text: string): Reception {
  const parsed = JSON.parse(text)
  return typeof parsed.body === 'string' ? { ...parsed, body: Buffer.from(parsed.body, 'base64') } : parsed
}
