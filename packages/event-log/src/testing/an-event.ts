import { randomUUID } from 'node:crypto'
import type { StoredEvent } from '@tributary/events'

/** An event with an id of its own and the one key of these tests. */
export function anEvent(): StoredEvent {
  return {
    specversion: '1.0',
    id: randomUUID(),
    type: 'OrderNotified',
    source: '/tributary/test',
    subject: 'orders/1/SELLER/1',
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    dataversion: 1,
    partitionkey: 'one',
    data: '{}',
  }
}
