import type { NormalOrder, OrderLine } from '@tributary/events'
import type { SourceOrder } from '../port.ts'
import { orderDigest } from '../reading/digest.ts'
import { createFieldReader, type Field, type FieldReader } from '../reading/fields.ts'
import { parseExactly } from '../reading/json-text.ts'
import { readLines } from '../reading/lines.ts'
import { plain, readPersonal } from './personal.ts'
import { fulfillmentStatus, isKnownStatus, orderStatus } from './status.ts'
import { readTime } from './time.ts'

/** `unreadable` names what is wrong with the one field that an order cannot do without. */
export type OrderOutcome = { kind: 'order'; order: SourceOrder } | { kind: 'unreadable'; problem: string }

/** The JSON texts of an order and of its lines, as two calls gave them; `seller` and `country` are those of the grant. */
export type OrderTexts = { order: string; items: readonly string[]; seller: string; country: string }

/**
 * Reads an order as far as it goes. Every field may be missing or have another type; only an order without an id is nothing.
 * What is kept as the original is both texts, unchanged, in one object.
 */
export function normalizeOrder(texts: OrderTexts): OrderOutcome {
  const read = createFieldReader()
  const order: Field = { value: parseExactly(texts.order), path: '' }
  const items = texts.items.map((text, index): Field => ({ value: parseExactly(text), path: `items[${index}]` }))
  const orderId = plain(read, read.member(order, 'order_id'))
  if (orderId === undefined) return { kind: 'unreadable', problem: 'missing, empty or no text' }
  const { buyer, receiver } = readPersonal(read, { order, items, country: texts.country })
  const normal = readOrder(read, { order, items, seller: texts.seller })
  const updated = [order, ...items].map((part) => readTime(plain(read, read.member(part, 'updated_at')) ?? ''))
  const newest = Math.max(0, ...updated.filter((time) => !Number.isNaN(time)))
  if (Number.isNaN(updated[0])) read.report('updated_at', 'no time as Lazada writes it')
  return {
    kind: 'order',
    order: {
      orderId,
      sourceTime: newest,
      // Stores of several sellers may carry the same order id.
      person:
        buyer.id === undefined
          ? { kind: 'lazada:order', id: `${texts.seller}:${orderId}` }
          : { kind: 'lazada:user', id: buyer.id },
      order: { ...normal, digest: orderDigest(orderId, normal) },
      personal: { buyer, receiver, original: `{"order":${texts.order},"items":[${texts.items.join(',')}]}` },
      problems: read.problems,
    },
  }
}

function readOrder(
  read: FieldReader,
  { order, items, seller }: { order: Field; items: readonly Field[]; seller: string },
): Omit<NormalOrder, 'digest'> {
  const text = (parent: Field, key: string) => plain(read, read.member(parent, key)) ?? ''
  const statuses = items.map((item) => text(item, 'status').toLowerCase())
  for (const [index, status] of statuses.entries())
    if (!isKnownStatus(status)) read.report(`items[${index}].status`, 'a value this version does not know')
  if (items.length === 0) read.report('items', 'missing')
  const isSet = (key: string) =>
    [order, ...items].some((part) => text(part, key).toLowerCase() === 'true' || isTrue(read, part, key))
  const cancelState = cancelStateOf({ statuses, asked: isSet('need_cancel_confirm'), pending: isSet('is_cancel_pending') })
  const created = readTime(text(order, 'created_at'))
  if (Number.isNaN(created)) read.report('created_at', 'no time as Lazada writes it')
  const cancelled = items.filter((_, index) => statuses[index] === 'canceled').map((item) => text(item, 'updated_at'))
  return {
    status: orderStatus(statuses, cancelState === 'REQUESTED' || cancelState === 'PENDING'),
    sellerName: seller,
    cancelState,
    cancelledDate: cancelState === 'CANCELED' ? (cancelled.toSorted().at(-1) ?? '') : '',
    creationDate: text(order, 'created_at'),
    creationTime: Number.isNaN(created) ? 0 : created,
    lastModifiedDate: text(order, 'updated_at'),
    fulfillmentStatus: fulfillmentStatus(statuses),
    paymentStatus: paymentStatus(statuses, text(order, 'payment_method')),
    ...readLines(read, items, {
      idKey: 'order_item_id',
      idOf: (id) => plain(read, id),
      lineOf: (item) => lineOf(read, item),
      areAll: items.length > 0,
    }),
  }
}

const isTrue = (read: FieldReader, part: Field, key: string): boolean => read.member(part, key).value === true

function cancelStateOf({
  statuses,
  asked,
  pending,
}: {
  statuses: readonly string[]
  asked: boolean
  pending: boolean
}): string {
  if (statuses.length > 0 && statuses.every((status) => status === 'canceled')) return 'CANCELED'
  if (asked) return 'REQUESTED'
  return pending ? 'PENDING' : ''
}

/** Lazada has no payment status: what it says of money stands in the lines and in the method. */
function paymentStatus(statuses: readonly string[], method: string): string {
  if (method === 'COD') return 'COD'
  if (statuses.length === 0) return ''
  return statuses.includes('unpaid') ? 'UNPAID' : 'PAID'
}

/** There is no quantity: Lazada lists one line for each unit, with an id of its own. */
function lineOf(read: FieldReader, item: Field): Omit<OrderLine, 'lineItemId'> {
  const text = (key: string) => plain(read, read.member(item, key))
  return { quantity: 1, title: text('name') ?? '', sku: text('sku') ?? text('shop_sku') ?? text('sku_id') ?? '' }
}
