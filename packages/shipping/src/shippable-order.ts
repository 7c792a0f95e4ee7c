import { type Connection, findOrder } from '@tributary/database'
import type { OrderName, ParcelLine } from './shipment.ts'

/** An order as its rows show it, with the lines that are not deleted. */
export type ShippableOrder = { status: string; lines: readonly ParcelLine[] }

/** An order under the ids of its marketplace; undefined when no row shows it. Throws DatabaseError. */
export async function findShippableOrder(connection: Connection, name: OrderName): Promise<ShippableOrder | undefined> {
  const order = await findOrder(connection, name)
  if (!order) return undefined
  const lines = await connection.query<ParcelLine[]>(
    'SELECT line_item_id AS lineItemId, quantity FROM eg_order_order_detail WHERE order_id = ? AND deleted = 0 ORDER BY id',
    [order.id],
  )
  return { status: order.status, lines }
}
