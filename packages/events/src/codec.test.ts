import { expect } from 'chai'
import { CATALOGUE, type EventType } from './catalogue.ts'
import { createEvent, createStoredEvent, decodeEvent, encodeEvent, isEventType, topicOf } from './codec.ts'
import type { Event, StoredEvent } from './envelope.ts'
import { EventError } from './errors.ts'
import { EXAMPLE_DATA, exampleEvent } from './examples.ts'
import { derivedEventId } from './ids.ts'

const TYPES = Object.keys(CATALOGUE) as EventType[]
const ID = derivedEventId('test')
const input = {
  id: ID,
  type: 'SellerConfigured',
  source: '/tributary/test',
  subject: 'sellers/1/a',
  time: Date.UTC(2026, 10, 23),
  partitionkey: '1:a',
  data: { channel: 1, sellerId: 'a', spiServerCodes: ['x'] },
} as const

const failure = (work: () => unknown): EventError => {
  try {
    work()
  } catch (error) {
    if (error instanceof EventError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('events', () => {
  for (const type of TYPES) {
    it(`of type ${type} come back from the log as they were`, () => {
      const event = exampleEvent(type, ID) as Event
      expect(decodeEvent(encodeEvent(event))).to.deep.equal(event)
    })
  }

  it('are the same for the log whether they are made for it at once or not, and checked either way', () => {
    const valid = { ...input, data: { ...input.data, spiServerCodes: [...input.data.spiServerCodes] } }
    expect(createStoredEvent(valid)).to.deep.equal(encodeEvent(createEvent(valid)))
    const broken = { ...input, data: { ...input.data, channel: 'one' } } as never
    expect(failure(() => createStoredEvent(broken))).to.include({ code: 'EVENT_INVALID' })
  })

  it('carry the CloudEvents attributes and nothing else', () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    expect(createEvent({ ...input, data: { ...input.data, spiServerCodes: [] }, traceparent })).to.deep.equal({
      specversion: '1.0',
      id: ID,
      type: 'SellerConfigured',
      source: '/tributary/test',
      subject: 'sellers/1/a',
      time: '2026-11-23T00:00:00.000Z',
      datacontenttype: 'application/json',
      dataversion: 1,
      partitionkey: '1:a',
      traceparent,
      data: { channel: 1, sellerId: 'a', spiServerCodes: [] },
    })
  })

  it('know their topic and their types', () => {
    for (const type of TYPES) expect(topicOf(type)).to.equal(CATALOGUE[type].topic)
    expect(isEventType('OrderReceived')).to.equal(true)
    expect(isEventType('constructor')).to.equal(false)
  })

  it('keep text with halves of surrogate pairs, NULs and every plane apart', () => {
    const data = { ...EXAMPLE_DATA.OrderReceived.order, sellerName: '\ud800 \0 😀 名' }
    const event = exampleEvent('OrderReceived', ID, { data: { order: data } })
    expect(decodeEvent(encodeEvent(event))).to.deep.equal(event)
  })
})

describe('events that may not enter the log', () => {
  const wrong: [string, object, RegExp][] = [
    ['id', { id: 'not-a-uuid' }, /'id' must be a lower-case UUID/],
    ['id in capitals', { id: ID.toUpperCase() }, /'id'/],
    ['source', { source: 'has a space' }, /'source' must be a URI reference/],
    ['subject', { subject: 'a\nb' }, /'subject' must be text/],
    ['empty subject', { subject: '' }, /'subject'/],
    ['subject with half a pair', { subject: '\ud800' }, /'subject'/],
    ['time', { time: Number.NaN }, /time must be milliseconds/],
    ['a time before the year 0', { time: -8e15 }, /'time' must be RFC 3339/],
    ['partition key', { partitionkey: 'x'.repeat(256) }, /'partitionkey' must be text of 1 to 255/],
    ['traceparent', { traceparent: '00-00000000000000000000000000000000-00f067aa0ba902b7-01' }, /'traceparent'/],
  ]
  for (const [what, change, message] of wrong) {
    it(`are refused for a wrong ${what}`, () => {
      const error = failure(() => createEvent({ ...input, data: { ...input.data, spiServerCodes: [] }, ...change }))
      expect(error).to.include({ code: 'EVENT_INVALID', retriable: false })
      expect(error.message).to.match(message)
    })
  }

  it('are refused with the place and the rule, never the value', () => {
    const order = {
      ...EXAMPLE_DATA.OrderReceived.order,
      lines: [{ lineItemId: 'x', quantity: 'secret-value', title: '', sku: '' }],
    }
    const broken = { ...EXAMPLE_DATA.OrderReceived, order } as unknown as typeof EXAMPLE_DATA.OrderReceived
    const error = failure(() => exampleEvent('OrderReceived', ID, { data: broken }))
    expect(error.message).to.equal('OrderReceived 1 is invalid: data.order.lines.0.quantity must be integer.')
    const field = failure(() => exampleEvent('SellerConfigured', ID, { data: { 'secret-field': 1 } as object }))
    expect(field.message).to.equal('SellerConfigured 1 is invalid: data must have no other properties than its schema lists.')
    const choice = failure(() => exampleEvent('SellerDeauthorized', ID, { data: { reason: 'secret-value' as 'revoked' } }))
    expect(choice.message).to.equal(
      'SellerDeauthorized 2 is invalid: data.reason must be one of revoked, expired, refused, operator.',
    )
  })

  it('are refused for ids that a row could not be found by again', () => {
    for (const orderId of ['', 'x'.repeat(101), 'a\u0000', 'a\ud800']) {
      expect(failure(() => exampleEvent('OrderNotified', ID, { data: { orderId } })).code, orderId).to.equal('EVENT_INVALID')
    }
    expect(exampleEvent('OrderNotified', ID, { data: { orderId: '订'.repeat(20) } }).data.orderId).to.equal('订'.repeat(20))
  })

  it('are refused once more when they are encoded', () => {
    const event = exampleEvent('SellerConfigured', ID)
    expect(failure(() => encodeEvent({ ...event, data: { ...event.data, channel: 0 } })).code).to.equal('EVENT_INVALID')
    expect(failure(() => encodeEvent({ ...event, dataversion: 9 })).code).to.equal('EVENT_VERSION_UNKNOWN')
  })
})

describe('stored events', () => {
  const stored = encodeEvent(exampleEvent('SellerConfigured', ID))
  const read = (change: Partial<StoredEvent>) => failure(() => decodeEvent({ ...stored, ...change }))

  it('of a newer Tributary say so', () => {
    expect(read({ type: 'SellerMarried' }).code).to.equal('EVENT_TYPE_UNKNOWN')
    expect(read({ type: '__proto__' }).code).to.equal('EVENT_TYPE_UNKNOWN')
    expect(read({ dataversion: 2 }).code).to.equal('EVENT_VERSION_UNKNOWN')
  })

  it('that are broken are refused without a word of what they say', () => {
    const error = read({ data: '{"channel": secret' })
    expect(error.code).to.equal('EVENT_NOT_JSON')
    expect(error.cause).to.equal(undefined)
    expect(error.message).not.to.include('secret')
    for (const data of ['null', '[]', '"secret"', '{}']) expect(read({ data }).code, data).to.equal('EVENT_INVALID')
    for (const dataversion of [0, 1.5, Number.NaN]) expect(read({ dataversion }).code).to.equal('EVENT_INVALID')
  })
})
