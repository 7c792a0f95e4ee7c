import type { SellerRow } from '@tributary/database'
import { createStoredEvent, EventError, orderHolder, orderKey, type StoredEvent } from '@tributary/events'
import { type OrderSyncContext, SOURCE } from './context.ts'
import type { ChangedOrder, SealedChange } from './order-changes.ts'

export type OrderOrigin = 'notification' | 'poll' | 'manual'

/** A change that has its event. */
export type PreparedOrder = { change: SealedChange; event: StoredEvent }

/** An order that can be no event as it is, and why. */
export type RefusedOrder<E = EventError> = { orderId: string; error: E }

/**
 * Makes `OrderReceived` of changes of one seller, with what is personal sealed in one call for all. Of a person who was
 * erased nothing personal is written or remembered. One order that breaks the event's schema stops no other.
 */
export async function prepareOrderEvents(
  context: Pick<OrderSyncContext, 'vault' | 'rowIds'>,
  seller: SellerRow,
  changes: readonly ChangedOrder[],
  options: { origin: OrderOrigin; traceparent: string | undefined },
): Promise<{ prepared: PreparedOrder[]; refused: RefusedOrder[] }> {
  const prepared: PreparedOrder[] = []
  const refused: RefusedOrder[] = []
  const jwes = await sealPersonalParts(context, seller, changes)
  for (const given of changes) {
    const sealed = jwes.get(given) ?? null
    const { personal: _, ...order } = given.order
    const change = { ...given, order, seen: sealed === null ? { ...given.seen, personal: null } : given.seen }
    try {
      prepared.push({ change, event: receivedEvent(context, seller, change, { ...options, sealed }) })
    } catch (error) {
      if (!(error instanceof EventError)) throw error
      refused.push({ orderId: change.order.orderId, error })
    }
  }
  return { prepared, refused }
}

/** The sealed part of each change that has one: a person whose key was destroyed has none. */
async function sealPersonalParts(
  { vault }: Pick<OrderSyncContext, 'vault'>,
  seller: SellerRow,
  changes: readonly ChangedOrder[],
): Promise<Map<ChangedOrder, string>> {
  const sealable = changes.filter(({ seen }) => seen.personal !== null)
  const outcomes = await vault.seal(
    sealable.map(({ order, eventId, seen }) => ({
      subject: seen.subject,
      eventId,
      holder: orderHolder(seller.channel, seller.sellerId, order.orderId, seller.id),
      plaintext: JSON.stringify(order.personal),
    })),
  )
  const jwes = new Map<ChangedOrder, string>()
  for (const [index, change] of sealable.entries()) {
    const outcome = outcomes[index]
    if (outcome?.kind === 'sealed') jwes.set(change, outcome.jwe)
  }
  return jwes
}

function receivedEvent(
  { rowIds }: Pick<OrderSyncContext, 'rowIds'>,
  { channel, sellerId, id: sellerRowId }: SellerRow,
  { order: source, eventId, seen }: SealedChange,
  { origin, traceparent, sealed }: { origin: OrderOrigin; traceparent: string | undefined; sealed: string | null },
): StoredEvent {
  const { orderId, sourceTime, order, problems } = source
  return createStoredEvent({
    id: eventId,
    type: 'OrderReceived',
    source: SOURCE,
    subject: `orders/${channel}/${sellerId}/${orderId}`,
    time: Date.now(),
    partitionkey: orderKey(channel, sellerId, orderId),
    ...(traceparent === undefined ? {} : { traceparent }),
    data: {
      channel,
      sellerId,
      sellerRowId,
      orderId,
      sourceTime,
      origin,
      rowIds: {
        order: rowIds.next(),
        original: rowIds.next(),
        lines: Object.fromEntries(order.lines.map(({ lineItemId }) => [lineItemId, rowIds.next()])),
      },
      order,
      subject: seen.subject,
      sealed,
      problems: [...problems],
    },
  })
}
