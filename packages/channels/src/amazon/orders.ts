import type { FieldProblem } from '@tributary/events'
import { LRUCache } from 'lru-cache'
import type { Answer } from '../http.ts'
import { type Channel, ChannelError, type ModifiedWindow, type Session, type SourceOrder } from '../port.ts'
import { elementTexts, memberText } from '../reading/json-text.ts'
import { OneOrder, OrderList, readAnswer } from './answers.ts'
import type { SellerCall } from './call.ts'
import { isRoleMissing, refusal } from './errors.ts'
import { normalizeOrder } from './normalize.ts'

export const ORDERS = '/orders/2026-01-01/orders'
/** The most there is; a call for a page is worth three minutes. */
const PAGE_SIZE = '100'
/** An end of a window must be so old at Amazon, milliseconds; its data lags as much. */
export const LAG = 120_000
/** Amazon knows a pagination token for 24 hours (Orders API migration guide). */
export const PAGES_LAST = 23 * 3_600_000

const PLAIN_DATA = ['CANCELLATION', 'FULFILLMENT', 'PACKAGES']
/** Given by role, not by a restricted token as in v0. */
const PERSONAL_DATA = ['BUYER', 'RECIPIENT', 'TAX']
/** How long we believe that a seller's consent does not cover them: a refusal costs a call. */
const ROLES_FOR = 3_600_000
const MOST_SELLERS = 20_000

/** Three groups of seven digits; letters stand in the first of some kinds of order. */
const ORDER_ID = /^[A-Z0-9]{3}-\d{7}-\d{7}$/

/** All pages of a walk ask the same question, also when time has passed. `before` is null where Amazon's own end is taken. */
type Page = { token: string; before: string | null; withoutPeople: boolean }

type Orders = Pick<Channel, 'listOrders' | 'getOrder'>

/**
 * Orders by the time of their last update, and one by one (Orders API v2026-01-01). Where Amazon refuses buyer and recipient with 403,
 * which a missing role most likely does, the order is read without them.
 */
export function createOrders({ call, clock }: { call: SellerCall; clock: () => number }): Orders {
  // By seller, and not by app: a new role counts only for those who consent after the app got it.
  const lacking = new LRUCache<string, number>({ max: MOST_SELLERS })

  const lacksRoles = (session: Session) => (lacking.get(sellerOf(session)) ?? 0) > clock()

  /** Asks with and, when that is refused, without personal data; `withoutPeople` says which of them was answered. */
  async function ask(
    session: Session,
    {
      what,
      withoutPeople,
      pathFor,
    }: { what: 'searchOrders' | 'getOrder'; withoutPeople: boolean; pathFor: (data: string) => string },
    signal: AbortSignal,
  ): Promise<{ answer: Answer; withoutPeople: boolean }> {
    const read = (data: readonly string[]) => call(session, { what, method: 'GET', path: pathFor(data.join(',')) }, signal)
    if (withoutPeople) return { answer: await read(PLAIN_DATA), withoutPeople }
    const answer = await read([...PERSONAL_DATA, ...PLAIN_DATA])
    if (!isRoleMissing(answer)) return { answer, withoutPeople }
    const plain = await read(PLAIN_DATA)
    if (plain.status === 200) lacking.set(sellerOf(session), clock() + ROLES_FOR)
    return { answer: plain, withoutPeople: true }
  }

  return {
    async listOrders(session, window, token, signal) {
      const what = 'searchOrders'
      const page: Omit<Page, 'token'> & { token?: string } =
        token === null ? { before: endOf(window, clock()), withoutPeople: lacksRoles(session) } : (JSON.parse(token) as Page)
      const pathFor = (includedData: string) => `${ORDERS}?${queryOf(window, page, includedData)}`
      const { answer, withoutPeople } = await ask(session, { what, withoutPeople: page.withoutPeople, pathFor }, signal)
      if (answer.status !== 200) throw refusal(answer, what, clock())
      const list = readAnswer(OrderList, answer, what)
      const next = list.pagination?.nextToken ?? ''
      return {
        ...readElements(answer.text, session.sellerId, withoutPeople),
        total: null,
        nextPage: next === '' ? null : JSON.stringify({ token: next, before: page.before, withoutPeople } satisfies Page),
      }
    },
    async getOrder(session, orderId, signal) {
      const what = 'getOrder'
      if (!ORDER_ID.test(orderId)) throw unknownOrder('bug')
      const pathFor = (includedData: string) => `${ORDERS}/${orderId}?${new URLSearchParams({ includedData })}`
      const { answer, withoutPeople } = await ask(session, { what, withoutPeople: lacksRoles(session), pathFor }, signal)
      // Right after a notification an order may not be readable yet.
      if (answer.status === 404) throw unknownOrder('retry')
      if (answer.status !== 200) throw refusal(answer, what, clock())
      readAnswer(OneOrder, answer, what)
      const outcome = normalizeOrder(memberText(answer.text, 'order') ?? '{}', session.sellerId, withoutPeople)
      if (outcome.kind === 'order' && outcome.order.orderId === orderId) return outcome.order
      throw new ChannelError('CHANNEL_ANSWER_UNREADABLE', "Amazon's answer to getOrder is another order, or none", {
        remedy: 'bug',
      })
    },
  }
}

const sellerOf = ({ app, region, sellerId }: Session): string => `${app.clientId} ${region} ${sellerId}`

function unknownOrder(remedy: 'retry' | 'bug'): ChannelError {
  return new ChannelError('CHANNEL_ORDER_UNKNOWN', 'Amazon does not know this order', { remedy })
}

/** Null for a window that ends too late for Amazon, which then ends the list by itself two minutes before now. */
const endOf = ({ to }: ModifiedWindow, now: number): string | null => (to > now - LAG ? null : new Date(to).toISOString())

function queryOf(
  window: ModifiedWindow,
  page: { token?: string; before: string | null },
  includedData: string,
): URLSearchParams {
  return new URLSearchParams({
    lastUpdatedAfter: new Date(window.from).toISOString(),
    ...(page.before === null ? {} : { lastUpdatedBefore: page.before }),
    maxResultsPerPage: PAGE_SIZE,
    includedData,
    ...(page.token === undefined ? {} : { paginationToken: page.token }),
  })
}

function readElements(text: string, sellerId: string, withoutPeople: boolean) {
  const orders: SourceOrder[] = []
  const unreadable: FieldProblem[] = []
  for (const [index, element] of elementTexts(text, 'orders').entries()) {
    const outcome = normalizeOrder(element, sellerId, withoutPeople)
    if (outcome.kind === 'order') orders.push(outcome.order)
    else unreadable.push({ field: `orders[${index}].orderId`, problem: outcome.problem })
  }
  return { orders, unreadable }
}
