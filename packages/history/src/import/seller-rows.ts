import type { Connection } from '@tributary/database'
import { sellerKey } from '@tributary/events'
import type { Row } from '@tributary/projection'
import { SELLER_TABLE } from './sellers.ts'
import { textIn, unfitId } from './source.ts'

/** Where an order's seller stands: `own` is the row that the order names, `here` the one that the seller's orders go under here. */
export type SellerPlace = { sellerId: string; own: string; here: number; all: string[] }

/**
 * Finds the seller that each order names. A seller has one row here, and orders are told apart by it: one that named another row of its
 * seller, deleted or not, would be made a second time by the next word of the marketplace. So it goes under the row that the seller has
 * here already, else the first live one of the existing system, and where all are deleted under its own.
 */
export async function sellerPlaces(
  { source, database }: { source: Connection; database: Connection },
  orders: readonly Row[],
): Promise<(order: Row) => SellerPlace | undefined> {
  const named = await source.query<Row[]>('SELECT id, seller_id FROM ?? WHERE id IN (?)', [
    SELLER_TABLE,
    [...new Set(orders.map((order) => order['order_app_seller_id']))],
  ])
  const sellerIds = new Map(named.map((seller) => [textIn(seller, 'id'), textIn(seller, 'seller_id')]))
  const sellers = new Map(
    orders.flatMap((order) => {
      const sellerId = sellerIds.get(textIn(order, 'order_app_seller_id'))
      return sellerId === undefined ? [] : [[keyOf(order, sellerId), [order['channel'], sellerId]] as const]
    }),
  )
  if (sellers.size === 0) return () => undefined
  const [theirs, ours] = await Promise.all([source, database].map((one) => rowsOf(one, [...sellers.values()])))
  return (order) => {
    const own = textIn(order, 'order_app_seller_id')
    const sellerId = sellerIds.get(own)
    if (sellerId === undefined) return undefined
    const key = keyOf(order, sellerId)
    const rows = theirs?.get(key) ?? []
    const first = [...(ours?.get(key) ?? []), ...rows].find(isLive)
    return { sellerId, own, here: Number(first?.['id'] ?? own), all: [own, ...rows.map((row) => textIn(row, 'id'))] }
  }
}

const keyOf = (row: Row, sellerId: string): string => sellerKey(Number(row['channel']), sellerId)

const isLive = ({ id, deleted }: Row): boolean => deleted === 0 && unfitId(id) === undefined

/** All rows of sellers, by key and id; their ids are compared letter by letter. */
async function rowsOf(connection: Connection, sellers: readonly (readonly unknown[])[]): Promise<Map<string, Row[]>> {
  const rows = await connection.query<Row[]>(
    'SELECT id, channel, seller_id, deleted FROM ?? WHERE (channel, seller_id) IN (?) ORDER BY id',
    [SELLER_TABLE, sellers],
  )
  return Map.groupBy(rows, (row) => keyOf(row, textIn(row, 'seller_id')))
}
