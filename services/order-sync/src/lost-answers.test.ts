import { createEvent, derivedEventId, encodeEvent, ORDER_TOPIC, orderKey } from '@tributary/events'
import { findShipment } from '@tributary/shipping'
import { type Relay, startRelay, until } from '@tributary/test/servers'
import { expect } from 'chai'
import { listOrderReads } from './order-read-operations.ts'
import {
  EBAY,
  type OrderSyncUnderTest,
  type RunningProcess,
  startProcess,
  startUnderTest,
} from './testing/order-sync-under-test.ts'

// A claim lasts two minutes, and `until` waits for a quarter of that.
describe('order-sync whose database answers no more, once it has done what was asked', () => {
  let its: OrderSyncUnderTest
  let relay: Relay
  let running: RunningProcess
  let seller: string
  before(async () => {
    its = await startUnderTest()
    relay = await startRelay(its.surroundings.databaseUrl)
    const configuration = { pollIntervalSeconds: 0.2 }
    running = await startProcess(
      { ...its.surroundings, databaseUrl: relay.url },
      { worker: 1, configuration, lines: its.lines },
    )
    seller = await its.addSeller()
  })
  after(async () => {
    await running?.stop()
    await relay?.close()
    await its.close()
  })

  const isReceived = async (orderId: string) => (await its.received(orderId)).length === 1

  for (const statement of ['UPDATE tributary_order_read SET claimed_by = ', 'DELETE FROM tributary_order_read WHERE channel'])
    it(`reads an order all the same, by itself: ${statement}…`, async () => {
      const lost = relay.loseAnswerTo(statement)
      const { orderId } = its.ebay.market.addOrder(seller)
      await its.notify(seller, orderId)
      await lost
      await until('the order is received', () => isReceived(orderId))
      await until('nothing is left to read', async () => (await listOrderReads(its.database)).length === 0)
    })

  for (const statement of ['UPDATE tributary_poll SET epoch = ', 'UPDATE tributary_poll SET claimed_by = NULL, failures = 0'])
    it(`goes on polling: ${statement}…`, async () => {
      await relay.loseAnswerTo(statement)
      const { orderId } = its.ebay.market.addOrder(seller)
      await until('the order is found', () => isReceived(orderId))
    })

  it('tells of a shipment, once', async () => {
    const { orderId } = its.ebay.market.addOrder(seller)
    const shipmentId = derivedEventId('test', orderId)
    const lines = (its.ebay.market.orders.get(orderId)?.order.lineItems ?? []).map(({ lineItemId, quantity }) => ({
      lineItemId,
      quantity,
    }))
    const data = {
      ...{ channel: EBAY, sellerId: seller, orderId, shipmentId, carrier: 'UPS', trackingNumber: '1Z-LOST', lines },
      ...{ shippedTime: Date.now() - 1000, requestedBy: 'test' },
    }
    const lost = relay.loseAnswerTo('UPDATE tributary_shipment SET claimed_by = ', 'COMMIT')
    const partitionkey = orderKey(EBAY, seller, orderId)
    const envelope = { id: shipmentId, source: '/test', subject: `orders/${orderId}`, time: Date.now(), partitionkey }
    await its.log.append(ORDER_TOPIC, [encodeEvent(createEvent({ ...envelope, type: 'ShipmentRequested', data }))])
    await lost
    await until('it is confirmed', async () => (await findShipment(its.database, shipmentId))?.state === 'confirmed')
    expect(its.ebay.market.orders.get(orderId)?.fulfillments).to.have.length(1)
  })
})
