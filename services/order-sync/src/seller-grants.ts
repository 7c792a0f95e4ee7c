import { type Database, listSellers, type SellerRow } from '@tributary/database'
import { listRefusedGrants } from './access-token-rows.ts'
import type { SellerName } from './context.ts'
import { hasGrant } from './grants.ts'

/** A grant that ends within so long is to be renewed now, milliseconds: a person has to ask the seller. */
const ENDING = 14 * 24 * 60 * 60_000

/** How the consent of a seller stands. */
export type SellerGrant = SellerName & { grant: 'standing' | 'ending' | 'ended' }

/** Every seller with a live row and how its grant stands at `now`, milliseconds since 1970. Throws DatabaseError. */
export async function grantsOfSellers(database: Database, now: number): Promise<SellerGrant[]> {
  const refused = new Map((await listRefusedGrants(database)).map((one) => [keyOf(one), one.grantId]))
  const sellers = await listSellers(database)
  return sellers.map((seller) => {
    const { channel, sellerId } = seller
    return { channel, sellerId, grant: hasGrant(seller, refused.get(keyOf(seller))) ? termOf(seller, now) : 'ended' }
  })
}

/** A grant whose end is not known is taken to have none. */
function termOf({ refreshTokenExpiresTime: end }: SellerRow, now: number): 'standing' | 'ending' {
  return end > 0 && end - now < ENDING ? 'ending' : 'standing'
}

/** What tells sellers apart. */
export const keyOf = ({ channel, sellerId }: SellerName): string => `${channel}:${sellerId}`
