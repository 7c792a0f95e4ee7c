import type { Notification } from '@tributary/channels'
import { createEvent, derivedEventId, type Event, type OrderHolder, orderKey, parseOrderHolder } from '@tributary/events'
import { type IngestContext, SOURCE } from './context.ts'
import { traceOf } from './kept-events.ts'
import type { Origin } from './reception.ts'
import type { Append } from './work.ts'

type AccountDeletion = Extract<Notification, { kind: 'account-deletion' }>

/**
 * Makes what we hold of a person unreadable, then tells every order that holds some. The key goes first: should we
 * fail in between, the marketplace sends the notice again and the vault still knows the holders. Event ids derive
 * from person and order, so however often it is asked for, an erasure stands in the log once.
 * Somebody we never heard of costs one look-up.
 */
export async function erasePeople(
  context: Pick<IngestContext, 'vault' | 'rowIds'>,
  append: Append,
  notification: AccountDeletion,
  origin: Origin,
): Promise<void> {
  for (const person of notification.people) {
    const subject = context.vault.subject(person.kind, person.id)
    const { holders } = await context.vault.destroy(subject)
    const orders = holders.map(parseOrderHolder).filter((order) => order !== undefined)
    await append(orders.map((order) => erasureEvent(order, subject, context.rowIds.next(), notification, origin)))
  }
}

function erasureEvent(
  { channel, sellerId, orderId, sellerRowId }: OrderHolder,
  subject: string,
  rowId: number,
  { notificationId, time }: AccountDeletion,
  origin: Origin,
): Event {
  return createEvent({
    id: derivedEventId('PersonalDataErased', subject, channel, sellerId, orderId),
    type: 'PersonalDataErased',
    source: SOURCE,
    subject: `orders/${channel}/${sellerId}/${orderId}`,
    time: origin.time,
    partitionkey: orderKey(channel, sellerId, orderId),
    ...traceOf(origin),
    data: {
      channel,
      sellerId,
      sellerRowId,
      orderId,
      rowId,
      subject,
      reason: 'account-deletion',
      notificationId,
      requestedTime: time,
    },
  })
}
