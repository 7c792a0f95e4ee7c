import { readdirSync, readFileSync } from 'node:fs'
import { type ContactField, type ContactPart, derivedEventId, type EventOf, type PersonalPart } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect } from 'chai'
import { Check } from 'typebox/value'
import {
  type ContactBody,
  ContactCloudEventSchema,
  ContactMessageSchema,
  ContactTestCloudEventSchema,
  ContactTestSchema,
  contactAttributes,
  contactData,
  contactRequest,
  contactTestRequest,
  type DeliveryRequest,
  deliveryRequest,
  SPI_CONTRACT,
  SPI_EVENT_TYPES,
  type SpiEvent,
  SpiMessageSchema,
  SpiTestSchema,
  spiBody,
  spiTestRequest,
  type WebhookMode,
} from '../index.ts'
import { keyOf } from '../testing/signing.ts'

type Headers = { name: string; required: boolean; schema: object }[]
type OpenApi = {
  webhooks: Record<'order' | 'directoryChange', { post: { parameters: Headers } }>
  components: { schemas: Record<string, object> }
}

const DOCS = new URL('../../../../docs/schemas/', import.meta.url)
const FIXTURES = new URL('../../../../test/fixtures/wecom/', import.meta.url)
const read = <T>(file: URL): T => JSON.parse(readFileSync(file, 'utf8')) as T
const openApi = read<OpenApi>(new URL('deliveries.openapi.json', DOCS))

const target = { url: 'http://receiver.example/', keys: [keyOf('a secret for tests only')] }
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const now = Date.now()

const personal: PersonalPart = {
  buyer: { id: 'some_buyer', name: 'Alma Example', taxId: 'DE1', remark: '请按两次门铃 🎁' },
  receiver: { name: 'Alma Example', addressLine1: 'Beispielweg 1', city: 'Hamburg', countryCode: 'DE', postalCode: '20095' },
  original: '{}',
}

/** Every kind of request that an SPI service can get. */
const calls = SPI_EVENT_TYPES.flatMap((type) => {
  const event = exampleEvent(type, derivedEventId('test', type)) as SpiEvent
  return [personal, 'erased' as const].map((part) =>
    deliveryRequest({ event, body: spiBody(event, part), contract: SPI_CONTRACT, ...target, now, traceparent }),
  )
})

/** The request for every change of a directory among the fixtures, thin and full, and once its corp has cancelled. */
function webhooks(mode: WebhookMode): DeliveryRequest[] {
  const parts = readdirSync(FIXTURES)
    .filter((name) => name.endsWith('.json'))
    .map((name) => read<{ parsed?: Record<string, ContactField> }>(new URL(name, FIXTURES)).parsed ?? {})
    .filter((fields) => 'ChangeType' in fields)
  return parts.flatMap((fields) => {
    const changeType = fields['ChangeType'] as EventOf<'ContactChanged'>['data']['changeType']
    const event = exampleEvent('ContactChanged', derivedEventId('test', changeType), { data: { changeType } })
    const delivered = { event, partition: 0, position: 21, recordedTime: now } as Parameters<
      typeof contactRequest
    >[1]['delivered']
    const part: ContactPart = { receiveId: '', fields }
    const told = [
      { attributes: contactAttributes(event, part), data: contactData(event, part, 'thin') },
      { attributes: contactAttributes(event, part), data: contactData(event, part, 'full') },
      { attributes: contactAttributes(event, 'erased'), data: contactData(event, 'erased', 'thin') },
    ] satisfies ContactBody[]
    return told.map((body) => contactRequest(mode, { delivered, body: JSON.stringify(body), target, now, traceparent }))
  })
}

const test = { name: 'group:one', target, now }

const BODIES = [
  { name: 'spi-message', ours: SpiTestSchema, requests: [spiTestRequest(test)] },
  {
    name: 'webhook-message',
    ours: ContactTestSchema,
    requests: (['ce-binary', 'compat'] as const).map((mode) => contactTestRequest(mode, test)),
  },
  { name: 'webhook-cloudevent', ours: ContactTestCloudEventSchema, requests: [contactTestRequest('ce-structured', test)] },
  { name: 'spi-message', ours: SpiMessageSchema, requests: calls },
  { name: 'webhook-message', ours: ContactMessageSchema, requests: [...webhooks('ce-binary'), ...webhooks('compat')] },
  { name: 'webhook-cloudevent', ours: ContactCloudEventSchema, requests: webhooks('ce-structured') },
]

describe('The published schemas of deliveries', () => {
  const ajv = new Ajv2020({ validateFormats: false })

  for (const { name, ours, requests } of BODIES) {
    const of = requests.length > 2 ? name : `a test as ${name}`
    it(`describe every body that is sent, with no field left out (${of})`, () => {
      const alone = ajv.compile(read<object>(new URL(`${name}.schema.json`, DOCS)))
      const within = ajv.compile(openApi.components.schemas[name] ?? false)
      if (of === name) expect(requests.length).to.be.at.least(8)
      for (const { body } of requests) {
        const value = JSON.parse(body)
        for (const validate of [alone, within])
          expect(validate(value), `${body}: ${ajv.errorsText(validate.errors)}`).to.equal(true)
        expect(Check(ours, value), `closed: ${body}`).to.equal(true)
        for (const missing of Object.keys(value)) expect(alone(without(value, missing)), `without ${missing}`).to.equal(false)
        expect(alone({ ...value, fieldOfTomorrow: 1 })).to.equal(true)
      }
    })
  }

  const isNamed = (name: string) => !['content-type', 'user-agent'].includes(name)
  it('name every header that is sent, and what may stand in it', () => {
    const named = { order: calls, directoryChange: webhooks('ce-binary') }
    for (const [webhook, requests] of Object.entries(named)) {
      const { parameters } = openApi.webhooks[webhook as keyof typeof named].post
      for (const { headers } of requests) {
        expect(Object.keys(headers).filter(isNamed)).to.have.members(parameters.map(({ name }) => name))
        for (const { name, schema } of parameters)
          expect(ajv.validate(schema, headers[name]), `${name}: ${headers[name]}`).to.equal(true)
      }
    }
  })
})

const without = (value: Record<string, unknown>, name: string) =>
  Object.fromEntries(Object.entries(value).filter(([key]) => key !== name))
