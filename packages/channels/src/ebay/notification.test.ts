import { expect } from 'chai'
import fc from 'fast-check'
import { readEnvelope } from './notification.ts'
import { fixture } from './testing/fixtures.ts'

type Envelope = { metadata: Record<string, unknown>; notification: Record<string, unknown> & { data: Record<string, unknown> } }

const confirmation = () => fixture<Envelope>('synthetic/order-confirmation.notification.json')

function notificationOf(envelope: unknown) {
  const outcome = readEnvelope(envelope)
  if (outcome.kind !== 'read') throw new Error(outcome.detail)
  return outcome.notification
}

describe('An eBay notification', () => {
  const head = { notificationId: '0f0e0d0c-0b0a-4908-8706-050403020100_a0a1a2a3-a4a5-46a7-88a9-aaabacadaeaf' }

  for (const schemaVersion of ['1.0', '1.1']) {
    it(`of ORDER_CONFIRMATION ${schemaVersion} names the seller and the order once, however many lines`, () => {
      const envelope = confirmation()
      envelope.metadata['schemaVersion'] = schemaVersion
      expect(notificationOf(envelope)).to.deep.equal({
        ...head,
        topic: 'ORDER_CONFIRMATION',
        time: Date.parse('2026-11-20T14:15:23.110Z'),
        kind: 'order',
        sellerId: 'SYNTHuser01',
        orderIds: ['12-34567-89012'],
      })
    })
  }

  it('of ORDER_CONFIRMATION without its seller or its order is kept as another one', () => {
    const withoutUser = confirmation()
    delete withoutUser.notification.data['user']
    expect(notificationOf(withoutUser)).to.deep.include({
      kind: 'other',
      sellerId: null,
      person: { kind: 'ebay:notification', id: head.notificationId },
    })
    const withoutOrder = confirmation()
    withoutOrder.notification.data['order'] = { orderId: 7 }
    expect(notificationOf(withoutOrder)).to.deep.include({ kind: 'other', sellerId: 'SYNTHuser01' })
  })

  it('of AUTHORIZATION_REVOCATION names the seller by its lasting id', () => {
    expect(notificationOf(fixture('synthetic/authorization-revocation.notification.json'))).to.deep.include({
      kind: 'revocation',
      sellerId: 'SYNTHuser01',
      person: { kind: 'ebay:user', id: 'SYNTHuser01' },
    })
  })

  it('of MARKETPLACE_ACCOUNT_DELETION names the person by name and by id', () => {
    expect(notificationOf(fixture('marketplace-account-deletion.message.json'))).to.deep.include({
      kind: 'account-deletion',
      people: [
        { kind: 'ebay:user', id: 'test_user' },
        { kind: 'ebay:user', id: 'ma8vp1jySJC' },
      ],
    })
    const sameTwice = fixture<Envelope>('marketplace-account-deletion.message.json')
    sameTwice.notification.data['username'] = 'ma8vp1jySJC'
    expect(notificationOf(sameTwice)).to.deep.include({ people: [{ kind: 'ebay:user', id: 'ma8vp1jySJC' }] })
  })

  it('of an unknown topic is kept under whom it names', () => {
    const envelope = confirmation()
    envelope.metadata['topic'] = 'FEEDBACK_RECEIVED'
    expect(notificationOf(envelope)).to.deep.include({
      topic: 'FEEDBACK_RECEIVED',
      kind: 'other',
      sellerId: 'SYNTHuser01',
      person: { kind: 'ebay:user', id: 'SYNTHuser01' },
    })
  })

  it('falls back to the time of publishing, then to 0', () => {
    const envelope = confirmation()
    envelope.notification['eventDate'] = 'soon'
    expect(notificationOf(envelope).time).to.equal(Date.parse('2026-11-20T14:15:23.407Z'))
    envelope.notification['publishDate'] = 12
    expect(notificationOf(envelope).time).to.equal(0)
  })

  it('is malformed without a topic, an id or data', () => {
    const broken: ((envelope: Envelope) => void)[] = [
      (envelope) => Object.assign(envelope.metadata, { topic: 7 }),
      (envelope) => Object.assign(envelope.notification, { notificationId: '' }),
      (envelope) => Object.assign(envelope.notification, { data: [] }),
    ]
    for (const spoil of broken) {
      const envelope = confirmation()
      spoil(envelope)
      expect(readEnvelope(envelope).kind).to.equal('malformed')
    }
  })

  it('never throws, whatever the JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(readEnvelope(value).kind).to.equal('malformed')
      }),
    )
  })
})
