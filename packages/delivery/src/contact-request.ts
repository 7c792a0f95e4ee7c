import type { Position } from '@tributary/event-log'
import { Type } from 'typebox'
import { ContactDataSchema } from './contact-message.ts'
import type { RequestParts } from './endpoint.ts'
import { type DeliveryRequest, headerText } from './request.ts'
import { signatures } from './signature.ts'

/** `compat` is for receivers that cannot change yet: the body alone, unsigned. */
export type WebhookMode = 'ce-binary' | 'ce-structured' | 'compat'

const JSON_TYPE = 'application/json; charset=utf-8'

const closed = { additionalProperties: false } as const
const type = Type.String({
  pattern: '^wework\\.change_contact\\.',
  description: '`wework.change_contact.` and `data.changeType`.',
})
const id = Type.String({ description: 'The same as `webhook-id`, on every try.' })
const time = (description: string) => Type.String({ format: 'date-time', description })
const happened = 'When it happened, RFC 3339 in UTC.'

/** The body in the modes `ce-binary` and `compat`. */
export const ContactMessageSchema = Type.Object(
  { type, id, timestamp: time(happened), data: ContactDataSchema },
  { ...closed, description: 'A change in the directory of a corp, for its partner.' },
)

/** The body in the mode `ce-structured`. */
export const ContactCloudEventSchema = Type.Object(
  {
    specversion: Type.Literal('1.0'),
    id,
    source: Type.String({ description: 'The corp, below its suite when there is one.' }),
    type,
    subject: Type.String({ description: '`user/`, `department/` or `tag/` and the id; `user/erased` when erased.' }),
    time: time(happened),
    datacontenttype: Type.Literal('application/json'),
    partitionkey: Type.String({ description: 'The corp and the id.' }),
    sequence: Type.String({ pattern: '^[0-9]{20}$', description: 'Grows along the changes of a corp; it has gaps.' }),
    data: ContactDataSchema,
  },
  { ...closed, description: 'The same as a whole CloudEvent 1.0.' },
)

/** What a webhook keeps of an event between rendering and sending: everything but its place in the log. */
export type ContactBody = {
  attributes: { id: string; source: string; type: string; subject: string; time: string; partitionkey: string }
  data: Record<string, unknown>
}

/**
 * The request that tells a partner of a change: CloudEvents 1.0 in binary or structured mode, signed by Standard Webhooks
 * for `now`. Because headers are not signed, id, type and time stand in the body too. `ce-sequence` is the position in the
 * log's partition, in 20 digits.
 */
export function contactRequest(
  mode: WebhookMode,
  { delivered, body, target, now }: Omit<RequestParts, 'delivered'> & { delivered: { position: Position } },
): DeliveryRequest {
  const { attributes, data } = JSON.parse(body) as ContactBody
  const sequence = String(delivered.position).padStart(20, '0')
  if (mode === 'ce-structured') {
    const { partitionkey, ...first } = attributes
    const event = { specversion: '1.0', ...first, datacontenttype: 'application/json', partitionkey, sequence, data }
    const text = JSON.stringify(event)
    const headers = {
      'content-type': 'application/cloudevents+json; charset=utf-8',
      ...signed(target, attributes.id, now, text),
    }
    return { url: target.url, headers, body: text }
  }
  const { id, type, time } = attributes
  const text = JSON.stringify({ type, id, timestamp: time, data })
  if (mode === 'compat') return { url: target.url, headers: { 'content-type': JSON_TYPE }, body: text }
  const headers = {
    'content-type': JSON_TYPE,
    'ce-specversion': '1.0',
    ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, headerText(value)])),
    'ce-sequence': sequence,
    ...signed(target, id, now, text),
  }
  return { url: target.url, headers, body: text }
}

function signed(target: RequestParts['target'], id: string, now: number, body: string) {
  const timestamp = Math.floor(now / 1_000)
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatures(target.keys, id, timestamp, body),
  }
}
