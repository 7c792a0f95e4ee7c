import type { FieldProblem } from '@tributary/events'
import { type Channel, ChannelError, type ModifiedWindow, type Session, type SourceOrder } from '../port.ts'
import { elementTexts, memberText, parseExactly } from '../reading/json-text.ts'
import { ItemLists, Orders as OrdersAnswer, readAnswer } from './answers.ts'
import type { SellerCall } from './call.ts'
import { normalizeOrder } from './normalize.ts'
import { readTime, writeTime } from './time.ts'

/** The lines of so many orders can be asked for at once. */
const PAGE_SIZE = 50
/** Lazada answers no offset beyond. */
const LAST_OFFSET = 5_000

/**
 * `after` is the edge of the window that this page counts from, milliseconds since 1970; `total` is how many orders the page
 * before said are behind that edge.
 */
type Page = { after: number; offset: number; total?: number }

type Orders = Pick<Channel, 'listOrders' | 'getOrder'> & {
  /** The raw lines of an order, for who has to know more of them than an order tells. */
  readItems(session: Session, orderId: string, signal: AbortSignal): Promise<string[]>
}

/**
 * Orders by the time of their last update, and one by one; their lines come by a call of their own. An offset goes to 5,000
 * only: past it the edge of the window moves to the last order's time and counting starts anew.
 */
export function createOrders({ call }: { call: SellerCall }): Orders {
  async function readItems(session: Session, orderId: string, signal: AbortSignal): Promise<string[]> {
    const what = '/order/items/get'
    const text = await call(session, { what, method: 'GET', path: what, parameters: { order_id: orderId } }, signal)
    return elementTexts(text, 'data')
  }

  async function itemsOf(session: Session, orderIds: readonly string[], signal: AbortSignal): Promise<Map<string, string[]>> {
    if (orderIds.length === 0) return new Map()
    const what = '/orders/items/get'
    const parameters = { order_ids: `[${orderIds.join(',')}]` }
    const text = await call(session, { what, method: 'GET', path: what, parameters }, signal)
    const { data } = readAnswer(ItemLists, text, what)
    const lists = elementTexts(text, 'data')
    const found = data.map(
      ({ order_id }, index) => [String(order_id), elementTexts(lists[index] ?? '{}', 'order_items')] as const,
    )
    const items = new Map(found.filter(([, lines]) => lines.length > 0))
    // Every order has lines, and one without would count as in no known state: who was passed over is asked for alone.
    for (const id of orderIds.filter((id) => !items.has(id)))
      items.set(id, await readItems(session, id, signal).catch(noneOfUnknown))
    return items
  }

  async function listOrders(session: Session, window: ModifiedWindow, token: string | null, signal: AbortSignal) {
    const page = token === null ? { after: window.from, offset: 0 } : readPage(token)
    const what = '/orders/get'
    const parameters = {
      // Both edges are in seconds and belong to the window.
      update_after: writeTime(page.after),
      update_before: writeTime(window.to + 999),
      sort_by: 'updated_at',
      sort_direction: 'ASC',
      limit: String(PAGE_SIZE),
      offset: String(page.offset),
    }
    const text = await call(session, { what, method: 'GET', path: what, parameters }, signal)
    const answer = readAnswer(OrdersAnswer, text, what)
    const texts = elementTexts(memberText(text, 'data') ?? '{}', 'orders')
    const ids = texts.map(idOf)
    const items = await itemsOf(
      session,
      ids.filter((id) => id !== undefined),
      signal,
    )
    const read = readElements(
      session,
      texts.map((order, index) => ({ order, items: items.get(ids[index] ?? '') ?? [] })),
    )
    const total = answer.data.countTotal === undefined ? null : Number(answer.data.countTotal)
    const next = pageAfter(page, texts, total)
    return {
      orders: read.orders,
      unreadable: [...read.unreadable, ...next.skipped],
      total,
      nextPage: next.page === null ? null : JSON.stringify(next.page),
    }
  }

  return {
    readItems,
    listOrders,
    async getOrder(session, orderId, signal) {
      const what = '/order/get'
      const text = await call(session, { what, method: 'GET', path: what, parameters: { order_id: orderId } }, signal)
      const order = memberText(text, 'data') ?? '{}'
      const items = await readItems(session, orderId, signal)
      const outcome = normalizeOrder({ order, items, seller: session.sellerId, country: session.region })
      if (outcome.kind === 'order' && outcome.order.orderId === orderId) return outcome.order
      throw new ChannelError('CHANNEL_ORDER_UNKNOWN', 'Lazada does not know this order', { remedy: 'retry' })
    },
  }
}

/** One order that Lazada lists and does not know must not hold up all others. */
function noneOfUnknown(error: unknown): string[] {
  if (error instanceof ChannelError && error.code === 'CHANNEL_ORDER_UNKNOWN') return []
  throw error
}

/** Digits only: ids go into a list that is no JSON of ours otherwise. */
function idOf(order: string): string | undefined {
  const { order_id: id } = parseExactly(order) as { order_id?: unknown }
  return /^\d{1,30}$/.test(String(id)) ? String(id) : undefined
}

/**
 * Lazada pages by offset over a live result: an order that changes while we page leaves the window, and those behind it slide
 * over the edge of a page, unseen. The total tells: when it shrank by n, n places are read again. A window of more than 5,000
 * orders in one second cannot be read to its end; it is said, not passed over.
 */
function pageAfter(page: Page, texts: readonly string[], total: number | null): { page: Page | null; skipped: FieldProblem[] } {
  const left = page.total === undefined || total === null ? 0 : Math.max(0, page.total - total)
  const again = Math.min(left, page.offset)
  const known = total === null ? {} : { total }
  if (again > 0) return { page: { ...known, after: page.after, offset: page.offset - again }, skipped: [] }
  if (texts.length < PAGE_SIZE) return { page: null, skipped: [] }
  const offset = page.offset + PAGE_SIZE
  if (offset <= LAST_OFFSET) return { page: { ...known, after: page.after, offset }, skipped: [] }
  const last = (parseExactly(texts.at(-1) ?? '{}') as { updated_at?: unknown }).updated_at
  const after = readTime(String(last))
  if (after > page.after) return { page: { after, offset: 0 }, skipped: [] }
  const problem = `more than ${LAST_OFFSET} orders in one second; what is beyond was not read`
  return { page: { after: page.after + 1_000, offset: 0 }, skipped: [{ field: 'orders', problem }] }
}

function readPage(token: string): Page {
  const { after, offset, total } = JSON.parse(token) as Page
  return { after, offset, ...(total === undefined ? {} : { total }) }
}

function readElements(session: Session, elements: readonly { order: string; items: readonly string[] }[]) {
  const orders: SourceOrder[] = []
  const unreadable: FieldProblem[] = []
  for (const [index, texts] of elements.entries()) {
    const outcome = normalizeOrder({ ...texts, seller: session.sellerId, country: session.region })
    if (outcome.kind === 'order') orders.push(outcome.order)
    else unreadable.push({ field: `orders[${index}].order_id`, problem: outcome.problem })
  }
  return { orders, unreadable }
}
