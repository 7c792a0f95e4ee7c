import { randomBytes } from 'node:crypto'
import { anEvent } from '@tributary/event-log/testing'
import type { StoredEvent } from '@tributary/events'

/** About what a notified order is: a little JSON around 1.5 KB that are sealed. */
const SEALED = randomBytes(1_100).toString('base64url')

let made = 0

/** The event of an order that no other event is about. */
export function anOrderEvent(more: Pick<StoredEvent, 'traceparent'> = {}): StoredEvent {
  const partitionkey = `1:SELLER:${made++}`
  const order = { orderId: partitionkey, status: 'AWAITING_SHIPMENT', lines: [{ sku: 'S-1', quantity: 1 }] }
  return anEvent({
    ...{ type: 'OrderReceived', source: '/tributary/order-sync', subject: `orders/${partitionkey}`, partitionkey },
    data: JSON.stringify({ ...order, sealed: SEALED }),
    ...more,
  })
}
