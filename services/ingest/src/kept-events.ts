import type { Notification, Person } from '@tributary/channels'
import { createEvent, derivedEventId, type Event, EventError, orderKey, sellerKey } from '@tributary/events'
import type { Vault } from '@tributary/vault'
import { SOURCE } from './context.ts'
import type { Origin } from './reception.ts'

/** A verified notification with its bytes; account deletions go another way (erasure.ts). */
export type Received = Origin & {
  /** The number of the channel that it came from. */
  channel: number
  notification: Exclude<Notification, { kind: 'account-deletion' }>
  body: Buffer
}

/**
 * The events that keep a notification. Their ids are derived from its own, so hearing it again keeps nothing new.
 * What it says is not ours to trust: an id that no event can carry is kept inside the sealed body only.
 */
export async function eventsOf(received: Received, vault: Vault): Promise<Event[]> {
  const { notification } = received
  try {
    if (notification.kind === 'order') return orderEvents(received, notification)
    return [await bodyEvent(received, notification.sellerId, notification.person, vault)]
  } catch (error) {
    if (!(error instanceof EventError)) throw error
    const person = { kind: 'notification', id: `${received.channel}:${notification.notificationId}` }
    return [await bodyEvent(received, null, notification.kind === 'order' ? person : notification.person, vault)]
  }
}

type OrderNotification = Extract<Notification, { kind: 'order' }>

function orderEvents(received: Received, notification: OrderNotification): Event[] {
  const { channel } = received
  const { notificationId, topic, time, sellerId } = notification
  return notification.orderIds.map((orderId) =>
    createEvent({
      id: derivedEventId('OrderNotified', channel, notificationId, orderId),
      type: 'OrderNotified',
      source: SOURCE,
      subject: `orders/${channel}/${sellerId}/${orderId}`,
      time: received.time,
      partitionkey: orderKey(channel, sellerId, orderId),
      ...traceOf(received),
      data: { channel, sellerId, orderId, topic, notificationId, notifiedTime: time },
    }),
  )
}

async function bodyEvent(received: Received, sellerId: string | null, person: Person, vault: Vault): Promise<Event> {
  const { channel, notification, body } = received
  const { notificationId, topic, time } = notification
  const id = derivedEventId('NotificationReceived', channel, notificationId)
  const subject = vault.subject(person.kind, person.id)
  const [outcome] = await vault.seal([{ subject, eventId: id, plaintext: body.toString('utf8') }])
  return createEvent({
    id,
    type: 'NotificationReceived',
    source: SOURCE,
    subject: `notifications/${channel}/${id}`,
    time: received.time,
    partitionkey: sellerId === null ? id : sellerKey(channel, sellerId),
    ...traceOf(received),
    data: {
      channel,
      topic,
      notificationId,
      notifiedTime: time,
      sellerId,
      subject,
      sealed: outcome?.kind === 'sealed' ? outcome.jwe : null,
    },
  })
}

/** The trace goes on in whoever reads the event. */
export const traceOf = ({ traceparent }: Origin): { traceparent?: string } => (traceparent === undefined ? {} : { traceparent })
