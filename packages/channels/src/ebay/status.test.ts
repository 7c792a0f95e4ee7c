import { expect } from 'chai'
import { type EbayState, orderStatus } from './status.ts'

/** Every row of the status table, then what a new or missing value of eBay becomes. */
const ROWS: [string, Partial<EbayState>, string][] = [
  [
    'cancelled wins over everything',
    { cancelState: 'CANCELED', paymentStatus: 'FULLY_REFUNDED', fulfillmentStatus: 'FULFILLED' },
    'CANCELLED',
  ],
  ['a full refund', { paymentStatus: 'FULLY_REFUNDED', refunded: true, fulfillmentStatus: 'FULFILLED' }, 'REFUNDED'],
  ['a full refund with an open cancel request', { cancelState: 'IN_PROGRESS', paymentStatus: 'FULLY_REFUNDED' }, 'REFUNDED'],
  ['a failed payment', { paymentStatus: 'FAILED' }, 'PAYMENT_FAILED'],
  ['a pending payment', { paymentStatus: 'PENDING' }, 'PENDING_PAYMENT'],
  [
    'a pending payment with an open cancel request',
    { paymentStatus: 'PENDING', cancelState: 'IN_PROGRESS' },
    'PENDING_PAYMENT',
  ],
  ['a failed refund of an order to ship', { paymentStatus: 'FAILED', refunded: true }, 'AWAITING_SHIPMENT'],
  [
    'a pending refund of a shipped order',
    { paymentStatus: 'PENDING', refunded: true, fulfillmentStatus: 'FULFILLED' },
    'SHIPPED',
  ],
  ['a cancel request before shipping', { cancelState: 'IN_PROGRESS' }, 'CANCEL_REQUESTED'],
  [
    'a cancel request in the middle of shipping',
    { cancelState: 'IN_PROGRESS', fulfillmentStatus: 'IN_PROGRESS' },
    'CANCEL_REQUESTED',
  ],
  ['a cancel request after shipping', { cancelState: 'IN_PROGRESS', fulfillmentStatus: 'FULFILLED' }, 'SHIPPED'],
  ['paid, nothing sent', {}, 'AWAITING_SHIPMENT'],
  ['paid, partly sent', { fulfillmentStatus: 'IN_PROGRESS' }, 'PARTIALLY_SHIPPED'],
  ['paid, all sent', { fulfillmentStatus: 'FULFILLED' }, 'SHIPPED'],
  ['a part refunded before shipping', { paymentStatus: 'PARTIALLY_REFUNDED', refunded: true }, 'AWAITING_SHIPMENT'],
  ['no cancel state at all', { cancelState: undefined }, 'AWAITING_SHIPMENT'],
  ['an unknown fulfilment status', { fulfillmentStatus: 'DELIVERED' }, 'UNKNOWN'],
  ['an unknown payment status', { paymentStatus: 'HELD' }, 'UNKNOWN'],
  ['an unknown cancel state', { cancelState: 'CANCEL_PENDING' }, 'UNKNOWN'],
  ['no fulfilment status', { fulfillmentStatus: undefined }, 'UNKNOWN'],
  ['no payment status', { paymentStatus: undefined }, 'UNKNOWN'],
]

describe('The status of an eBay order', () => {
  for (const [name, state, status] of ROWS) {
    it(`is ${status} for ${name}`, () => {
      const usual = { cancelState: 'NONE_REQUESTED', paymentStatus: 'PAID', fulfillmentStatus: 'NOT_STARTED', refunded: false }
      expect(orderStatus({ ...usual, ...state })).to.equal(status)
    })
  }
})
