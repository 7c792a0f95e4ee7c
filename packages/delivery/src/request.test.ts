import { randomBytes } from 'node:crypto'
import { exampleEvent } from '@tributary/events/examples'
import { expect } from 'chai'
import { bodyDigest, deliveryRequest, webhookId } from './request.ts'
import { keyOf } from './testing/signing.ts'

const keys = [keyOf(`whsec_${randomBytes(32).toString('base64')}`)]
const event = exampleEvent('ShipmentConfirmed', '01890000-0000-7000-8000-000000000001')
const requestAt = (now: number, changes: Partial<typeof event> = {}) =>
  deliveryRequest({
    event: { ...event, ...changes },
    body: '{}',
    contract: 1,
    url: 'http://127.0.0.1/x',
    keys,
    now,
    traceparent: undefined,
  })

describe('The request of a delivery', () => {
  it('keeps its id on every try and takes the time and signature of the try', () => {
    const [first, second] = [requestAt(1_700_000_000_999), requestAt(1_700_000_005_000)]
    expect(first.headers['webhook-id']).to.equal(`msg_${event.id}`).and.equal(webhookId(event))
    expect(second.headers['webhook-id']).to.equal(first.headers['webhook-id'])
    expect(first.headers['webhook-timestamp']).to.equal('1700000000')
    expect(second.headers['webhook-timestamp']).to.equal('1700000005')
    expect(second.headers['webhook-signature']).to.not.equal(first.headers['webhook-signature'])
    expect(second.body).to.equal(first.body)
  })

  it('carries the event in CloudEvents binary mode, with the version of the body', () => {
    const { headers } = requestAt(0)
    expect(headers).to.include({
      'ce-specversion': '1.0',
      'ce-id': event.id,
      'ce-type': 'ShipmentConfirmed',
      'ce-source': event.source,
      'ce-subject': event.subject,
      'ce-time': event.time,
      'ce-dataversion': '1',
      'content-type': 'application/json; charset=utf-8',
    })
  })

  it('percent-encodes what a header cannot carry', () => {
    const { headers } = requestAt(0, { subject: 'orders/1/ß "x" 100%/🎁\u007f' })
    expect(headers['ce-subject']).to.equal('orders/1/%C3%9F%20%22x%22%20100%25/%F0%9F%8E%81%7F')
  })

  it('passes the trace on when there is one, and no empty header when there is none', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    expect(requestAt(0).headers).to.not.have.property('traceparent')
    const traced = deliveryRequest({ event, body: '{}', contract: 1, url: 'http://127.0.0.1/x', keys, now: 0, traceparent })
    expect(traced.headers).to.have.property('traceparent', traceparent)
  })

  it('has a digest over the bytes of its body', () => {
    expect(bodyDigest('{"ü":1}')).to.equal(bodyDigest('{"ü":1}')).and.not.equal(bodyDigest('{"u":1}'))
    expect(bodyDigest('')).to.equal('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  })
})
