import { ORDER_STATUSES, type OrderStatus } from '@tributary/events'
import { expect } from 'chai'
import { type AmazonState, cancelState, orderStatus, paymentStatus } from './status.ts'

describe('The status of an order of Amazon', () => {
  const TABLE: [string | undefined, OrderStatus, string][] = [
    ['PENDING_AVAILABILITY', 'PENDING_PAYMENT', 'PENDING'],
    ['PENDING', 'PENDING_PAYMENT', 'PENDING'],
    ['UNSHIPPED', 'AWAITING_SHIPMENT', 'PAID'],
    ['PARTIALLY_SHIPPED', 'PARTIALLY_SHIPPED', 'PAID'],
    ['SHIPPED', 'SHIPPED', 'PAID'],
    ['CANCELLED', 'CANCELLED', 'PAID'],
    ['UNFULFILLABLE', 'UNFULFILLABLE', 'PAID'],
    ['SOMETHING_NEW', 'UNKNOWN', ''],
    [undefined, 'UNKNOWN', ''],
  ]
  const status = (fulfillmentStatus: string | undefined, change: Partial<AmazonState> = {}) =>
    orderStatus({ fulfillmentStatus, fulfilledBy: 'MERCHANT', cancelAsked: false, delivered: false, ...change })

  for (const [raw, normal, payment] of TABLE)
    it(`is ${normal} when Amazon says ${raw}, and its payment '${payment}'`, () => {
      expect(status(raw)).to.equal(normal)
      expect(paymentStatus(raw)).to.equal(payment)
      expect((raw ?? '').length).to.be.at.most(20)
    })

  it('is a wish to cancel only while there is something to stop', () => {
    const asked = { cancelAsked: true }
    expect(['UNSHIPPED', 'PARTIALLY_SHIPPED'].map((raw) => status(raw, asked))).to.deep.equal([
      'CANCEL_REQUESTED',
      'CANCEL_REQUESTED',
    ])
    expect(['PENDING', 'SHIPPED', 'CANCELLED'].map((raw) => status(raw, asked))).to.deep.equal([
      'PENDING_PAYMENT',
      'SHIPPED',
      'CANCELLED',
    ])
    expect([cancelState('CANCELLED', true), cancelState('UNSHIPPED', true), cancelState('UNSHIPPED', false)]).to.deep.equal([
      'CANCELED',
      'IN_PROGRESS',
      'NONE_REQUESTED',
    ])
  })

  it('is delivered only once it is shipped, and all of it has arrived', () => {
    expect(status('SHIPPED', { delivered: true })).to.equal('DELIVERED')
    expect(status('PARTIALLY_SHIPPED', { delivered: true })).to.equal('PARTIALLY_SHIPPED')
  })

  it('may never be shipped here when Amazon sends it, or when nothing says who does', () => {
    const shippable = new Set<OrderStatus>(['AWAITING_SHIPMENT', 'PARTIALLY_SHIPPED'])
    for (const fulfilledBy of ['AMAZON', undefined, 'SOMEBODY'])
      for (const [raw] of TABLE) {
        const normal = status(raw, { fulfilledBy })
        expect(ORDER_STATUSES).to.include(normal)
        expect(shippable.has(normal), `${fulfilledBy} ${raw}`).to.equal(false)
      }
    expect(status('UNSHIPPED', { fulfilledBy: 'AMAZON' })).to.equal('AWAITING_COLLECTION')
    expect(status('SHIPPED', { fulfilledBy: 'AMAZON' })).to.equal('SHIPPED')
  })
})
