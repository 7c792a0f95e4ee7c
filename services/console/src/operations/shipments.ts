import { Problem } from '@tributary/runtime'
import { findShipment, requestShipment, type Shipment, type ShipmentReception, shipmentsOf } from '@tributary/shipping'
import { type Static, Type } from 'typebox'
import type { CheckedRequest, ConsoleContext, Operation } from '../operation.ts'
import { Channel, closed, Name, Nothing, Time } from '../schemas.ts'
import { OrderPath, orderNameOf, orderUnknown } from './orders.ts'

const ParcelLine = Type.Object({ lineItemId: Name, quantity: Type.Integer({ minimum: 1, maximum: 1_000_000 }) }, closed)
const Text = Type.String({ maxLength: 100, pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$' })
/** The last moment that a JavaScript date can name. */
const LAST_DATE = 8_640_000_000_000_000

const ShipmentBody = Type.Object(
  {
    carrier: Type.Optional({ ...Text, description: 'As the marketplace names it; left out where it chooses.' }),
    trackingNumber: Type.Optional({ ...Text, description: 'Left out where the marketplace chooses it.' }),
    lines: Type.Optional(
      Type.Array(ParcelLine, {
        ...{ minItems: 1, maxItems: 200 },
        description:
          'What is in the package; everything when left out, which only an order can have of which nothing left yet.',
      }),
    ),
    shippedAt: Type.Optional(
      Type.Integer({ minimum: 0, maximum: LAST_DATE, description: 'Milliseconds since 1970; now when left out.' }),
    ),
  },
  closed,
)

const ShipmentView = Type.Object(
  {
    shipmentId: Type.String(),
    channel: Type.Integer(),
    sellerId: Type.String(),
    orderId: Type.String(),
    state: Type.Enum(['requested', 'parked', 'confirmed', 'refused'], {
      description: 'parked: only a person can mend what stops it; it is tried now and then. confirmed and refused are final.',
    }),
    carrier: Type.String(),
    trackingNumber: Type.String(),
    lines: Type.Array(Type.Object({ lineItemId: Type.String(), quantity: Type.Integer() }, closed)),
    shippedAt: Time,
    requestedTime: Time,
    attempts: Type.Integer({ description: 'Tries that did not work.' }),
    lastError: Type.String({ description: 'Why the last try did not work; empty when there was none.' }),
    fulfillmentId: Type.Union([Type.String(), Type.Null()], { description: "The marketplace's id of a confirmed shipment." }),
    refusal: Type.Union([Type.Object({ code: Type.String(), detail: Type.String() }, closed), Type.Null()], {
      description: "The marketplace's reason.",
    }),
    settledTime: Type.Union([Time, Type.Null()]),
  },
  closed,
)

const ORDER = '/v1/orders/{channel}/{sellerId}/{orderId}/shipments'
const ShipmentPath = Type.Object(
  {
    ...{ channel: Channel, sellerId: Name, orderId: Name },
    shipmentId: Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' }),
  },
  closed,
)

export const SHIPMENT_OPERATIONS: readonly Operation[] = [
  {
    ...{ method: 'post', path: ORDER, scope: 'ship', parameters: OrderPath, query: Nothing, body: ShipmentBody },
    summary: 'Tells the marketplace that a package left.',
    description:
      'The answer says that the request is kept, not that the marketplace took it: ask `Location` for that. Repeat the call with the same ' +
      '`Idempotency-Key` whenever its answer did not reach you; the package is announced once.',
    headers: Type.Object({
      'idempotency-key': Type.String({
        pattern: '^[\\x21-\\x7e]{1,255}$',
        description: 'Your own name for this package of this order.',
      }),
    }),
    answers: {
      202: { description: 'Kept; it will be announced.', schema: ShipmentView },
      200: { description: 'Kept before, by a call with the same key.', schema: ShipmentView },
    },
    run: request,
  },
  {
    ...{ method: 'get', path: ORDER, scope: 'read', parameters: OrderPath, query: Nothing },
    summary: 'The shipments of an order that were asked for here, oldest first.',
    answers: {
      200: { description: 'Every shipment.', schema: Type.Object({ shipments: Type.Array(ShipmentView) }, closed) },
    },
    async run({ database }, { path }) {
      return { status: 200, body: { shipments: (await shipmentsOf(database, orderNameOf(path))).map(viewOf) } }
    },
  },
  {
    ...{ method: 'get', path: `${ORDER}/{shipmentId}`, scope: 'read', parameters: ShipmentPath, query: Nothing },
    summary: 'Where a shipment stands.',
    answers: { 200: { description: 'The shipment.', schema: ShipmentView } },
    async run({ database }, { path }) {
      const { shipmentId } = path as Static<typeof ShipmentPath>
      const order = orderNameOf(path)
      const shipment = await findShipment(database, shipmentId)
      const isOfOrder =
        shipment?.channel === order.channel && shipment.sellerId === order.sellerId && shipment.orderId === order.orderId
      if (!shipment || !isOfOrder)
        throw new Problem(
          404,
          'SHIPMENT_UNKNOWN',
          'No shipment of this order has this id. Ids are those of the answer to POST.',
        )
      return { status: 200, body: viewOf(shipment) }
    },
  },
]

async function request({ database, log }: ConsoleContext, { path, headers, body, caller }: CheckedRequest) {
  const order = orderNameOf(path)
  const { carrier = '', trackingNumber = '', lines, shippedAt } = body as Static<typeof ShipmentBody>
  const repeated = lines?.find(({ lineItemId }, index) => lines.findIndex((line) => line.lineItemId === lineItemId) !== index)
  if (repeated)
    throw new Problem(422, 'LINE_REPEATED', `Line ${repeated.lineItemId} stands twice in 'lines'. Add its quantities up.`)
  // JSON can name half of a surrogate pair, which no text that leaves here could hold.
  if (![carrier, trackingNumber, ...(lines ?? []).map(({ lineItemId }) => lineItemId)].every((text) => text.isWellFormed()))
    throw new Problem(422, 'TEXT_MALFORMED', 'The body names half of a surrogate pair. Send whole characters.')
  const reception = await requestShipment(
    { database, log },
    {
      ...{ ...order, carrier, trackingNumber, requestedBy: caller.id.slice(0, 100) },
      idempotencyKey: (headers as { 'idempotency-key': string })['idempotency-key'],
      ...(lines === undefined ? {} : { lines }),
      ...(shippedAt === undefined ? {} : { shippedTime: shippedAt }),
    },
  )
  if (reception.kind !== 'accepted') throw problemOf(reception)
  const { shipment, existing } = reception
  const names = [order.channel, order.sellerId, order.orderId].map((name) => encodeURIComponent(name))
  const location = `/v1/orders/${names.join('/')}/shipments/${shipment.shipmentId}`
  return { status: existing ? 200 : 202, headers: { Location: location }, body: viewOf(shipment) }
}

function problemOf(reception: Exclude<ShipmentReception, { kind: 'accepted' }>): Problem {
  switch (reception.kind) {
    case 'order-unknown':
      return orderUnknown()
    case 'not-shippable':
      return new Problem(
        409,
        'ORDER_NOT_SHIPPABLE',
        `The order is ${reception.status}; only AWAITING_SHIPMENT and PARTIALLY_SHIPPED can be shipped.`,
      )
    case 'lines-needed':
      return new Problem(422, 'LINES_NEEDED', "Part of the order has left already: say in 'lines' what is in this package.")
    case 'line-unknown':
      return new Problem(422, 'LINE_UNKNOWN', `The order has no line ${reception.lineItemId}.`)
    case 'quantity-too-large':
      return new Problem(422, 'QUANTITY_TOO_LARGE', `Of line ${reception.lineItemId} only ${reception.ordered} were ordered.`)
    case 'key-reused':
      return new Problem(
        422,
        'IDEMPOTENCY_KEY_REUSED',
        'This Idempotency-Key stands for another package of this order, or for one of long ago. Use a new key for a new package.',
      )
  }
}

function viewOf({ state, parcel, answer, ...shipment }: Shipment): Static<typeof ShipmentView> {
  const { shipmentId, channel, sellerId, orderId, requestedTime, attempts, lastError, settledTime } = shipment
  return {
    ...{ shipmentId, channel, sellerId, orderId, requestedTime, attempts, lastError, settledTime },
    state: state === 'asked' || state === 'waiting' ? 'requested' : state,
    carrier: answer?.kind === 'confirmed' ? answer.carrier : parcel.carrier,
    trackingNumber: answer?.kind === 'confirmed' ? answer.trackingNumber : parcel.trackingNumber,
    lines: [...parcel.lines],
    shippedAt: parcel.shippedTime,
    fulfillmentId: answer?.kind === 'confirmed' ? answer.fulfillmentId : null,
    refusal: answer?.kind === 'refused' ? { code: answer.code, detail: answer.detail } : null,
  }
}
