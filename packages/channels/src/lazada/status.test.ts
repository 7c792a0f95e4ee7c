import type { OrderStatus } from '@tributary/events'
import { expect } from 'chai'
import { fulfillmentStatus, orderStatus } from './status.ts'
import { readTime, writeTime } from './time.ts'

describe('The status of an order of Lazada', () => {
  const TABLE: [string, OrderStatus][] = [
    ['unpaid', 'PENDING_PAYMENT'],
    ['pending', 'AWAITING_SHIPMENT'],
    ['topack', 'AWAITING_SHIPMENT'],
    ['repacked', 'AWAITING_SHIPMENT'],
    ['packed', 'AWAITING_COLLECTION'],
    ['ready_to_ship', 'AWAITING_COLLECTION'],
    ['ready_to_ship_pending', 'AWAITING_COLLECTION'],
    ['toship', 'AWAITING_COLLECTION'],
    ['shipped', 'SHIPPED'],
    ['shipping', 'SHIPPED'],
    ['delivered', 'DELIVERED'],
    ['confirmed', 'COMPLETED'],
    ['canceled', 'CANCELLED'],
    ['returned', 'RETURNED'],
    ['shipped_back_success', 'RETURNED'],
    ['failed_delivery', 'DELIVERY_FAILED'],
    ['lost_by_3pl', 'DELIVERY_FAILED'],
    ['damaged_by_3pl', 'DELIVERY_FAILED'],
    ['something_new', 'UNKNOWN'],
  ]
  for (const [line, normal] of TABLE)
    it(`is ${normal} when its only line is ${line}`, () => {
      expect(orderStatus([line], false)).to.equal(normal)
    })

  it('is that of the least advanced line that still stands', () => {
    expect(orderStatus(['delivered', 'shipped', 'canceled'], false)).to.equal('SHIPPED')
    expect(orderStatus(['confirmed', 'returned'], false)).to.equal('COMPLETED')
    expect(orderStatus(['pending', 'packed'], false)).to.equal('AWAITING_SHIPMENT')
    expect(orderStatus(['something_new', 'delivered'], false)).to.equal('UNKNOWN')
  })

  it('is partly shipped when some lines are on the way and some are not', () => {
    expect(orderStatus(['shipped', 'pending'], false)).to.equal('PARTIALLY_SHIPPED')
    expect(orderStatus(['delivered', 'ready_to_ship'], false)).to.equal('PARTIALLY_SHIPPED')
  })

  it('is what all lines ended as, and never shippable while the buyer asks to cancel or nothing is known', () => {
    expect(orderStatus(['canceled', 'canceled'], false)).to.equal('CANCELLED')
    expect(orderStatus(['canceled', 'returned'], false)).to.equal('RETURNED')
    expect(orderStatus(['pending'], true)).to.equal('CANCEL_REQUESTED')
    expect(orderStatus([], false)).to.equal('UNKNOWN')
  })

  it('fits its column in its raw form', () => {
    expect(fulfillmentStatus(['shipped', 'pending', 'canceled'])).to.equal('pending')
    expect(fulfillmentStatus(['ready_to_ship_pending'])).to.equal('rts_pending')
    for (const [line] of TABLE) expect(fulfillmentStatus([line]).length).to.be.at.most(20)
  })

  it('comes with moments in two forms, which are the same', () => {
    expect(readTime('2018-10-31 10:18:27 +0700')).to.equal(Date.parse('2018-10-31T03:18:27Z'))
    expect(readTime('2018-02-09T22:44:30+08:00')).to.equal(Date.parse('2018-02-09T14:44:30Z'))
    expect(readTime('1413786247000')).to.equal(1_413_786_247_000)
    for (const text of ['', 'null', '2018-10-31', '31.10.2018 10:18:27 +0700']) expect(readTime(text), text).to.be.NaN
    expect(writeTime(Date.parse('2023-11-14T20:00:00.999Z'))).to.equal('2023-11-14T20:00:00+00:00')
  })
})
