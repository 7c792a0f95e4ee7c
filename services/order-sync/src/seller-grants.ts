import { type Database, listSellers, type SellerRow } from '@tributary/database'
import { listRefusedGrants } from './access-token-rows.ts'
import type { SellerName } from './context.ts'
import { hasGrant } from './grants.ts'

const DAY = 24 * 60 * 60_000

/** How the consent of a seller stands. */
export type SellerGrant = SellerName & ({ grant: 'standing' | 'ended' } | { grant: 'ending'; days: number })

/**
 * Every seller with a live row and how its grant stands at `now`, milliseconds since 1970. One that ends within `reminderDays` is to be
 * renewed now: a person has to ask the seller. Throws DatabaseError.
 */
export async function grantsOfSellers(
  database: Database,
  { now, reminderDays }: { now: number; reminderDays: number },
): Promise<SellerGrant[]> {
  const refused = new Map((await listRefusedGrants(database)).map((one) => [keyOf(one), one.grantId]))
  const sellers = await listSellers(database)
  return sellers.map((seller) => {
    const { channel, sellerId } = seller
    if (!hasGrant(seller, refused.get(keyOf(seller)))) return { channel, sellerId, grant: 'ended' }
    return { channel, sellerId, ...termOf(seller, now, reminderDays) }
  })
}

/** A grant whose end is not known is taken to have none. */
function termOf({ refreshTokenExpiresTime: end }: SellerRow, now: number, reminderDays: number) {
  const days = Math.floor((end - now) / DAY)
  return end > 0 && end - now < reminderDays * DAY ? ({ grant: 'ending', days } as const) : ({ grant: 'standing' } as const)
}

/** What tells sellers apart. */
export const keyOf = ({ channel, sellerId }: SellerName): string => `${channel}:${sellerId}`
