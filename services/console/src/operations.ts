import { type Connection, listSellers } from '@tributary/database'
import { Problem } from '@tributary/runtime'
import type { Static, TSchema } from 'typebox'
import { NoQuery, Order, OrderPage, OrderPath, OrderQuery, Sellers } from './schemas.ts'

/** One operation of the API: its schemas check what comes and goes, and describe it. `path` is written as OpenAPI does. */
export type Operation = {
  path: string
  summary: string
  query: TSchema
  parameters: TSchema
  answer: TSchema
  run(connection: Connection, parameters: unknown, query: unknown): Promise<unknown>
}

const PAGE = 50
/** An order's column names the seller's row, not the marketplace's id of the seller. */
const SELECT = `SELECT o.id, o.channel, COALESCE(s.seller_id, '') AS sellerId, o.order_id AS orderId, o.status,
  o.create_time AS createTime, o.update_time AS updateTime
  FROM eg_order_order o LEFT JOIN eg_order_app_seller s ON s.id = CAST(o.order_app_seller_id AS UNSIGNED)
  WHERE o.deleted = 0`

/** Everything that the API can do, each for callers with the scope `read`. */
export const OPERATIONS: readonly Operation[] = [
  {
    path: '/v1/orders',
    summary: 'Orders in the order of their row ids, page by page.',
    query: OrderQuery,
    parameters: NoQuery,
    answer: OrderPage,
    run: (connection, _parameters, query) => listOrders(connection, query as Static<typeof OrderQuery>),
  },
  {
    path: '/v1/orders/{channel}/{sellerId}/{orderId}',
    summary: 'One order, by the ids of its marketplace.',
    query: NoQuery,
    parameters: OrderPath,
    answer: Order,
    run: (connection, parameters) => findOrder(connection, parameters as Static<typeof OrderPath>),
  },
  {
    path: '/v1/sellers',
    summary: 'Shops that authorized an app.',
    query: NoQuery,
    parameters: NoQuery,
    answer: Sellers,
    run: async (connection) => ({
      sellers: (await listSellers(connection)).map((row) => ({
        id: row.id,
        channel: row.channel,
        sellerId: row.sellerId,
        appId: row.orderAppId,
        region: row.region,
        spiServerCodes: row.spiServerCodes,
        createTime: row.createTime,
        updateTime: row.updateTime,
      })),
    }),
  },
]

type OrderRow = Static<typeof Order>

async function listOrders(connection: Connection, query: Static<typeof OrderQuery>): Promise<Static<typeof OrderPage>> {
  const limit = Number(query.limit ?? PAGE)
  const conditions: [string, unknown][] = [['o.id > ?', Number(query.cursor ?? 0)]]
  if (query.channel !== undefined) conditions.push(['o.channel = ?', Number(query.channel)])
  if (query.status !== undefined) conditions.push(['o.status = ?', query.status])
  if (query.modifiedSince !== undefined) conditions.push(['o.update_time >= ?', Number(query.modifiedSince)])
  if (query.seller !== undefined) {
    const ids = await sellerRowIds(connection, query.seller)
    if (ids.length === 0) return { orders: [], next: null }
    conditions.push(['o.order_app_seller_id IN (?)', ids])
  }
  const found = await connection.query<OrderRow[]>(
    `${SELECT} AND ${conditions.map(([text]) => text).join(' AND ')} ORDER BY o.id LIMIT ?`,
    [...conditions.map(([, value]) => value), limit + 1],
  )
  const orders = found.slice(0, limit)
  return { orders, next: found.length > limit ? String(orders.at(-1)?.id) : null }
}

async function findOrder(connection: Connection, path: Static<typeof OrderPath>): Promise<OrderRow> {
  const ids = await sellerRowIds(connection, path.sellerId)
  const rows =
    ids.length === 0
      ? []
      : await connection.query<OrderRow[]>(
          `${SELECT} AND o.channel = ? AND o.order_app_seller_id IN (?) AND o.order_id = ? ORDER BY o.id`,
          [Number(path.channel), ids, path.orderId],
        )
  const order = rows.find((row) => row.orderId === path.orderId)
  if (order) return order
  throw new Problem(404, 'ORDER_UNKNOWN', 'No such order is known. Ids are those of the marketplace, byte for byte.')
}

/** As the orders name them: as texts. */
async function sellerRowIds(connection: Connection, sellerId: string): Promise<string[]> {
  const rows = await connection.query<{ id: number; sellerId: string }[]>(
    'SELECT id, seller_id AS sellerId FROM eg_order_app_seller WHERE seller_id = ? AND deleted = 0',
    [sellerId],
  )
  // The collation takes 'abc' and 'ABC' for the same; marketplaces do not.
  return rows.filter((row) => row.sellerId === sellerId).map(({ id }) => String(id))
}
