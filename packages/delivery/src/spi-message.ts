import {
  type Event,
  type EventOf,
  type OrderLine,
  OrderLineSchema,
  OrderStatusSchema,
  type PersonalPart,
  PersonalPartSchema,
} from '@tributary/events'
import { type Static, Type } from 'typebox'

/** The version of the body below. It grows only when an old receiver could not read the new body. */
export const SPI_CONTRACT = 1

/** The event types that SPI services of type 1 (order information sync) get, all in one order per order key. */
export const SPI_EVENT_TYPES = ['OrderReceived', 'ShipmentConfirmed', 'ShipmentRefused', 'PersonalDataErased'] as const
export type SpiEvent = Extract<Event, { type: (typeof SPI_EVENT_TYPES)[number] }>

const closed = { additionalProperties: false } as const
const milliseconds = (description: string) =>
  Type.Integer({ minimum: 0, description: `${description} Milliseconds since 1970.` })

const common = {
  version: Type.Literal(SPI_CONTRACT, { description: 'The version of this contract.' }),
  eventId: Type.String({ description: 'The `webhook-id` without `msg_`: the same on every try.' }),
  channel: Type.Integer({ description: '1 eBay, 2 TikTok Shop, 3 Amazon, 4 Lazada.' }),
  sellerId: Type.String({ description: "The marketplace's own id of the seller." }),
  orderId: Type.String({ description: "The marketplace's id of the order." }),
}
const orderAppSellerId = Type.String({ description: '`eg_order_app_seller.id` of the seller, as text.' })

const OrderReceivedMessage = Type.Object(
  {
    ...common,
    type: Type.Literal('OrderReceived'),
    orderAppSellerId,
    sourceTime: milliseconds(
      'When the marketplace last modified the order: the newest snapshot of an order is the one to keep.',
    ),
    status: OrderStatusSchema,
    sellerName: Type.String({ description: 'The seller as the order names it.' }),
    cancelState: Type.String({ description: 'Raw value of the marketplace.' }),
    cancelledDate: Type.String({ description: 'As the marketplace wrote it; empty when there is none.' }),
    creationDate: Type.String({ description: 'As the marketplace wrote it.' }),
    creationTime: Type.Integer({ description: 'The same in milliseconds since 1970; 0 when the date is unreadable.' }),
    lastModifiedDate: Type.String({ description: 'As the marketplace wrote it.' }),
    fulfillmentStatus: Type.String({ description: 'Raw value of the marketplace.' }),
    paymentStatus: Type.String({ description: 'Raw value of the marketplace.' }),
    lines: Type.Array(OrderLineSchema, { description: 'Every line of this snapshot that could be read.' }),
    linesComplete: Type.Boolean({ description: 'Whether that is every line there is: then a line that is missing has gone.' }),
    personalData: Type.Enum(['present', 'erased']),
    buyer: Type.Union([PersonalPartSchema.properties.buyer, Type.Null()], { description: 'null when erased.' }),
    receiver: Type.Union([PersonalPartSchema.properties.receiver, Type.Null()], { description: 'null when erased.' }),
  },
  { ...closed, description: 'A snapshot of an order.' },
)

const ShipmentConfirmedMessage = Type.Object(
  {
    ...common,
    type: Type.Literal('ShipmentConfirmed'),
    sourceTime: milliseconds('When the package left.'),
    shipment: Type.Object(
      {
        shipmentId: Type.Optional(Type.String({ description: 'As the request for the shipment was answered.' })),
        fulfillmentId: Type.String(),
        carrier: Type.String(),
        trackingNumber: Type.String(),
        lines: Type.Array(Type.Object({ lineItemId: Type.String(), quantity: Type.Integer({ minimum: 1 }) }, closed)),
      },
      closed,
    ),
  },
  { ...closed, description: 'The marketplace took our word that a package is on its way.' },
)

const ShipmentRefusedMessage = Type.Object(
  {
    ...common,
    type: Type.Literal('ShipmentRefused'),
    sourceTime: milliseconds('When the marketplace said no.'),
    shipment: Type.Object(
      {
        shipmentId: Type.String({ description: 'As the request for the shipment was answered.' }),
        code: Type.String({ description: "The marketplace's code." }),
        detail: Type.String({ description: 'Its reason.' }),
      },
      closed,
    ),
  },
  { ...closed, description: 'The marketplace would not take a shipment that was asked for.' },
)

const PersonalDataErasedMessage = Type.Object(
  {
    ...common,
    type: Type.Literal('PersonalDataErased'),
    orderAppSellerId,
    sourceTime: milliseconds('When the erasure was asked for.'),
    personalData: Type.Literal('erased'),
  },
  { ...closed, description: 'Forget the buyer and the receiver of this order: their data had to be erased.' },
)

