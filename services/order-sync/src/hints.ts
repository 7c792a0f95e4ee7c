import type { ConsumerDefinition, Delivered } from '@tributary/consumer'
import { pollAtOnce } from '@tributary/database'
import { type Event, type EventOf, ORDER_TOPIC } from '@tributary/events'
import type { SellerName } from './context.ts'
import { retryOrderReads } from './order-read-operations.ts'
import { type OrderReadRequest, requestOrderReads } from './order-read-tasks.ts'
import { noteRevocation } from './poll-rows.ts'
import { forgetPersonalData } from './seen-orders.ts'

/** What a batch of events asks for. */
type Hints = {
  reads: OrderReadRequest[]
  revocations: (SellerName & { time: number })[]
  consents: SellerName[]
  erasures: EventOf<'PersonalDataErased'>['data'][]
}

/** What marketplaces call the notice of a grant that a seller took back: eBay, and TikTok Shop (webhook 6). */
const REVOCATIONS: ReadonlySet<string> = new Set(['AUTHORIZATION_REVOCATION', 'SELLER_DEAUTHORIZATION'])

/**
 * Turns what the log says into work that stands in tables, in the transaction that moves the cursor: no hint is lost, and
 * the reading itself holds up no partition. `wake` is called once that work can be seen.
 */
export function hintsConsumer(wake: () => void): ConsumerDefinition<Hints> {
  return {
    name: 'tributaryOrderSync',
    group: 'tributaryOrderSync',
    topic: ORDER_TOPIC,
    types: ['OrderNotified', 'NotificationReceived', 'SellerAuthorized', 'PersonalDataErased'],
    keyOf: (event) => event.partitionkey,
    prepare: async (events) => hintsOf(events),
    async apply(connection, { reads, revocations, consents, erasures }) {
      const now = Date.now()
      await requestOrderReads(connection, reads, now)
      for (const { time, ...seller } of revocations) await noteRevocation(connection, seller, time)
      await pollAtOnce(connection, consents)
      for (const seller of consents) await retryOrderReads(connection, seller, now)
      await forgetPersonalData(connection, erasures)
    },
    committed: wake,
  }
}

function hintsOf(events: readonly Delivered[]): Hints {
  const hints: Hints = { reads: [], revocations: [], consents: [], erasures: [] }
  for (const { event } of events) addHint(hints, event)
  return hints
}

function addHint(hints: Hints, event: Event): void {
  switch (event.type) {
    case 'OrderNotified':
      hints.reads.push(requestOf(event))
      break
    case 'NotificationReceived':
      if (REVOCATIONS.has(event.data.topic) && event.data.sellerId !== null)
        hints.revocations.push({
          channel: event.data.channel,
          sellerId: event.data.sellerId,
          // 0 would say that there is none.
          time: Math.max(1, event.data.notifiedTime),
        })
      break
    case 'SellerAuthorized':
      hints.consents.push({ channel: event.data.channel, sellerId: event.data.sellerId })
      break
    case 'PersonalDataErased':
      hints.erasures.push(event.data)
      break
  }
}

function requestOf({ data, traceparent }: EventOf<'OrderNotified'>): OrderReadRequest {
  const { channel, sellerId, orderId, notifiedTime } = data
  return { channel, sellerId, orderId, notifiedTime, origin: 'notification', dueTime: 0, traceparent }
}
