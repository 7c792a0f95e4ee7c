import type { ConsumerDefinition, Delivered } from '@tributary/consumer'
import { type EventOf, ORDER_TOPIC } from '@tributary/events'
import { queueShipments, retryShipments, settleShipment } from '@tributary/shipping'
import { requestOrderReads } from '../order-read-tasks.ts'

/** What a batch of events says of shipments. */
type Said = {
  requests: EventOf<'ShipmentRequested'>[]
  outcomes: (EventOf<'ShipmentConfirmed'> | EventOf<'ShipmentRefused'>)[]
  consents: EventOf<'SellerAuthorized'>[]
}

/**
 * Keeps the table of shipments as the log says, in the transaction that moves the cursor: what was requested becomes due,
 * an outcome settles it whoever heard it, and a new consent lets what had to wait for one go on. `wake` is called once
 * that can be seen.
 */
export function shipmentsConsumer(wake: () => void): ConsumerDefinition<Said> {
  return {
    name: 'tributaryShipping',
    group: 'tributaryShipping',
    topic: ORDER_TOPIC,
    types: ['ShipmentRequested', 'ShipmentConfirmed', 'ShipmentRefused', 'SellerAuthorized'],
    keyOf: (event) => event.partitionkey,
    prepare: async (events) => saidIn(events),
    async apply(connection, { requests, outcomes, consents }) {
      const now = Date.now()
      await queueShipments(
        connection,
        requests.map(({ data, time, traceparent }) => ({ data, time: Date.parse(time), traceparent })),
        now,
      )
      for (const event of outcomes)
        if (event.data.shipmentId !== null) await settleShipment(connection, event.data.shipmentId, answerOf(event), now)
      await requestOrderReads(
        connection,
        outcomes.filter(isConfirmed).map(({ data: { channel, sellerId, orderId }, traceparent }) => ({
          ...{ channel, sellerId, orderId, traceparent },
          ...({ origin: 'manual', notifiedTime: 0, dueTime: now } as const),
        })),
        now,
      )
      for (const { data } of consents) await retryShipments(connection, data, now)
    },
    committed: wake,
  }
}

function saidIn(events: readonly Delivered[]): Said {
  const said: Said = { requests: [], outcomes: [], consents: [] }
  for (const { event } of events) {
    if (event.type === 'ShipmentRequested') said.requests.push(event)
    else if (event.type === 'ShipmentConfirmed' || event.type === 'ShipmentRefused') said.outcomes.push(event)
    else if (event.type === 'SellerAuthorized') said.consents.push(event)
  }
  return said
}

const isConfirmed = (event: Said['outcomes'][number]): event is EventOf<'ShipmentConfirmed'> =>
  event.type === 'ShipmentConfirmed'

function answerOf(event: Said['outcomes'][number]) {
  if (!isConfirmed(event)) return { kind: 'refused', code: event.data.code, detail: event.data.detail } as const
  const { fulfillmentId, carrier, trackingNumber } = event.data
  return { kind: 'confirmed', fulfillmentId, carrier, trackingNumber } as const
}