/** The body of a request to an SPI service of type 1, discriminated by `type`. docs/spi.md is its manual. */
export const SpiMessageSchema = Type.Union([
  OrderReceivedMessage,
  ShipmentConfirmedMessage,
  ShipmentRefusedMessage,
  PersonalDataErasedMessage,
])
export type SpiMessage = Static<typeof SpiMessageSchema>

/** Whether events of this type go to SPI services. */
export const isSpiEvent = (event: Event): event is SpiEvent => (SPI_EVENT_TYPES as readonly string[]).includes(event.type)

/**
 * The body for an event, byte for byte the same whenever the same event is rendered with the same personal part.
 * `personal` is `erased` when the key of the person is gone, and not looked at for types that hold none.
 */
export const spiBody = (event: SpiEvent, personal: PersonalPart | 'erased'): string =>
  JSON.stringify(messageOf(event, personal))

function messageOf(event: SpiEvent, personal: PersonalPart | 'erased'): SpiMessage {
  switch (event.type) {
    case 'OrderReceived':
      return orderReceived(event, personal)
    case 'ShipmentConfirmed':
      return shipmentConfirmed(event)
    case 'ShipmentRefused':
      return shipmentRefused(event)
    case 'PersonalDataErased':
      return personalDataErased(event)
  }
}

// Every property is named, in the contract's order: what else an event carries stays inside, and the bytes never vary.

function orderReceived(event: EventOf<'OrderReceived'>, personal: PersonalPart | 'erased'): SpiMessage {
  const { data } = event
  const { order } = data
  return {
    version: SPI_CONTRACT,
    type: event.type,
    eventId: event.id,
    channel: data.channel,
    sellerId: data.sellerId,
    orderAppSellerId: String(data.sellerRowId),
    orderId: data.orderId,
    sourceTime: data.sourceTime,
    status: order.status,
    sellerName: order.sellerName,
    cancelState: order.cancelState,
    cancelledDate: order.cancelledDate,
    creationDate: order.creationDate,
    creationTime: order.creationTime,
    lastModifiedDate: order.lastModifiedDate,
    fulfillmentStatus: order.fulfillmentStatus,
    paymentStatus: order.paymentStatus,
    lines: order.lines.map(lineOf),
    linesComplete: order.linesComplete,
    ...(personal === 'erased'
      ? { personalData: 'erased', buyer: null, receiver: null }
      : { personalData: 'present', buyer: buyerOf(personal.buyer), receiver: receiverOf(personal.receiver) }),
  }
}

const lineOf = ({ lineItemId, quantity, title, sku }: OrderLine): OrderLine => ({ lineItemId, quantity, title, sku })

function buyerOf({
  id,
  name,
  phone,
  email,
  taxId,
  taxType,
  companyName,
  remark,
}: PersonalPart['buyer']): PersonalPart['buyer'] {
  return known({ id, name, phone, email, taxId, taxType, companyName, remark })
}

function receiverOf(receiver: PersonalPart['receiver']): PersonalPart['receiver'] {
  const { name, addressLine1, addressLine2, addressDetail, city, countryCode, province, postalCode } = receiver
  return known({ name, addressLine1, addressLine2, addressDetail, city, countryCode, province, postalCode })
}

/** The fields that have a value, in the order given. */
function known(fields: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined))
}

function shipmentConfirmed({ id, type, data }: EventOf<'ShipmentConfirmed'>): SpiMessage {
  return {
    version: SPI_CONTRACT,
    type,
    eventId: id,
    channel: data.channel,
    sellerId: data.sellerId,
    orderId: data.orderId,
    sourceTime: data.shippedTime,
    shipment: {
      ...(data.shipmentId === null ? {} : { shipmentId: data.shipmentId }),
      fulfillmentId: data.fulfillmentId,
      carrier: data.carrier,
      trackingNumber: data.trackingNumber,
      lines: data.lines.map(({ lineItemId, quantity }) => ({ lineItemId, quantity })),
    },
  }
}

function shipmentRefused({ id, type, data }: EventOf<'ShipmentRefused'>): SpiMessage {
  return {
    version: SPI_CONTRACT,
    type,
    eventId: id,
    channel: data.channel,
    sellerId: data.sellerId,
    orderId: data.orderId,
    sourceTime: data.refusedTime,
    shipment: { shipmentId: data.shipmentId, code: data.code, detail: data.detail },
  }
}

function personalDataErased({ id, type, data }: EventOf<'PersonalDataErased'>): SpiMessage {
  return {
    version: SPI_CONTRACT,
    type,
    eventId: id,
    channel: data.channel,
    sellerId: data.sellerId,
    orderAppSellerId: String(data.sellerRowId),
    orderId: data.orderId,
    sourceTime: data.requestedTime,
    personalData: 'erased',
  }
}
