import type { ModifiedWindow, OrderPage } from '@tributary/channels'
import { isGone, listSellers, processIdentity } from '@tributary/database'
import { inSpan, type WorkLoop } from '@tributary/runtime'
import { releaseShipmentsOfGone } from '@tributary/shipping'
import { checkOrderCalls, pauseWhenLimited } from './call-budget.ts'
import type { OrderSyncContext } from './context.ts'
import { storedReason, verdictOn } from './failure.ts'
import type { RefusedOrder } from './order-events.ts'
import { parkOrderRead, tidyOrderReads } from './order-read-tasks.ts'
import type { AppendedOrders, OrderReceiver } from './order-receiver.ts'
import { type Pace, retryWait } from './pace.ts'
import {
  advancePoll,
  claimPoll,
  ensurePolls,
  finishPoll,
  type Poll,
  PollLost,
  putBackPoll,
  releasePolls,
  rewindPoll,
  settleRevocation,
  tidyPolls,
} from './poll-rows.ts'
import { dropWalk, keepWalk, unfinishedWalk } from './poll-walks.ts'
import { isAhead, nextWindow, splitWindow } from './poll-windows.ts'
import { type createSellerAccess, type SellerAccess, SellerUnknown } from './seller-access.ts'
import { startTaskLoop } from './task-loop.ts'
import { workedAhead } from './worked-ahead.ts'

type Parts = {
  context: OrderSyncContext
  pace: Pace
  receiver: OrderReceiver
  openSeller: ReturnType<typeof createSellerAccess>
}

export type Poller = WorkLoop & { figures(): { unreadable: number } }

type WindowPage = { window: ModifiedWindow; page: OrderPage }

/** A page whose changes the log has. */
type AppendedPage = {
  window: ModifiedWindow
  unreadable: OrderPage['unreadable']
  nextPage: string | null
  appended: AppendedOrders
}

/** Pages of a seller in each stage: while one waits for the server, the next has the event loop. */
const AT_ONCE = 2
/** Sellers polled at once in one process. */
const MOST_POLLS = 4
/** An order that has not been shipped by then hardly will be. */
const SWEPT_ORDERS = 30 * 24 * 60 * 60_000
const DAY = 24 * 60 * 60_000
/** What a column for an order id holds. */
const LONGEST_ORDER_ID = 100

/**
 * Polls every seller that has a grant, one process at a time: orders modified since its cursor, with an overlap, page by
 * page. The cursor moves only when the last page of a window is in the log, so what a crash interrupts is read again.
 */
