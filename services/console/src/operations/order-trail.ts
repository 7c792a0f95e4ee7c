import type { Connection, Database } from '@tributary/database'
import type { EventLog } from '@tributary/event-log'
import { ORDER_TOPIC, orderKey } from '@tributary/events'
import { findEvents } from '@tributary/history'
import { type Static, Type } from 'typebox'
import { closed, Id, Time } from '../schemas.ts'

/** An event of an order, and where it stands in the log. */
export const OrderEvent = Type.Object(
  {
    eventId: Type.String(),
    type: Type.String(),
    topic: Type.String(),
    partition: Type.Integer({ minimum: 0 }),
    position: Id,
    recordedTime: Time,
    traceId: Type.Union([Type.String(), Type.Null()]),
  },
  closed,
)

/** One attempt to deliver an event of an order. */
export const OrderDelivery = Type.Object(
  {
    endpoint: Type.String(),
    eventId: Type.String(),
    attempt: Type.Integer(),
    time: Time,
    outcome: Type.String(),
    reason: Type.String(),
    status: Type.Integer({ description: 'Of the HTTP answer; 0 when there was none.' }),
    durationMs: Type.Integer(),
  },
  closed,
)

/** Events that may be walked through for one answer, where the index has not come to them yet. */
const MOST_WALKED = 20_000
const MOST_ATTEMPTS = 500

class IndexBehind extends Error {}

/** Why an order is as it is, and what was sent of it. Throws EventLogError, DatabaseError. */
export async function readOrderTrail(
  { database, log }: { database: Database; log: EventLog },
  { channel, sellerId, orderId }: { channel: number; sellerId: string; orderId: string },
): Promise<{ events: Static<typeof OrderEvent>[] | null; deliveries: Static<typeof OrderDelivery>[] }> {
  const events = await findOrderEvents({ database, log }, orderKey(channel, sellerId, orderId))
  const ids = (events ?? []).map(({ eventId }) => eventId)
  return { events, deliveries: ids.length === 0 ? [] : await attemptsFor(database, ids) }
}

async function findOrderEvents(
  context: { database: Database; log: EventLog },
  key: string,
): Promise<Static<typeof OrderEvent>[] | null> {
  const found = await findEvents(
    context,
    ORDER_TOPIC,
    { kind: 'key', key },
    {
      matches: ({ event }) => event.partitionkey === key,
      onWalk(events) {
        if (events > MOST_WALKED) throw new IndexBehind()
      },
    },
  ).catch((error: unknown) => {
    if (error instanceof IndexBehind) return null
    throw error
  })
  return (
    found?.map(({ event, topic, partition, position, recordedTime }) => ({
      ...{ eventId: event.id, type: event.type, topic, partition, position, recordedTime },
      traceId: event.traceparent?.split('-')[1] ?? null,
    })) ?? null
  )
}

function attemptsFor(connection: Connection, eventIds: readonly string[]): Promise<Static<typeof OrderDelivery>[]> {
  return connection.query(
    `SELECT endpoint, event_id AS eventId, attempt, time, outcome, reason, status, duration_ms AS durationMs
     FROM tributary_delivery_attempt WHERE event_id IN (?) ORDER BY time, endpoint, attempt LIMIT ${MOST_ATTEMPTS}`,
    [eventIds],
  )
}
