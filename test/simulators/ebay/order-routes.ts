import { type Request, Router } from 'express'
import { bearer } from './bearer.ts'
import type { Market, MarketOrder } from './market.ts'
import { type createOperations, failure, json, type Reply } from './operations.ts'
import { listForm } from './order.ts'
import { type OrderQuery, readOrderQuery } from './order-query.ts'

export const FULFILLMENT_SCOPE = 'https://api.ebay.com/oauth/api_scope/sell.fulfillment'

/** getOrders and getOrder (eBay Fulfillment OpenAPI v1.20.7). */
export function orderRoutes(market: Market, operation: ReturnType<typeof createOperations>): Router {
  const router = Router()
  router.get(
    '/sell/fulfillment/v1/order',
    operation('getOrders', (request) => getOrders(market, request)),
  )
  router.get(
    '/sell/fulfillment/v1/order/:orderId',
    operation('getOrder', (request) => getOrder(market, request)),
  )
  return router
}

function getOrders(market: Market, request: Request): Reply {
  const access = bearer(market, request, FULFILLMENT_SCOPE)
  if (access.kind === 'refused') return access.reply
  const url = new URL(request.originalUrl, `http://${request.headers.host}`)
  const query = readOrderQuery(url.searchParams, market.clock())
  if (query.kind === 'refused') return failure(400, query.errorId, query.message)
  const found = [...market.orders.values()]
    .filter((entry) => entry.userId === access.userId && matches(entry, query))
    .sort(byCreation)
  const page = found.slice(query.offset, query.offset + query.limit)
  const link = (offset: number) => {
    url.searchParams.set('offset', String(offset))
    url.searchParams.set('limit', String(query.limit))
    return JSON.stringify(url.href)
  }
  const members = [
    `"href":${link(query.offset)}`,
    `"total":${found.length}`,
    ...(query.offset + query.limit < found.length ? [`"next":${link(query.offset + query.limit)}`] : []),
    ...(query.offset > 0 ? [`"prev":${link(Math.max(0, query.offset - query.limit))}`] : []),
    `"limit":${query.limit}`,
    `"offset":${query.offset}`,
    `"orders":[${page.map((entry) => entry.text ?? JSON.stringify(listForm(entry.order))).join(',')}]`,
  ]
  return { status: 200, headers: { 'content-type': 'application/json' }, body: `{${members.join(',')}}` }
}

function getOrder(market: Market, request: Request): Reply {
  const access = bearer(market, request, FULFILLMENT_SCOPE)
  if (access.kind === 'refused') return access.reply
  const orderId = String(request.params['orderId'])
  if (!/^[\w-]+$/.test(orderId)) return failure(400, 32100, `Invalid order ID: ${orderId}`)
  const entry = market.orders.get(orderId)
  if (entry?.userId !== access.userId) return json(404, {})
  return { status: 200, headers: { 'content-type': 'application/json' }, body: entry?.text ?? JSON.stringify(entry?.order) }
}

function matches({ order }: MarketOrder, query: OrderQuery): boolean {
  if (query.orderIds) return query.orderIds.includes(order.orderId)
  const time = Date.parse(query.by === 'creation' ? order.creationDate : order.lastModifiedDate)
  return time >= query.from && time <= query.to && (query.statuses?.includes(order.orderFulfillmentStatus) ?? true)
}

/** Oldest first, as eBay says of its default. */
function byCreation(one: MarketOrder, other: MarketOrder): number {
  const order = Date.parse(one.order.creationDate) - Date.parse(other.order.creationDate)
  return order !== 0 ? order : one.order.orderId < other.order.orderId ? -1 : 1
}
