import type { FieldProblem } from '@tributary/events'
import { type Channel, ChannelError, type SourceOrder } from '../port.ts'
import { elementTexts } from '../reading/json-text.ts'
import { OrderList, readData } from './answers.ts'
import { isSuccess } from './call.ts'
import { refusal } from './errors.ts'
import { normalizeOrder } from './normalize.ts'
import type { ShopCall } from './shops.ts'

/** TikTok allows 100. */
const PAGE_SIZE = '50'

type Orders = Pick<Channel, 'listOrders' | 'getOrder'>

/**
 * Orders by the time of their last update, and one by one (Get Order List 202309, Get Order Detail 202309). The window is
 * half-open at TikTok and in seconds, so its end is a second later there.
 */
export function createOrders({ call }: { call: ShopCall }): Orders {
  return {
    async listOrders(session, window, page, signal) {
      const what = 'Get Order List'
      const reply = await call(
        session,
        {
          what,
          method: 'POST',
          path: '/order/202309/orders/search',
          query: {
            page_size: PAGE_SIZE,
            sort_field: 'update_time',
            sort_order: 'ASC',
            ...(page === null ? {} : { page_token: page }),
          },
          body: { update_time_ge: Math.floor(window.from / 1000), update_time_lt: Math.floor(window.to / 1000) + 1 },
        },
        signal,
      )
      if (!isSuccess(reply)) throw refusal(reply.verdict, what)
      const list = readData(OrderList, reply.data, what)
      const next = list.next_page_token ?? ''
      return {
        ...readElements(reply.data, session.sellerId),
        total: list.total_count ?? null,
        nextPage: next === '' ? null : next,
      }
    },
    async getOrder(session, orderId, signal) {
      const what = 'Get Order Detail'
      const path = '/order/202309/orders'
      const reply = await call(session, { what, method: 'GET', path, query: { ids: orderId } }, signal)
      if (!isSuccess(reply)) throw refusal(reply.verdict, what)
      readData(OrderList, reply.data, what)
      const order = readElements(reply.data, session.sellerId).orders.find((one) => one.orderId === orderId)
      if (order) return order
      // Right after a webhook an order may not be readable yet.
      throw new ChannelError('CHANNEL_ORDER_UNKNOWN', 'TikTok Shop does not know this order', { remedy: 'retry' })
    },
  }
}

function readElements(data: string, shopId: string): { orders: SourceOrder[]; unreadable: FieldProblem[] } {
  const orders: SourceOrder[] = []
  const unreadable: FieldProblem[] = []
  for (const [index, text] of elementTexts(data, 'orders').entries()) {
    const outcome = normalizeOrder(text, shopId)
    if (outcome.kind === 'order') orders.push(outcome.order)
    else unreadable.push({ field: `orders[${index}].id`, problem: outcome.problem })
  }
  return { orders, unreadable }
}
