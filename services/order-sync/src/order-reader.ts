import { ChannelError } from '@tributary/channels'
import { processIdentity } from '@tributary/database'
import { inSpan, traceFrom, type WorkLoop } from '@tributary/runtime'
import { checkOrderCalls, pauseWhenLimited } from './call-budget.ts'
import type { OrderSyncContext, SellerName } from './context.ts'
import { needsPerson, storedReason, TRIES_OF_UNKNOWN, verdictOn } from './failure.ts'
import {
  claimOrderRead,
  dropOrderRead,
  finishOrderRead,
  type OrderReadTask,
  putBackOrderRead,
  releaseOrderReads,
} from './order-read-tasks.ts'
import type { OrderReceiver } from './order-receiver.ts'
import { type Pace, retryWait } from './pace.ts'
import type { createSellerAccess } from './seller-access.ts'
import { startTaskLoop } from './task-loop.ts'

type Parts = {
  context: OrderSyncContext
  pace: Pace
  receiver: OrderReceiver
  openSeller: ReturnType<typeof createSellerAccess>
}

/**
 * Reads the orders that tasks name and hands them to the receiver: so many at once in this process, and half as many of
 * one seller, so that a slow one leaves room for others. A read that fails comes again later; one that only a person can
 * mend is parked and tried now and then; an order that the marketplace keeps not knowing is dropped.
 */
export function startOrderReader({ context, pace, receiver, openSeller }: Parts): WorkLoop {
  const { database, logger } = context
  const { concurrency } = context.configuration.orderSync
  const owner = processIdentity()
  const channels = [...context.channels.keys()]
  const mostOfSeller = Math.ceil(concurrency / 2)

  function busySellers(tasks: readonly OrderReadTask[]): SellerName[] {
    return tasks.filter(
      (task, index) =>
        tasks.filter((other) => isSameSeller(task, other)).length >= mostOfSeller &&
        tasks.findIndex((other) => isSameSeller(task, other)) === index,
    )
  }

  async function handle(task: OrderReadTask, signal: AbortSignal): Promise<void> {
    try {
      const attributes = { 'tributary.channel': task.channel, 'tributary.origin': task.origin }
      const from = traceFrom([{ traceparent: task.traceparent, time: task.createdTime }])
      const again = await inSpan('read order', { attributes, root: true, ...from }, () => read(task, signal))
      if (again === null) await finishOrderRead(database, task, owner, Date.now())
      else await putBackOrderRead(database, task, owner, { dueTime: again, attempts: 0, state: 'waiting', error: '' })
    } catch (error) {
      await settle(task, error, signal)
    }
  }

  /** Answers when to read it once more; null when that is not needed. */
  async function read(task: OrderReadTask, signal: AbortSignal): Promise<number | null> {
    const { seller, channel, session } = await openSeller(task)
    await checkOrderCalls(database, { channel: task.channel, now: Date.now(), polling: task.origin === 'poll' })
    const order = await channel.getOrder(session, task.orderId, signal)
    const traceparent = task.traceparent === null ? {} : { traceparent: task.traceparent }
    const changes = await receiver.findChanges(seller, [order])
    const prepared = await receiver.prepare(seller, changes, { origin: task.origin, ...traceparent })
    const appended = await receiver.append(prepared, signal)
    await receiver.remember(appended)
    const [refused] = appended.refused
    if (refused) throw refused.error
    const shownTime = task.notifiedTime + (channel.lag ?? 0)
    return order.sourceTime < task.notifiedTime && Date.now() < shownTime ? shownTime : null
  }

  async function settle(task: OrderReadTask, error: unknown, signal: AbortSignal): Promise<void> {
    const now = Date.now()
    const { attempts } = task
    const reason = storedReason(error)
    if (signal.aborted) return putBackOrderRead(database, task, owner, { dueTime: now, attempts, state: 'waiting', error: '' })
    if (isHopeless(task, error)) {
      logger.warn({ ...nameOf(task), reason }, 'an order was notified that the marketplace does not know; given up')
      return dropOrderRead(database, task, owner, { error: reason, now })
    }
    if (needsPerson(error, attempts + 1)) {
      logger.warn({ ...nameOf(task), err: error }, 'an order cannot be read until a person acts; parked')
      return putBackOrderRead(database, task, owner, {
        dueTime: now + pace.parked,
        attempts: attempts + 1,
        state: 'parked',
        error: reason,
      })
    }
    const verdict = verdictOn(error)
    const tried = verdict.kind === 'person' || verdict.counts ? attempts + 1 : attempts
    const dueTime = now + retryWait(pace, tried, verdict.kind === 'person' ? 0 : verdict.retryAfter)
    await pauseWhenLimited(database, error, { channel: task.channel, operation: 'order', now, until: dueTime })
    logger.info({ ...nameOf(task), reason, attempts: tried, dueTime }, 'an order could not be read; it is tried again')
    await putBackOrderRead(database, task, owner, { dueTime, attempts: tried, state: 'waiting', error: reason })
  }

  return startTaskLoop({
    most: concurrency,
    claim(inHand) {
      const now = Date.now()
      return claimOrderRead(database, { owner, channels, busy: busySellers(inHand), now, until: now + pace.claim })
    },
    release: (inHand) => releaseOrderReads(database, owner, inHand, Date.now()),
    handle,
    lost: (task, error) => logger.error({ ...nameOf(task), err: error }, 'an order read could not be put back yet'),
    failed: (error) => logger.error({ err: error }, 'the order reads cannot be claimed'),
    idle: pace.idle,
  })
}

function isHopeless(task: OrderReadTask, error: unknown): boolean {
  if (!(error instanceof ChannelError && error.code === 'CHANNEL_ORDER_UNKNOWN')) return false
  return !error.retriable || task.attempts + 1 >= TRIES_OF_UNKNOWN
}

function isSameSeller(one: SellerName, other: SellerName): boolean {
  return one.channel === other.channel && one.sellerId === other.sellerId
}

function nameOf({ channel, sellerId, orderId }: OrderReadTask) {
  return { channel, sellerId, orderId }
}
