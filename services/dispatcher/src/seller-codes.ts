import { type Database, findSeller } from '@tributary/database'
import { LRUCache } from 'lru-cache'

/** The `eg_spi.server_code`s that get a seller's orders; `unknown` while the seller has no row. */
export type SellerCodes = (channel: number, sellerId: string) => Promise<readonly string[] | 'unknown'>

/** Milliseconds that a seller's codes are kept. A seller without a row is looked for each time. */
const KEPT = 2_000
const MOST_SELLERS = 10_000

/** Reads sellers' codes from `eg_order_app_seller`, keeping what it found for two seconds. Throws DatabaseError. */
export function createSellerCodes(database: Database): SellerCodes {
  const kept = new LRUCache<string, readonly string[]>({ max: MOST_SELLERS, ttl: KEPT })
  return async (channel, sellerId) => {
    const name = `${channel} ${sellerId}`
    const known = kept.get(name)
    if (known) return known
    const codes = await readCodes(database, channel, sellerId)
    if (codes !== 'unknown') kept.set(name, codes)
    return codes
  }
}

async function readCodes(database: Database, channel: number, sellerId: string): Promise<readonly string[] | 'unknown'> {
  const seller = await findSeller(database, channel, sellerId)
  if (seller) return seller.spiServerCodes
  // A row that somebody deleted is an answer; no row yet means that the sellers projection has not come so far.
  const [deleted] = await database.query(
    'SELECT 1 FROM eg_order_app_seller WHERE channel = ? AND seller_id = ? AND deleted <> 0 LIMIT 1',
    [channel, sellerId],
  )
  return deleted ? [] : 'unknown'
}
