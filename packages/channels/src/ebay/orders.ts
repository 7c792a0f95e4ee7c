import type { FieldProblem } from '@tributary/events'
import { type Answer, ORDERS_ANSWER } from '../http.ts'
import type { Channel, ModifiedWindow, OrderPage, Session, SourceOrder } from '../port.ts'
import { ChannelError } from '../port.ts'
import { parseAnswer, readOrderList } from './answers.ts'
import { readFaults, refusal } from './errors.ts'
import { normalizeOrder } from './normalize.ts'
import { type PageToken, pageAfter, readPageToken, writePageToken } from './page-token.ts'
import type { SellerCall } from './seller-call.ts'

/** eBay allows 200; half of it keeps an answer small enough to arrive in time. */
const PAGE_SIZE = 100
const DETAIL_READS_AT_ONCE = 4
const TAX_COUNTRIES: ReadonlySet<string> = new Set(['IT', 'ES', 'GT'])
const INVALID_ORDER_ID = 32100
const DATE_IN_FUTURE = 30850

type Orders = Pick<Channel, 'listOrders' | 'getOrder'>
type ListedOrder = { order: SourceOrder; buyerCountries: readonly string[] }

/**
 * Orders by modification time and one by one (eBay Fulfillment API v1.20.7, getOrders and getOrder).
 * The end of a window must lie in eBay's past: the caller keeps a margin for the difference of clocks (60 s is plenty), and
 * moves its cursor to the end it asked for. A window that ends in the future all the same is refused here (bug) or, by
 * eBay's clock, there (retry).
 */
export function createOrders(options: { url: string; call: SellerCall; clock: () => number }): Orders {
  const getOrder: Orders['getOrder'] = async (session, orderId, signal) => {
    const what = 'getOrder'
    const url = `${options.url}/${encodeURIComponent(orderId)}`
    const answer = await options.call(session, { what, method: 'GET', url, limit: ORDERS_ANSWER }, signal)
    if (answer.status !== 200) throw orderRefusal(answer, what, options.clock())
    parseAnswer(answer, what)
    const outcome = normalizeOrder(answer.text.trim())
    if (outcome.kind === 'order') return outcome.order
    throw new ChannelError('CHANNEL_ANSWER_UNREADABLE', `eBay's answer to getOrder has an orderId that is ${outcome.problem}`, {
      remedy: 'bug',
    })
  }

  async function listOrders(
    session: Session,
    window: ModifiedWindow,
    token: string | null,
    signal: AbortSignal,
  ): Promise<OrderPage> {
    checkWindow(window, options.clock())
    const page = token === null ? { offset: 0, limit: PAGE_SIZE, total: null } : readPageToken(token)
    const answer = await callList(session, window, page, signal)
    if (answer.oversized) return await smallerPage(session, window, page, signal)
    const { list, elements } = readOrderList(answer, 'getOrders')
    const { orders, unreadable } = readElements(elements, page.offset)
    const total = list.total ?? null
    const next = pageAfter(page, { count: elements.length, total, more: list.next !== undefined })
    return {
      orders: await withDetails(orders, (orderId) => getOrder(session, orderId, signal)),
      unreadable,
      total,
      nextPage: next === null ? null : writePageToken(next),
    }
  }

  async function callList(session: Session, window: ModifiedWindow, page: PageToken, signal: AbortSignal): Promise<Answer> {
    const what = 'getOrders'
    const filter = `lastmodifieddate:[${isoTime(window.from)}..${isoTime(window.to)}]`
    const url = `${options.url}?filter=${encodeURIComponent(filter)}&limit=${page.limit}&offset=${page.offset}`
    const answer = await options.call(session, { what, method: 'GET', url, limit: ORDERS_ANSWER }, signal)
    if (answer.status !== 200) throw orderRefusal(answer, what, options.clock())
    return answer
  }

  /** Asks for half as many orders, and passes over a single one that is larger than we hold, so that it stops nobody else. */
  async function smallerPage(
    session: Session,
    window: ModifiedWindow,
    page: PageToken,
    signal: AbortSignal,
  ): Promise<OrderPage> {
    if (page.limit > 1)
      return await listOrders(session, window, writePageToken({ ...page, limit: Math.floor(page.limit / 2) }), signal)
    const problem = { field: `orders[${page.offset}]`, problem: `larger than ${ORDERS_ANSWER} bytes` }
    const nextPage = writePageToken({ ...page, offset: page.offset + 1 })
    return { orders: [], unreadable: [problem], total: page.total, nextPage }
  }

  return { listOrders, getOrder }
}

