import type { NormalOrder, OrderLine } from '@tributary/events'
import type { Person, SourceOrder } from '../port.ts'
import { orderDigest } from '../reading/digest.ts'
import { createFieldReader, type Field, type FieldReader } from '../reading/fields.ts'
import { parseExactly } from '../reading/json-text.ts'
import { readLines } from '../reading/lines.ts'
import { readPersonal } from './personal.ts'
import { isKnownStatus, orderStatus } from './status.ts'

/** `unreadable` names what is wrong with the one field that an order cannot do without. */
export type OrderOutcome = { kind: 'order'; order: SourceOrder } | { kind: 'unreadable'; problem: string }

/**
 * Reads the JSON text of one order (Get Order List 202309, Get Order Detail) of a shop as far as it goes. Every field may be
 * missing or have another type; only an order without an id is nothing. The text is kept as it is.
 */
export function normalizeOrder(text: string, shopId: string): OrderOutcome {
  const read = createFieldReader()
  const root: Field = { value: parseExactly(text), path: '' }
  const orderId = read.text(read.member(root, 'id'))
  if (orderId === undefined) return { kind: 'unreadable', problem: 'missing, empty or no text' }
  const { buyer, receiver } = readPersonal(read, root)
  const order = readOrder(read, root, shopId)
  return {
    kind: 'order',
    order: {
      orderId,
      sourceTime: milliseconds(read, read.member(root, 'update_time')),
      person: personOf(buyer.id, orderId),
      order: { ...order, digest: orderDigest(orderId, order) },
      personal: { buyer, receiver, original: text },
      problems: read.problems,
    },
  }
}

const personOf = (userId: string | undefined, orderId: string): Person =>
  userId === undefined ? { kind: 'tiktok:order', id: orderId } : { kind: 'tiktok:user', id: userId }

function readOrder(read: FieldReader, root: Field, shopId: string): Omit<NormalOrder, 'digest'> {
  const statusField = read.member(root, 'status')
  const status = read.text(statusField)
  if (status === undefined) read.report(statusField.path, 'missing')
  else if (!isKnownStatus(status)) read.report(statusField.path, 'a value this version does not know')
  const cancelAsked = read.member(root, 'is_buyer_request_cancel').value === true
  const createTime = milliseconds(read, read.member(root, 'create_time'))
  const cancelTime = read.member(root, 'cancel_time')
  const lineItems = read.member(root, 'line_items')
  if (lineItems.value === undefined) read.report(lineItems.path, 'missing')
  return {
    status: orderStatus({ status, cancelAsked }),
    sellerName: shopId,
    // The prefix CANCELLATION_REQUEST_ of returns' states does not fit its column either.
    cancelState: cancelAsked ? 'PENDING' : '',
    cancelledDate: cancelTime.value === undefined ? '' : isoTime(milliseconds(read, cancelTime)),
    creationDate: isoTime(createTime),
    creationTime: createTime,
    lastModifiedDate: isoTime(milliseconds(read, read.member(root, 'update_time'))),
    fulfillmentStatus: fulfillmentStatus(read, lineItems) ?? status ?? '',
    paymentStatus: paymentStatus(read, root, status),
    ...readLines(read, read.elements(lineItems), {
      idKey: 'id',
      idOf: read.text,
      lineOf: (item) => lineOf(read, item),
      areAll: Array.isArray(lineItems.value),
    }),
  }
}

/** TikTok has no payment status: what it says of money stands in three fields. */
function paymentStatus(read: FieldReader, root: Field, status: string | undefined): string {
  if (read.member(root, 'is_cod').value === true) return 'COD'
  if (status === 'UNPAID') return 'UNPAID'
  return Number(read.member(root, 'paid_time').value) > 0 ? 'PAID' : ''
}

/** The state of the packages, where all lines are in the same. */
function fulfillmentStatus(read: FieldReader, lineItems: Field): string | undefined {
  const states = new Set(read.elements(lineItems).map((line) => read.text(read.member(line, 'package_status'))))
  const [state] = states
  return states.size === 1 ? state : undefined
}

/** There is no quantity: TikTok lists one line for each unit, with an id of its own. */
function lineOf(read: FieldReader, item: Field): Omit<OrderLine, 'lineItemId'> {
  const text = (key: string) => read.text(read.member(item, key))
  return { quantity: 1, title: text('product_name') ?? '', sku: text('seller_sku') ?? text('sku_id') ?? '' }
}

/** Seconds since 1970, as a number or as its digits, in milliseconds; 0 when missing or none. */
function milliseconds(read: FieldReader, field: Field): number {
  const { value } = field
  const seconds = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value
  if (typeof seconds === 'number' && Number.isInteger(seconds) && seconds >= 0 && seconds < 10_000_000_000)
    return seconds * 1000
  read.report(field.path, value === undefined ? 'missing' : 'no time in seconds since 1970')
  return 0
}

const isoTime = (time: number): string => (time === 0 ? '' : new Date(time).toISOString())