export function startPoller({ context, pace, receiver, openSeller }: Parts): Poller {
  const { database, logger } = context
  const { pollIntervalSeconds, overlapSeconds, reachBackDays } = context.configuration.orderSync
  const interval = pollIntervalSeconds * 1000
  const reach = { overlap: overlapSeconds * 1000, reachBack: reachBackDays * DAY }
  const channels = [...context.channels.keys()]
  const owner = processIdentity()
  const figures = { unreadable: 0 }
  let nextRound = 0

  /** Once an interval: sellers that nobody announced get their turn, and what dead processes left is taken up. */
  async function round(): Promise<void> {
    const sellers = await listSellers(database)
    await ensurePolls(database, sellers)
    await tidyPolls(database, isGone)
    await tidyOrderReads(database, isGone, Date.now())
    await releaseShipmentsOfGone(database, isGone, Date.now())
    nextRound = performance.now() + interval
  }

  async function handle(poll: Poll, signal: AbortSignal): Promise<void> {
    try {
      await inSpan('poll seller', { root: true }, () => pollSeller(poll, signal)).catch((error: unknown) => {
        if (error instanceof PollLost) throw error
        return settle(poll, error, signal)
      })
    } catch (error) {
      if (!(error instanceof PollLost)) throw error
      logger.info({ ...nameOf(poll) }, error.message)
    }
  }

  async function pollSeller(claimed: Poll, signal: AbortSignal): Promise<void> {
    const access = await openSeller(claimed)
    if (claimed.revocationTime > 0) {
      await access.verify(signal)
      await settleRevocation(database, claimed)
    }
    const poll = await readWindows(await notAhead(claimed), access, signal)
    const now = Date.now()
    const isSweepDue = poll.sweptTime > 0 && now - poll.sweptTime >= pace.sweep
    const sweep = isSweepDue ? { sweep: { since: now - SWEPT_ORDERS, spread: pace.sweep / 24 } } : {}
    // Not all at once for ever after a start: a tenth of jitter spreads the sellers over the interval.
    await finishPoll(database, poll, { now, next: Math.round(now + interval * (0.95 + Math.random() / 10)), ...sweep })
  }

  async function notAhead(claimed: Poll): Promise<Poll> {
    const { cursorTime } = claimed
    if (!isAhead(cursorTime, { now: Date.now(), ...reach })) return claimed
    logger.warn({ ...nameOf(claimed), cursorTime }, 'a clock was ahead when a seller was polled; its orders are read anew')
    await dropWalk(database, claimed)
    return rewindPoll(database, claimed)
  }

  /**
   * Five things go on at once: the marketplace writes a page, we find what changed in the one before, events are made and sealed of
   * the one before that, the log takes those of a fourth, and a fifth is remembered. Each in the order of the pages; what is not
   * remembered yet is read again after a crash.
   */
  async function readWindows(claimed: Poll, access: SellerAccess, signal: AbortSignal): Promise<Poll> {
    let poll = claimed
    const { seller } = access
    const changed = workedAhead(pages(claimed, access, signal), AT_ONCE, async ({ window, page }) => {
      const { unreadable, nextPage } = page
      return { window, unreadable, nextPage, changes: await receiver.findChanges(seller, page.orders) }
    })
    const prepared = workedAhead(changed, AT_ONCE, async ({ changes, ...page }) => ({
      ...page,
      prepared: await receiver.prepare(seller, changes, { origin: 'poll' }),
    }))
    const appended = workedAhead(prepared, AT_ONCE, async ({ prepared: made, ...page }) => ({
      ...page,
      appended: await receiver.append(made, signal),
    }))
    for await (const page of appended) poll = await remember(poll, access, page)
    return poll
  }

  /** The pages since the cursor, oldest first; a window with too many orders is read in parts. */
  async function* pages(poll: Poll, access: SellerAccess, signal: AbortSignal): AsyncGenerator<WindowPage, void, void> {
    const margin = Math.max(pace.clockMargin, access.channel.lag ?? 0)
    const walk = await unfinishedWalk(database, poll, access.channel)
    const windows = [walk?.window ?? nextWindow(poll.cursorTime, { now: Date.now(), margin, ...reach })]
    let from = walk?.page ?? null
    for (let window = windows.shift(); window; window = windows.shift()) {
      let page = await readPage(access, window, from, signal)
      const parts = from === null ? splitWindow(window, page.total) : []
      from = null
      if (parts.length > 1) {
        windows.unshift(...parts)
        continue
      }
      yield { window, page }
      while (page.nextPage !== null) {
        page = await readPage(access, window, page.nextPage, signal)
        yield { window, page }
      }
    }
  }

  /** Remembers the orders of a page; then the claim is prolonged, and the next reading may go on behind it. */
  async function remember(poll: Poll, access: SellerAccess, page: AppendedPage): Promise<Poll> {
    const { window, nextPage, appended } = page
    reportPage(access, page)
    await receiver.remember(appended)
    await parkRefused(access, appended.refused)
    const advanced = await advancePoll(database, poll, nextPage === null ? window.to : 0, Date.now() + pace.claim)
    if (nextPage === null) await dropWalk(database, advanced)
    else await keepWalk(database, advanced, access.channel, { window, page: nextPage })
    return advanced
  }

  async function readPage(
    { channel, session }: SellerAccess,
    window: ModifiedWindow,
    page: string | null,
    signal: AbortSignal,
  ): Promise<OrderPage> {
    await checkOrderCalls(database, { channel: channel.number, now: Date.now(), polling: true })
    return await channel.listOrders(session, window, page, signal)
  }

  async function parkRefused({ seller }: SellerAccess, refused: readonly RefusedOrder<Error>[]): Promise<void> {
    const { channel, sellerId } = seller
    const now = Date.now()
    for (const { orderId, error } of refused) {
      logger.warn({ channel, sellerId, orderId, err: error }, 'an order can be no event until a person acts; parked')
      if (orderId.length > LONGEST_ORDER_ID) continue
      await parkOrderRead(
        database,
        { channel, sellerId, orderId },
        { error: storedReason(error), now, dueTime: now + pace.parked },
      )
    }
  }

  function reportPage({ seller: { channel, sellerId } }: SellerAccess, { unreadable }: Pick<OrderPage, 'unreadable'>): void {
    if (unreadable.length === 0) return
    figures.unreadable += unreadable.length
    logger.error({ channel, sellerId, problems: unreadable }, 'the marketplace listed orders without a usable id')
  }

  async function settle(poll: Poll, error: unknown, signal: AbortSignal): Promise<void> {
    const now = Date.now()
    const { failures } = poll
    if (signal.aborted) return putBackPoll(database, poll, { next: now, failures, error: '' })
    const verdict = verdictOn(error)
    const tried = verdict.kind === 'person' || verdict.counts ? failures + 1 : failures
    // It may be the page that is refused.
    if (verdict.kind === 'person') await dropWalk(database, poll)
    const wait = verdict.kind === 'person' ? interval : retryWait(pace, tried, verdict.retryAfter)
    const next = Math.round(now + wait)
    await pauseWhenLimited(database, error, { channel: poll.channel, operation: 'order', now, until: next })
    // What waits for a person stands in health; saying it each time would bury the rest.
    const isKnown = error instanceof SellerUnknown || (verdict.kind === 'person' && failures > 0)
    const level = isKnown ? 'debug' : 'warn'
    logger[level]({ ...nameOf(poll), reason: storedReason(error), failures: tried, next }, 'a seller could not be polled')
    await putBackPoll(database, poll, { next, failures: tried, error: storedReason(error) })
  }

  const loop = startTaskLoop({
    most: MOST_POLLS,
    async prepare() {
      if (performance.now() >= nextRound) await round()
    },
    claim() {
      const now = Date.now()
      return claimPoll(database, { owner, channels, now, until: now + pace.claim })
    },
    release: (inHand) => releasePolls(database, owner, inHand),
    handle,
    lost: (poll, error) => logger.error({ ...nameOf(poll), err: error }, 'a poll could not be put back yet'),
    failed: (error) => logger.error({ err: error }, 'polls cannot be claimed'),
    idle: pace.idle,
  })
  return { ...loop, figures: () => ({ ...figures }) }
}

function nameOf({ channel, sellerId }: Poll) {
  return { channel, sellerId }
}
