import { randomUUID } from 'node:crypto'
import type { StoredEvent } from '@tributary/events'

/** An event with a new id, unless told otherwise; all have the same key. */
export const anEvent = (change: Partial<StoredEvent> = {}): StoredEvent => ({
  specversion: '1.0',
  id: randomUUID(),
  type: 'OrderNotified',
  source: '/tributary/test',
  subject: 'orders/1/SELLER/1',
  time: new Date().toISOString(),
  datacontenttype: 'application/json',
  dataversion: 1,
  partitionkey: '1:SELLER:1',
  data: '{}',
  ...change,
})