function checkWindow(window: ModifiedWindow, now: number): void {
  if (window.from <= window.to && window.to <= now) return
  throw new ChannelError(
    'CHANNEL_REQUEST_REFUSED',
    'A window of modification times must begin before it ends, and end in the past',
    {
      remedy: 'bug',
    },
  )
}

function orderRefusal(answer: Answer, what: string, now: number): ChannelError {
  const faults = readFaults(answer.text)
  // Right after a notification the order may not be readable yet, so 404 is worth another try; a malformed id never is.
  if (what === 'getOrder' && answer.status === 404)
    return new ChannelError('CHANNEL_ORDER_UNKNOWN', 'eBay does not know this order (404)', { remedy: 'retry' })
  if (what === 'getOrder' && faults.some((fault) => fault.errorId === INVALID_ORDER_ID))
    return new ChannelError('CHANNEL_ORDER_UNKNOWN', 'eBay says that this is no order id (32100)', { remedy: 'bug' })
  if (faults.some((fault) => fault.errorId === DATE_IN_FUTURE))
    return new ChannelError('CHANNEL_REQUEST_REFUSED', "The window ends in the future by eBay's clock (30850)", {
      remedy: 'retry',
    })
  return refusal(answer, what, now)
}

function readElements(
  elements: readonly { text: string; value: unknown }[],
  offset: number,
): { orders: ListedOrder[]; unreadable: FieldProblem[] } {
  const orders: ListedOrder[] = []
  const unreadable: FieldProblem[] = []
  for (const [index, { text, value }] of elements.entries()) {
    const outcome = normalizeOrder(text, value)
    if (outcome.kind === 'order') orders.push(outcome)
    else unreadable.push({ field: `orders[${offset + index}].orderId`, problem: outcome.problem })
  }
  return { orders, unreadable }
}

/**
 * Replaces the orders of which a list tells less than getOrder does. One that eBay lists but does not find stays as listed.
 * The first failure is thrown after the reads under way have ended.
 */
async function withDetails(
  listed: readonly ListedOrder[],
  getOrder: (orderId: string) => Promise<SourceOrder>,
): Promise<SourceOrder[]> {
  const detailed = listed.map(({ order }) => order)
  const waiting = [...listed.entries()].filter(([, one]) => listTellsLess(one))
  const readOn = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, { order }] = next
      detailed[index] = await getOrder(order.orderId).catch((error: unknown) => {
        if (error instanceof ChannelError && error.code === 'CHANNEL_ORDER_UNKNOWN') return order
        waiting.length = 0
        throw error
      })
    }
  }
  const readers = await Promise.allSettled(Array.from({ length: DETAIL_READS_AT_ONCE }, readOn))
  const failed = readers.find((reader) => reader.status === 'rejected')
  if (failed) throw failed.reason
  return detailed
}

/**
 * Only getOrder gives the buyer's tax identifier (buyers from Italy, Spain and Guatemala) and fills `cancelRequests`
 * (Fulfillment API v1.20.7, Buyer.taxIdentifier and CancelStatus.cancelRequests).
 */
function listTellsLess({ order: { order, personal }, buyerCountries }: ListedOrder): boolean {
  if (order.cancelState !== '' && order.cancelState !== 'NONE_REQUESTED') return true
  return personal.buyer.taxId === undefined && buyerCountries.some((country) => TAX_COUNTRIES.has(country))
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
