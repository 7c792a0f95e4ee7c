import type { Connection } from './database.ts'
import { findSeller } from './sellers.ts'

/** A row of `eg_order_order`, as far as nobody is named in it. Times in milliseconds since 1970. */
export type OrderRow = { id: number; orderId: string; status: string; createTime: number; updateTime: number }

/** The order of a seller's row that changed last, by the id of its marketplace; undefined when it has none. Throws DatabaseError. */
export async function latestOrderId(
  connection: Connection,
  { id, channel }: { id: number; channel: number },
): Promise<string | undefined> {
  const [order] = await connection.query<{ orderId: string }[]>(
    `SELECT order_id AS orderId FROM eg_order_order WHERE channel = ? AND order_app_seller_id = ? AND deleted = 0
     ORDER BY last_modified_date_time DESC LIMIT 1`,
    [channel, String(id)],
  )
  return order?.orderId
}

/** The live row of an order, by the ids of its marketplace, byte for byte. Of several rows the one with the lowest id counts. */
export async function findOrder(
  connection: Connection,
  { channel, sellerId, orderId }: { channel: number; sellerId: string; orderId: string },
): Promise<OrderRow | undefined> {
  const seller = await findSeller(connection, channel, sellerId)
  if (!seller) return undefined
  const orders = await connection.query<OrderRow[]>(
    `SELECT id, order_id AS orderId, status, create_time AS createTime, update_time AS updateTime FROM eg_order_order
     WHERE channel = ? AND order_app_seller_id = ? AND order_id = ? AND deleted = 0 ORDER BY id`,
    [channel, String(seller.id), orderId],
  )
  // The column's collation takes 'abc' and 'ABC' for the same; marketplaces do not.
  return orders.find((order) => order.orderId === orderId)
}
