import type { EventLog } from '@tributary/event-log'
import { createRowIds, derivedEventId, type EventData, encodeEvent, ORDER_TOPIC, type StoredEvent } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { aPersonalPart } from '@tributary/projection/testing'
import type { Vault } from '@tributary/vault'

/** Appended with one call. */
const AT_ONCE = 500
/** Orders of one buyer share a data key. */
const ORDERS_OF_A_BUYER = 20

/** About what eBay answers for an order of two lines: 3 KB. */
const ORIGINAL = JSON.stringify({
  orderId: '12-34567-89012',
  lineItems: Array.from({ length: 2 }, (_, line) => ({
    lineItemId: `1001234567890${line}`,
    title: 'Oak mallet, 450 g, turned by hand, oiled',
    deliveryCost: { shippingCost: { value: '4.90', currency: 'EUR' } },
    taxes: Array.from({ length: 8 }, (_, n) => ({ amount: { value: `${n}.19`, currency: 'EUR' }, taxType: 'VAT' })),
    properties: 'x'.repeat(600),
  })),
})

const rowIds = createRowIds({ worker: 0 })

/**
 * Appends one snapshot of each of `orders` orders: two lines and 3 KB of original each, sealed. Snapshots of an order
 * differ from one to the next in the status, the titles and the original.
 */
export async function appendOrders(log: EventLog, vault: Vault, orders: number, snapshot: number): Promise<void> {
  for (let first = 0; first < orders; first += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, orders - first) }, (_, n) => ({ order: first + n, snapshot }))
    await log.append(ORDER_TOPIC, await sealedEvents(vault, batch))
  }
}

type Snapshot = { order: number; snapshot: number }

async function sealedEvents(vault: Vault, batch: readonly Snapshot[]): Promise<StoredEvent[]> {
  const items = batch.map(({ order, snapshot }) => ({
    subject: vault.subject('ebay:user', `buyer ${Math.floor(order / ORDERS_OF_A_BUYER)}`),
    eventId: derivedEventId('bench', order, snapshot),
    plaintext: JSON.stringify(aPersonalPart({ original: ORIGINAL.replace('12-34567-89012', `${order}-${snapshot}`) })),
  }))
  const seals = await vault.seal(items)
  return items.map(({ subject, eventId }, index) => {
    const { order, snapshot } = batch[index] ?? { order: 0, snapshot: 0 }
    const seal = seals[index]
    const jwe = seal?.kind === 'sealed' ? seal.jwe : null
    return encodeEvent(exampleEvent('OrderReceived', eventId, { data: dataOf(order, snapshot, subject, jwe) }))
  })
}

function dataOf(order: number, snapshot: number, subject: string, sealed: string | null): Partial<EventData<'OrderReceived'>> {
  const lines = ['10012345678901', '10012345678902']
  const { order: normal } = exampleEvent('OrderReceived', derivedEventId('bench')).data
  return {
    orderId: `order-${order}`,
    sourceTime: Date.UTC(2026, 10, 23) + snapshot * 60_000,
    rowIds: {
      order: rowIds.next(),
      original: rowIds.next(),
      lines: Object.fromEntries(lines.map((line) => [line, rowIds.next()])),
    },
    order: {
      ...normal,
      status: snapshot % 2 === 0 ? 'AWAITING_SHIPMENT' : 'SHIPPED',
      lines: normal.lines.map((line) => ({ ...line, title: `${line.title} ${snapshot}` })),
    },
    subject,
    sealed,
  }
}
