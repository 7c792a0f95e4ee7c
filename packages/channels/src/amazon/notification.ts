import { createHash } from 'node:crypto'
import type { Notification, NotificationContent } from '../port.ts'
import { createFieldReader, type Field, type FieldReader } from '../reading/fields.ts'
import { parseIfJson } from '../reading/json-text.ts'

/** What the longest of our columns for such an id holds. */
const LONGEST_ID = 200

/**
 * Reads a notification of SP-API ("ORDER_CHANGE", payload version 1.0) as it lies in a queue or in a message of SNS; undefined when it
 * is none. Its summary is old by the time it comes and never taken for the order: it only says which one to read.
 */
export function readNotification(text: string): Notification | undefined {
  const read = createFieldReader()
  const root: Field = { value: parseIfJson(text), path: '' }
  const topic = read.text(member(read, root, 'NotificationType'))
  if (topic === undefined || topic.length > LONGEST_ID) return undefined
  const id = read.text(member(read, member(read, root, 'NotificationMetadata'), 'NotificationId'))
  const notificationId = id === undefined || id.length > LONGEST_ID ? digestOf(text) : id
  const time = Math.max(0, Date.parse(read.text(member(read, root, 'EventTime')) ?? '') || 0)
  return { notificationId, topic, time, ...contentOf(read, root, topic, notificationId) }
}

/** Kept as it came, because somebody has to look at it: what it says is none of Amazon's notifications. `id` is that of its envelope. */
export function unreadableNotification(id: string, time: number): Notification {
  const person = { kind: 'notification', id: `3:${id}` }
  return { notificationId: id, topic: 'UNREADABLE', time, kind: 'other', sellerId: null, person }
}

function contentOf(read: FieldReader, root: Field, topic: string, notificationId: string): NotificationContent {
  const change = member(read, member(read, root, 'Payload'), 'OrderChangeNotification')
  const sellerId = read.text(member(read, change, 'SellerId'))
  const orderId = read.text(member(read, change, 'AmazonOrderId'))
  if (topic === 'ORDER_CHANGE' && sellerId !== undefined && orderId !== undefined)
    return { kind: 'order', sellerId, orderIds: [orderId] }
  return { kind: 'other', sellerId: sellerId ?? null, person: { kind: 'notification', id: `3:${notificationId}` } }
}

/** Amazon writes null where it has nothing. */
function member(read: FieldReader, parent: Field, key: string): Field {
  const field = read.member(parent, key)
  return field.value === null ? { ...field, value: undefined } : field
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex')
