import { hash } from 'node:crypto'
import type { Event } from '@tributary/events'
import { type SigningKey, signatures } from './signature.ts'

/** One request, ready to be sent: every byte of it is decided. */
export type DeliveryRequest = { url: string; headers: Readonly<Record<string, string>>; body: string }

/** The id that names a delivery in `webhook-id`: the same for every try and every endpoint of an event. */
export const webhookId = (event: Pick<Event, 'id'>): string => `msg_${event.id}`

/** SHA-256 of the body's bytes, lower-case hex, for the record of an attempt. */
export const bodyDigest = (body: string): string => hash('sha256', body, 'hex')

/**
 * The request for one try: Standard Webhooks headers signed for `now` (milliseconds since 1970), CloudEvents 1.0 in
 * binary mode, trace context. `contract` is the version of the body, which `ce-dataversion` carries.
 */
export function deliveryRequest(options: {
  event: Pick<Event, 'specversion' | 'id' | 'source' | 'subject' | 'time'> & { type: string }
  body: string
  contract: number
  url: string
  keys: readonly SigningKey[]
  now: number
  traceparent: string | undefined
}): DeliveryRequest {
  const { event, body, url, keys } = options
  const id = webhookId(event)
  const timestamp = Math.floor(options.now / 1_000)
  return {
    url,
    body,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'user-agent': 'Tributary/1',
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signatures(keys, id, timestamp, body),
      'ce-specversion': event.specversion,
      'ce-id': event.id,
      'ce-type': headerText(event.type),
      'ce-source': headerText(event.source),
      'ce-subject': headerText(event.subject),
      'ce-time': event.time,
      'ce-dataversion': String(options.contract),
      ...(options.traceparent === undefined ? {} : { traceparent: options.traceparent }),
    },
  }
}

/**
 * Percent-encodes what a header cannot carry: everything outside the visible ASCII characters, space, `"` and `%`.
 * Source: CloudEvents HTTP protocol binding 1.0.2, §3.1.3.2.
 */
export function headerText(text: string): string {
  return text.replaceAll(/[^!#$&-~]/gu, (character) =>
    [...Buffer.from(character, 'utf8')].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}
