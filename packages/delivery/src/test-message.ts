import { timeOrderedEventId } from '@tributary/events'
import { Type } from 'typebox'
import {
  type ContactBody,
  ContactCloudEventSchema,
  ContactMessageSchema,
  contactRequest,
  type WebhookMode,
} from './contact-request.ts'
import type { Target } from './endpoint.ts'
import { type DeliveryRequest, deliveryRequest } from './request.ts'
import { SPI_CONTRACT } from './spi-message.ts'

/** The type that marks a message as a test: it tells of nothing, and no log holds it. */
const TEST_TYPE = 'tributary.endpoint.test'

const closed = { additionalProperties: false } as const
const type = Type.Literal(TEST_TYPE, { description: 'A test: it tells of nothing. Answer 2xx.' })
const data = Type.Object({ test: Type.Literal(true) }, closed)

/** The body of a test of an SPI service. */
export const SpiTestSchema = Type.Object(
  {
    version: Type.Literal(SPI_CONTRACT, { description: 'The version of this contract.' }),
    type,
    eventId: Type.String({ description: 'The `webhook-id` without `msg_`.' }),
    test: Type.Literal(true),
  },
  { ...closed, description: 'An operator sees whether you answer.' },
)

/** The body of a test of a webhook, in the modes `ce-binary` and `compat`. */
export const ContactTestSchema = Type.Object(
  { ...ContactMessageSchema.properties, type, data },
  { ...closed, description: 'An operator sees whether you answer.' },
)

/** The same in the mode `ce-structured`. */
export const ContactTestCloudEventSchema = Type.Object(
  { ...ContactCloudEventSchema.properties, type, data },
  { ...closed, description: 'An operator sees whether you answer.' },
)

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
