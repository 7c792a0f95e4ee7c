import { timeOrderedEventId } from '@tributary/events'
import { type ContactBody, contactRequest, type WebhookMode } from './contact-request.ts'
import type { Target } from './endpoint.ts'
import { type DeliveryRequest, deliveryRequest } from './request.ts'
import { SPI_CONTRACT } from './spi-message.ts'

/** The type that marks a message as a test: it tells of nothing, and no log holds it. */
export const TEST_TYPE = 'tributary.endpoint.test'

/** Which endpoint is tested; `now` in milliseconds since 1970. */
type Test = { name: string; target: Target; now: number }

/** A test of an SPI service, signed as every request to it is. */
export function spiTestRequest({ name, target, now }: Test): DeliveryRequest {
  const { id, source, type, subject, time } = attributesOf(name, now)
  const body = JSON.stringify({ version: SPI_CONTRACT, type, eventId: id, test: true })
  const event = { specversion: '1.0', id, source, type, subject, time } as const
  return deliveryRequest({ event, body, contract: SPI_CONTRACT, ...target, now, traceparent: undefined })
}

/** A test of a partner's webhook, in the mode and with the signature of every request to it. */
export function contactTestRequest(mode: WebhookMode, { name, target, now }: Test): DeliveryRequest {
  const { id, ...attributes } = attributesOf(name, now)
  const body: ContactBody = { attributes: { id: `evt_${id}`, ...attributes, partitionkey: 'test' }, data: { test: true } }
  return contactRequest(mode, { delivered: { position: 0 }, body: JSON.stringify(body), target, now, traceparent: undefined })
}

const attributesOf = (name: string, now: number) => ({
  id: timeOrderedEventId(),
  source: '/tributary/test',
  type: TEST_TYPE,
  subject: `endpoints/${name}`,
  time: new Date(now).toISOString(),
})
