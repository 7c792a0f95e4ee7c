import type { SourceOrder } from '@tributary/channels'
import type { SellerRow } from '@tributary/database'
import { EventLogError } from '@tributary/event-log'
import { type EventError, ORDER_TOPIC } from '@tributary/events'
import { currentTraceparent } from '@tributary/runtime'
import type { OrderSyncContext } from './context.ts'
import { countReceived } from './measure.ts'
import { type ChangedOrder, changeOf, type SealedChange } from './order-changes.ts'
import { type OrderOrigin, type PreparedOrder, prepareOrderEvents, type RefusedOrder } from './order-events.ts'
import { requestOrderReads } from './order-read-tasks.ts'
import { loadSeenOrders, rememberOrders } from './seen-orders.ts'

export type OrderReceiver = {
  /** Those of a seller's orders that changed since they were seen last. Throws what the database threw. */
  findChanges(seller: SellerRow, orders: readonly SourceOrder[]): Promise<ChangedOrder[]>
  /**
   * Makes `OrderReceived` of each change of a seller's orders, sealed and ready to be kept.
   * The trace that is going on counts more than the `traceparent` that began it, which stands in without telemetry.
   * Throws what vault or database threw.
   */
  prepare(
    seller: SellerRow,
    changes: readonly ChangedOrder[],
    options: { origin: OrderOrigin; traceparent?: string | undefined },
  ): Promise<PreparedOrders>
  /** Appends what was prepared. An order that can be no event stops no other. Throws what the log threw. */
  append(prepared: PreparedOrders, signal: AbortSignal): Promise<AppendedOrders>
  /**
   * Remembers what was appended. However often both are repeated after a failure, or done at once, a change is one event: what
   * was appended is recognised when the orders are looked at again. Throws what the database threw.
   */
  remember(appended: AppendedOrders): Promise<void>
  /** Since the start: orders appended, those among them with undocumented fields, and when the last one was. */
  figures(): { received: number; problems: number; lastReceivedTime: number | null }
}

/** Changes of one seller's orders that have their events, and those that can have none. */
export type PreparedOrders = {
  seller: SellerRow
  origin: OrderOrigin
  prepared: readonly PreparedOrder[]
  refused: readonly RefusedOrder[]
}

/** What became of a batch. */
type Outcome = { kept: SealedChange[]; tooLarge: RefusedOrder<EventLogError>[] }

/** Changes that the log has now, and the orders that can be no event. */
export type AppendedOrders = {
  seller: SellerRow
  appended: readonly SealedChange[]
  refused: readonly RefusedOrder<EventError | EventLogError>[]
}

/** Of event data in one append, which may be three bytes each; an event beyond it is appended alone. */
const MOST_CHARACTERS = 8 * 1024 * 1024

export function createOrderReceiver(
  context: Pick<OrderSyncContext, 'database' | 'log' | 'vault' | 'rowIds' | 'logger'>,
): OrderReceiver {
  const { database, log, vault, logger } = context
  const figures = { received: 0, problems: 0, lastReceivedTime: null as number | null }

  const prepare: OrderReceiver['prepare'] = async (seller, changes, { origin, traceparent }) => {
    const made = await prepareOrderEvents(context, seller, changes, {
      origin,
      traceparent: currentTraceparent() ?? traceparent,
    })
    return { seller, origin, ...made }
  }

  const append: OrderReceiver['append'] = async ({ seller, origin, prepared, refused }, signal) => {
    const outcomes: Outcome[] = []
    for (const batch of inBatches(prepared)) outcomes.push(await appendBatch(batch, signal))
    const appended = outcomes.flatMap(({ kept }) => kept)
    countReceived(seller.channel, origin, appended.length)
    return { seller, appended, refused: [...refused, ...outcomes.flatMap(({ tooLarge }) => tooLarge)] }
  }

  async function findChanges(seller: SellerRow, orders: readonly SourceOrder[]): Promise<ChangedOrder[]> {
    const distinct = new Map(orders.map((order) => [order.orderId, order]))
    const seen = await loadSeenOrders(database, seller, [...distinct.keys()])
    return [...distinct]
      .map(([orderId, order]) => changeOf({ ...seller, orderId }, order, seen.get(orderId), vault))
      .filter((change) => change !== null)
  }

  async function appendBatch(batch: readonly PreparedOrder[], signal: AbortSignal): Promise<Outcome> {
    const changes = batch.map(({ change }) => change)
    try {
      const events = batch.map(({ event }) => event)
      await log.append(ORDER_TOPIC, events, { signal })
      return { kept: changes, tooLarge: [] }
    } catch (error) {
      if (!(error instanceof EventLogError && error.code === 'LOG_EVENT_TOO_LARGE')) throw error
      if (changes.length === 1) return { kept: [], tooLarge: changes.map(({ order: { orderId } }) => ({ orderId, error })) }
      const outcomes = await Promise.all(batch.map((one) => appendBatch([one], signal)))
      return { kept: outcomes.flatMap(({ kept }) => kept), tooLarge: outcomes.flatMap(({ tooLarge }) => tooLarge) }
    }
  }

  const remember: OrderReceiver['remember'] = async ({ seller, appended: changes }) => {
    const overtaken = await rememberOrders(database, seller, changes)
    const now = Date.now()
    const { channel, sellerId } = seller
    await requestOrderReads(
      database,
      overtaken.map((orderId) => ({ channel, sellerId, orderId, origin: 'poll', notifiedTime: 0, dueTime: now })),
      now,
    )
    if (changes.length > 0) figures.lastReceivedTime = now
    figures.received += changes.length
    for (const { order } of changes) report(seller, order)
  }

  function report({ channel, sellerId }: SellerRow, { orderId, problems }: SealedChange['order']): void {
    if (problems.length === 0) return
    figures.problems += 1
    logger.warn({ channel, sellerId, orderId, problems }, 'an order has undocumented fields; it was kept as far as they go')
  }

  return { findChanges, prepare, append, remember, figures: () => ({ ...figures }) }
}

function inBatches(prepared: readonly PreparedOrder[]): PreparedOrder[][] {
  const batches: PreparedOrder[][] = []
  let characters = 0
  for (const one of prepared) {
    const { length } = one.event.data
    const current = batches.at(-1)
    if (current && characters + length <= MOST_CHARACTERS) {
      current.push(one)
      characters += length
    } else {
      batches.push([one])
      characters = length
    }
  }
  return batches
}
