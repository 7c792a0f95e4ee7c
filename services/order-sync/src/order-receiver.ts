import type { SourceOrder } from '@tributary/channels'
import type { SellerRow } from '@tributary/database'
import { EventLogError } from '@tributary/event-log'
import { type EventError, ORDER_TOPIC } from '@tributary/events'
import { currentTraceparent } from '@tributary/runtime'
import type { OrderSyncContext } from './context.ts'
import { countReceived } from './measure.ts'
import { type ChangedOrder, changeOf } from './order-changes.ts'
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
  /**
   * Appends what was prepared, and remembers it. However often both are repeated after a failure, or done at once, a change is
   * one event. Answers the orders that can be no event; they stop no other. Throws what log or database threw; the part
   * that was kept is recognised when the orders are looked at again.
   */
  keep(prepared: PreparedOrders, signal: AbortSignal): Promise<RefusedOrder<EventError | EventLogError>[]>
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

/** Of event data in one append; an event beyond it is appended alone. */
const MOST_BYTES = 8 * 1024 * 1024

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

  const keep: OrderReceiver['keep'] = async ({ seller, origin, prepared, refused }, signal) => {
    const tooLarge: RefusedOrder<EventLogError>[] = []
    for (const batch of inBatches(prepared)) {
      const outcome = await append(batch, signal)
      tooLarge.push(...outcome.tooLarge)
      await remember(seller, outcome.kept)
      countReceived(seller.channel, origin, outcome.kept.length)
    }
    return [...refused, ...tooLarge]
  }

  async function findChanges(seller: SellerRow, orders: readonly SourceOrder[]): Promise<ChangedOrder[]> {
    const distinct = new Map(orders.map((order) => [order.orderId, order]))
    const seen = await loadSeenOrders(database, seller, [...distinct.keys()])
    return [...distinct]
      .map(([orderId, order]) => changeOf({ ...seller, orderId }, order, seen.get(orderId), vault))
      .filter((change) => change !== null)
  }

  async function append(
    batch: readonly PreparedOrder[],
    signal: AbortSignal,
  ): Promise<{ kept: ChangedOrder[]; tooLarge: RefusedOrder<EventLogError>[] }> {
    const changes = batch.map(({ change }) => change)
    try {
      const events = batch.map(({ event }) => event)
      await log.append(ORDER_TOPIC, events, { signal })
      return { kept: changes, tooLarge: [] }
    } catch (error) {
      if (!(error instanceof EventLogError && error.code === 'LOG_EVENT_TOO_LARGE')) throw error
      if (changes.length === 1) return { kept: [], tooLarge: changes.map(({ order: { orderId } }) => ({ orderId, error })) }
      const outcomes = await Promise.all(batch.map((one) => append([one], signal)))
      return { kept: outcomes.flatMap(({ kept }) => kept), tooLarge: outcomes.flatMap(({ tooLarge }) => tooLarge) }
    }
  }

  async function remember(seller: SellerRow, changes: readonly ChangedOrder[]): Promise<void> {
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

  function report({ channel, sellerId }: SellerRow, { orderId, problems }: SourceOrder): void {
    if (problems.length === 0) return
    figures.problems += 1
    logger.warn({ channel, sellerId, orderId, problems }, 'an order has undocumented fields; it was kept as far as they go')
  }

  return { findChanges, prepare, keep, figures: () => ({ ...figures }) }
}

function inBatches(prepared: readonly PreparedOrder[]): PreparedOrder[][] {
  const batches: PreparedOrder[][] = []
  let bytes = 0
  for (const one of prepared) {
    const size = Buffer.byteLength(one.event.data)
    const current = batches.at(-1)
    if (current && bytes + size <= MOST_BYTES) {
      current.push(one)
      bytes += size
    } else {
      batches.push([one])
      bytes = size
    }
  }
  return batches
}
