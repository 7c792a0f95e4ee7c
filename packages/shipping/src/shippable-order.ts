import { type Connection, findSeller } from '@tributary/database'
import type { OrderName, ParcelLine } from './shipment.ts'

/** An order as its rows show it, with the lines that are not deleted. */
export type ShippableOrder = { status: string; lines: readonly ParcelLine[] }

/** Looks an order up under the ids of its marketplace, byte for byte. Throws DatabaseError. */
export async function findShippableOrder(
  connection: Connection,
  { channel, sellerId, orderId }: OrderName,
): Promise<ShippableOrder | undefined> {
  const seller = await findSeller(connection, channel, sellerId)
  if (!seller) return undefined
  const orders = await connection.query<{ id: number; orderId: string; status: string }[]>(
    `SELECT id, order_id AS orderId, status FROM eg_order_order
     WHERE channel = ? AND order_app_seller_id = ? AND order_id = ? AND deleted = 0 ORDER BY id`,
    [channel, String(seller.id), orderId],
  )
  // The column's collation takes 'abc' and 'ABC' for the same; marketplaces do not.
  const order = orders.find((row) => row.orderId === orderId)
  if (!order) return undefined
  const lines = await connection.query<ParcelLine[]>(
    `SELECT line_item_id AS lineItemId, quantity FROM eg_order_order_detail WHERE order_id = ? AND deleted = 0 ORDER BY id`,
    [order.id],
  )
  return { status: order.status, lines }
}
