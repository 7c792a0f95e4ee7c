import type { NormalOrder, OrderLine } from '@tributary/events'
import type { SourceOrder } from '../port.ts'
import { orderDigest } from '../reading/digest.ts'
import { createFieldReader, type Field, type FieldReader } from '../reading/fields.ts'
import { parseExactly } from '../reading/json-text.ts'
import { readLines } from '../reading/lines.ts'
import { isDelivered } from './packages.ts'
import { readPersonal } from './personal.ts'
import { cancelState, isKnownStatus, orderStatus, paymentStatus } from './status.ts'

/** `unreadable` names what is wrong with the one field that an order cannot do without. */
export type OrderOutcome = { kind: 'order'; order: SourceOrder } | { kind: 'unreadable'; problem: string }

const FULFILLERS: ReadonlySet<string> = new Set(['MERCHANT', 'AMAZON'])

/**
 * Reads the JSON text of one order (Orders API v2026-01-01, `Order`) of a seller as far as it goes. Every field may be missing or
 * have another type; only an order without an id is nothing. The text is kept as it is. `withoutPeople` says that the app's roles did
 * not let us ask for buyer and recipient: then the order says so, and is an order all the same.
 */
export function normalizeOrder(text: string, sellerId: string, withoutPeople: boolean): OrderOutcome {
  const read = createFieldReader()
  const root: Field = { value: parseExactly(text), path: '' }
  const orderId = read.text(read.member(root, 'orderId'))
  if (orderId === undefined) return { kind: 'unreadable', problem: 'missing, empty or no text' }
  const order = readOrder(read, root, sellerId)
  const { buyer, receiver } = readPersonal(read, root)
  if (order.status === 'AWAITING_SHIPMENT' || order.status === 'PARTIALLY_SHIPPED')
    reportMissingAddress(read, receiver.addressDetail, withoutPeople)
  return {
    kind: 'order',
    order: {
      orderId,
      sourceTime: read.time(read.member(root, 'lastUpdatedTime')),
      // Nothing tells one buyer's orders from another's.
      person: { kind: 'amazon:order', id: orderId },
      order: { ...order, digest: orderDigest(orderId, order) },
      personal: { buyer, receiver, original: text },
      problems: read.problems,
    },
  }
}

/** Whoever is to ship must learn that there is nowhere to ship to, and why. */
function reportMissingAddress(read: FieldReader, address: string | undefined, withoutPeople: boolean): void {
  if (withoutPeople) read.report('recipient', "not given: the app's roles do not cover it (Direct-to-Consumer Delivery)")
  else if (address === undefined) read.report('recipient.deliveryAddress', 'missing; the app may lack a role for it')
}

function readOrder(read: FieldReader, root: Field, sellerId: string): Omit<NormalOrder, 'digest'> {
  const fulfillment = read.member(root, 'fulfillment')
  const fulfillmentStatus = known(read, read.member(fulfillment, 'fulfillmentStatus'), isKnownStatus)
  const fulfilledBy = known(read, read.member(fulfillment, 'fulfilledBy'), (value) => FULFILLERS.has(value))
  const orderItems = read.member(root, 'orderItems')
  if (orderItems.value === undefined) read.report(orderItems.path, 'missing')
  const items = read.elements(orderItems)
  const cancelAsked = items.some((item) => isCancelOpen(read, item))
  const updated = read.text(read.member(root, 'lastUpdatedTime')) ?? ''
  const state = { fulfillmentStatus, fulfilledBy, cancelAsked, delivered: isDelivered(read, root) }
  return {
    status: orderStatus(state),
    sellerName: sellerId,
    cancelState: cancelState(fulfillmentStatus, cancelAsked),
    // Amazon does not say when; nothing was later than this.
    cancelledDate: fulfillmentStatus === 'CANCELLED' ? updated : '',
    creationDate: read.text(read.member(root, 'createdTime')) ?? '',
    creationTime: read.time(read.member(root, 'createdTime')),
    lastModifiedDate: updated,
    fulfillmentStatus: fulfillmentStatus ?? '',
    paymentStatus: paymentStatus(fulfillmentStatus),
    ...readLines(read, items, {
      idKey: 'orderItemId',
      idOf: read.text,
      lineOf: (item) => lineOf(read, item),
      areAll: Array.isArray(orderItems.value),
    }),
  }
}

/** A raw value, kept whatever it says; none, or one that we do not know, is reported. */
function known(read: FieldReader, field: Field, isKnown: (value: string) => boolean): string | undefined {
  const value = read.text(field)
  if (value === undefined) read.report(field.path, 'missing')
  else if (!isKnown(value)) read.report(field.path, 'a value this version does not know')
  return value
}

/** Somebody asked to cancel the line, and nobody has done it yet. */
function isCancelOpen(read: FieldReader, item: Field): boolean {
  const cancellation = read.member(item, 'cancellation')
  const isThere = (key: string) => ![undefined, null].includes(read.member(cancellation, key).value as null | undefined)
  return isThere('cancellationRequest') && !isThere('cancellationExecution')
}

function lineOf(read: FieldReader, item: Field): Omit<OrderLine, 'lineItemId'> {
  const product = read.member(item, 'product')
  const quantity = read.count(read.member(item, 'quantityOrdered'))
  if (quantity === undefined) read.report(`${item.path}.quantityOrdered`, 'taken as 0')
  return {
    quantity: quantity ?? 0,
    title: read.text(read.member(product, 'title')) ?? '',
    sku: read.text(read.member(product, 'sellerSku')) ?? '',
  }
}
