import { type Connection, findOrder } from '@tributary/database'
import { OrderStatusSchema } from '@tributary/events'
import { Problem } from '@tributary/runtime'
import { type Static, Type } from 'typebox'
import type { CheckedRequest, ConsoleContext, Operation } from '../operation.ts'
import { maskedUnlessOpen } from '../personal.ts'
import { Channel, closed, Id, Milliseconds, Name, Next, Nothing, PAGE, paging, Time } from '../schemas.ts'
import { OrderDelivery, OrderEvent, readOrderTrail } from './order-trail.ts'

const OrderQuery = Type.Object(
  {
    channel: Type.Optional(Channel),
    seller: Type.Optional(Name),
    status: Type.Optional(OrderStatusSchema),
    modifiedSince: Type.Optional(Milliseconds),
    ...paging,
  },
  closed,
)

/** An order by the ids of its marketplace. */
export const OrderPath = Type.Object({ channel: Channel, sellerId: Name, orderId: Name }, closed)

export const orderNameOf = (path: unknown): { channel: number; sellerId: string; orderId: string } => {
  const { channel, sellerId, orderId } = path as Static<typeof OrderPath>
  return { channel: Number(channel), sellerId, orderId }
}

export const orderUnknown = (): Problem =>
  new Problem(404, 'ORDER_UNKNOWN', 'No such order is known. Ids are those of the marketplace, byte for byte.')

const head = {
  id: Id,
  channel: Type.Integer(),
  sellerId: Type.String(),
  orderId: Type.String(),
  status: Type.String(),
  createTime: Time,
  updateTime: Time,
}
const OrderHead = Type.Object(head, closed)
const OrderPage = Type.Object({ orders: Type.Array(OrderHead), next: Next }, closed)

const BUYER = ['id', 'name', 'phone', 'email', 'taxId', 'taxType', 'companyName', 'remark'] as const
const RECEIVER = ['addressLine1', 'addressLine2', 'addressDetail', 'city', 'countryCode', 'province', 'postalCode'] as const
const texts = (names: readonly string[]) =>
  Type.Object(Object.fromEntries(names.map((name) => [name, Type.String()])), {
    ...closed,
    description: 'Values are masked for callers without the scope read-personal.',
  })

const Order = Type.Object(
  {
    ...head,
    lines: Type.Array(
      Type.Object(
        { id: Id, lineItemId: Type.String(), quantity: Type.Integer(), title: Type.String(), sku: Type.String() },
        closed,
      ),
    ),
    buyer: texts(BUYER),
    receiver: texts(RECEIVER),
    events: Type.Union([Type.Array(OrderEvent), Type.Null()], {
      description: 'Why the order is as it is, oldest first; null while the index of events is too far behind to tell.',
    }),
    deliveries: Type.Array(OrderDelivery, { description: 'What was sent of it to whom, oldest first.' }),
  },
  closed,
)

/** An order's column names the seller's row, not the marketplace's id of the seller. */
const SELECT = `SELECT o.id, o.channel, COALESCE(s.seller_id, '') AS sellerId, o.order_id AS orderId, o.status,
  o.create_time AS createTime, o.update_time AS updateTime
  FROM eg_order_order o LEFT JOIN eg_order_app_seller s ON s.id = CAST(o.order_app_seller_id AS UNSIGNED)
  WHERE o.deleted = 0`

export const ORDER_OPERATIONS: readonly Operation[] = [
  {
    ...{ method: 'get', path: '/v1/orders', scope: 'read', parameters: Nothing, query: OrderQuery },
    summary: 'Orders in the order of their row ids, page by page.',
    answers: { 200: { description: 'A page of orders.', schema: OrderPage } },
    run: async ({ database }, { query }) => ({
      status: 200,
      body: await listOrders(database, query as Static<typeof OrderQuery>),
    }),
  },
  {
    ...{ method: 'get', path: '/v1/orders/{channel}/{sellerId}/{orderId}', scope: 'read', query: Nothing },
    summary: 'One order by the ids of its marketplace, with the events that made it and what was delivered of it.',
    parameters: OrderPath,
    answers: { 200: { description: 'The order.', schema: Order } },
    run: showOrder,
  },
]

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
  const found = await connection.query<Static<typeof OrderHead>[]>(
    `${SELECT} AND ${conditions.map(([text]) => text).join(' AND ')} ORDER BY o.id LIMIT ?`,
    [...conditions.map(([, value]) => value), limit + 1],
  )
  const orders = found.slice(0, limit)
  return { orders, next: found.length > limit ? String(orders.at(-1)?.id) : null }
}

async function showOrder(context: ConsoleContext, { path, caller }: CheckedRequest) {
  const { database } = context
  const name = orderNameOf(path)
  const order = await findOrder(database, name)
  if (!order) throw orderUnknown()
  const [lines, people, trail] = await Promise.all([
    database.query<Static<typeof Order>['lines']>(
      `SELECT id, line_item_id AS lineItemId, quantity, title, sku FROM eg_order_order_detail
       WHERE order_id = ? AND deleted = 0 ORDER BY id`,
      [order.id],
    ),
    readPeople(database, order.id),
    readOrderTrail(context, name),
  ])
  const target = `eg_order_order/${order.id}`
  const shown = await maskedUnlessOpen(database, caller, { action: 'GET /v1/orders/…', target, parts: people })
  return { status: 200, body: { ...order, channel: name.channel, sellerId: name.sellerId, lines, ...shown, ...trail } }
}

async function readPeople(connection: Connection, id: number) {
  const columns = [...BUYER.map((name) => ['buyer', name]), ...RECEIVER.map((name) => ['receiver', name])]
  const list = columns.map(([part, name]) => `${part}_${snakeCase(String(name))} AS ${part}_${name}`).join(', ')
  const [row = {}] = await connection.query<Record<string, string>[]>(`SELECT ${list} FROM eg_order_order WHERE id = ?`, [id])
  const pick = (part: string, names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, row[`${part}_${name}`] ?? '']))
  return { buyer: pick('buyer', BUYER), receiver: pick('receiver', RECEIVER) }
}

const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** As the orders name them: as texts. */
async function sellerRowIds(connection: Connection, sellerId: string): Promise<string[]> {
  const rows = await connection.query<{ id: number; sellerId: string }[]>(
    'SELECT id, seller_id AS sellerId FROM eg_order_app_seller WHERE seller_id = ? AND deleted = 0',
    [sellerId],
  )
  // The collation takes 'abc' and 'ABC' for the same; marketplaces do not.
  return rows.filter((row) => row.sellerId === sellerId).map(({ id }) => String(id))
}
