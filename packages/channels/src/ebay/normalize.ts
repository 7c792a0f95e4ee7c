import type { NormalOrder, OrderLine } from '@tributary/events'
import type { SourceOrder } from '../port.ts'
import { orderDigest } from '../reading/digest.ts'
import { createFieldReader, type Field, type FieldReader } from '../reading/fields.ts'
import { parseExactly } from '../reading/json-text.ts'
import { readLines } from '../reading/lines.ts'
import { userPerson } from './notification.ts'
import { readBuyerCountries, readPersonal } from './personal.ts'
import { CANCEL_STATES, FULFILLMENT_STATUSES, orderStatus, PAYMENT_STATUSES } from './status.ts'

/**
 * `unreadable` names what is wrong with the one field that an order cannot do without. `buyerCountries` are those that it names
 * for its buyer.
 */
export type OrderOutcome =
  | { kind: 'order'; order: SourceOrder; buyerCountries: string[] }
  | { kind: 'unreadable'; problem: string }

/**
 * Reads the JSON text of one order (eBay Fulfillment OpenAPI v1.20.7, `Order`) as far as it goes. Every field may be missing
 * or have another type; only an order without an id is nothing. The text is kept as it is. `value` is what it parses to.
 */
export function normalizeOrder(text: string, value: unknown = parseExactly(text)): OrderOutcome {
  const read = createFieldReader()
  const root: Field = { value, path: '' }
  const orderId = read.text(read.member(root, 'orderId'))
  if (orderId === undefined) return { kind: 'unreadable', problem: 'missing, empty or no text' }
  const { buyer, receiver } = readPersonal(read, root)
  const order = readOrder(read, root)
  return {
    kind: 'order',
    order: {
      orderId,
      sourceTime: read.time(read.member(root, 'lastModifiedDate')),
      person: buyer.id === undefined ? { kind: 'ebay:order', id: orderId } : userPerson(buyer.id),
      order: { ...order, digest: orderDigest(orderId, order) },
      personal: { buyer, receiver, original: text },
      problems: read.problems,
    },
    // A reader of its own: what is wrong with an address is no problem of the order.
    buyerCountries: readBuyerCountries(createFieldReader(), root),
  }
}

function readOrder(read: FieldReader, root: Field): Omit<NormalOrder, 'digest'> {
  const text = (key: string) => read.text(read.member(root, key))
  const cancelStatus = read.member(root, 'cancelStatus')
  const lineItems = read.member(root, 'lineItems')
  if (lineItems.value === undefined) read.report('lineItems', 'missing')
  const items = read.elements(lineItems)
  const state = {
    cancelState: known(read, read.member(cancelStatus, 'cancelState'), CANCEL_STATES),
    paymentStatus: known(read, read.member(root, 'orderPaymentStatus'), PAYMENT_STATUSES),
    fulfillmentStatus: known(read, read.member(root, 'orderFulfillmentStatus'), FULFILLMENT_STATUSES),
    refunded: [read.member(root, 'paymentSummary'), ...items].some((holder) => hasRefunds(read, holder)),
  }
  return {
    status: orderStatus(state),
    sellerName: text('sellerId') ?? '',
    cancelState: state.cancelState ?? '',
    cancelledDate: read.text(read.member(cancelStatus, 'cancelledDate')) ?? '',
    creationDate: text('creationDate') ?? '',
    creationTime: read.time(read.member(root, 'creationDate')),
    lastModifiedDate: text('lastModifiedDate') ?? '',
    fulfillmentStatus: state.fulfillmentStatus ?? '',
    paymentStatus: state.paymentStatus ?? '',
    ...readLines(read, items, {
      idKey: 'lineItemId',
      idOf: read.text,
      lineOf: (item) => lineOf(read, item),
      areAll: Array.isArray(lineItems.value),
    }),
  }
}

/** A refund stands at the order, or at a line when it was made for one (Fulfillment API, OrderRefund.refundId). */
function hasRefunds(read: FieldReader, holder: Field): boolean {
  return read.elements(read.member(holder, 'refunds')).length > 0
}

/** A raw value, kept whatever it says; none, or one that we do not know, is reported. */
function known(read: FieldReader, field: Field, values: ReadonlySet<string>): string | undefined {
  const value = read.text(field)
  if (value === undefined) read.report(field.path, 'missing')
  else if (!values.has(value)) read.report(field.path, 'a value this version does not know')
  return value
}

function lineOf(read: FieldReader, item: Field): Omit<OrderLine, 'lineItemId'> {
  const text = (key: string) => read.text(read.member(item, key)) ?? ''
  const quantity = read.count(read.member(item, 'quantity'))
  if (quantity === undefined) read.report(`${item.path}.quantity`, 'taken as 0')
  return { quantity: quantity ?? 0, title: text('title'), sku: text('sku') }
}
