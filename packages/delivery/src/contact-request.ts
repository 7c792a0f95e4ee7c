import type { RequestParts } from './endpoint.ts'
import { type DeliveryRequest, headerText } from './request.ts'
import { signatures } from './signature.ts'

/** `compat` is for receivers that cannot change yet: the body alone, unsigned. */
export type WebhookMode = 'ce-binary' | 'ce-structured' | 'compat'

const JSON_TYPE = 'application/json; charset=utf-8'

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
export function contactRequest(mode: WebhookMode, { delivered, body, target, now }: RequestParts): DeliveryRequest {
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
