import { PUBLISHED, type PublishedName, publishedSchema } from './schemas.ts'

const text = (description: string, more: object = {}) => ({ description, schema: { type: 'string', ...more } })
type HeaderText = ReturnType<typeof text>

const STANDARD: Record<string, HeaderText> = {
  'webhook-id': text('The same on every try: know duplicates by it.'),
  'webhook-timestamp': text('When this try was made, in seconds since 1970.', { pattern: '^[0-9]+$' }),
  'webhook-signature': text(
    'Signatures over `id.timestamp.body`, separated by spaces: `v1,` and base64 of HMAC-SHA256, or `v1a,` and base64 of Ed25519. One that fits is enough.',
    { pattern: '^v1a?,[A-Za-z0-9+/=]+( v1a?,[A-Za-z0-9+/=]+)*$' },
  ),
}

const CLOUDEVENT: Record<string, HeaderText> = {
  'ce-specversion': text('Version of CloudEvents.', { const: '1.0' }),
  'ce-id': text('The id of the event.'),
  'ce-type': text('What happened.'),
  'ce-source': text('Where it was noticed.'),
  'ce-subject': text('What it is about.'),
  'ce-time': text('When it happened.', { format: 'date-time' }),
}

const ORDERS: Record<string, HeaderText> = { 'ce-dataversion': text('Version of the body.') }
const TRACE: Record<string, HeaderText> = { traceparent: text('W3C trace context, when the event was traced.') }

const DIRECTORIES: Record<string, HeaderText> = {
  'ce-partitionkey': text('The corp and the id.'),
  'ce-sequence': text('Grows along the changes of a corp; it has gaps.', { pattern: '^[0-9]{20}$' }),
}

const parameters = (headers: Record<string, HeaderText>, isRequired: boolean) =>
  Object.entries(headers).map(([name, header]) => ({ name, in: 'header', required: isRequired, ...header }))

const reference = (name: PublishedName) => ({ schema: { $ref: `#/components/schemas/${name}` } })

const RESPONSES = {
  '2XX': {
    description: 'Taken, unless the body is JSON of at most 4 KB that says `"success": false`.',
    content: {
      'application/json': { schema: { type: 'object', properties: { success: { type: 'boolean' } } } },
    },
  },
  '410': { description: 'Nothing is wanted any more: nothing is sent until an operator resumes the endpoint.' },
  '429': { description: 'Not now. Tried again, not sooner than `Retry-After` asks, within a day. 503 means the same.' },
  default: { description: 'Not taken; tried again. Redirects are not followed.' },
}

/** What Tributary sends, as webhooks of OpenAPI 3.1. */
export function openApiDocument() {
  const names = Object.keys(PUBLISHED) as PublishedName[]
  return {
    openapi: '3.1.0',
    info: {
      title: 'Deliveries of Tributary',
      version: '1',
      description: 'Requests that a receiver gets. How to verify, answer and order them: docs/receiving.md.',
    },
    webhooks: {
      order: {
        post: {
          operationId: 'receiveOrderEvent',
          summary: 'What happens to an order, for an SPI service (docs/spi.md)',
          parameters: [...parameters({ ...STANDARD, ...CLOUDEVENT, ...ORDERS }, true), ...parameters(TRACE, false)],
          requestBody: { required: true, content: { 'application/json': reference('spi-message') } },
          responses: RESPONSES,
        },
      },
      directoryChange: {
        post: {
          operationId: 'receiveDirectoryChange',
          summary: 'A change in the directory of a corp, for a partner (docs/webhooks.md)',
          description:
            'The mode `ce-structured` leaves out the headers that begin with `ce-`; `compat` leaves out all of them.',
          parameters: parameters({ ...STANDARD, ...CLOUDEVENT, ...DIRECTORIES }, false),
          requestBody: {
            required: true,
            content: {
              'application/json': reference('webhook-message'),
              'application/cloudevents+json': reference('webhook-cloudevent'),
            },
          },
          responses: RESPONSES,
        },
      },
    },
    components: {
      schemas: Object.fromEntries(names.map((name) => [name, publishedSchema(PUBLISHED[name].schema)])),
    },
  }
}
