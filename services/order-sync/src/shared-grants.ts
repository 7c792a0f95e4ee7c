import { createHash } from 'node:crypto'
import type { App, Channel } from '@tributary/channels'
import { type Connection, type Database, listSellers, underNamedLock } from '@tributary/database'
import type { OrderSyncContext } from './context.ts'
import { type Grant, openGrant, readStanding } from './grants.ts'

/** Longer than one refresh takes, seconds. */
const LONGEST_REFRESH = 20

/**
 * Where several sellers stand behind one refresh token (shops of one TikTok account, the countries of one at Lazada), only one
 * of them may be exchanging it: a marketplace that replaces it refuses the second, who would look as if its consent had ended.
 * Runs `work` while nobody else refreshes with this token. Throws DatabaseError DATABASE_LOCK_TIMEOUT.
 */
export function whileNobodyRefreshes<T>(
  database: Database,
  { channel, refreshToken }: { channel: Channel; refreshToken: string },
  work: () => Promise<T>,
): Promise<T> {
  if (!channel.sharesGrants) return work()
  const digest = createHash('sha256').update(refreshToken).digest('hex').slice(0, 14)
  return database.transaction((connection: Connection) =>
    underNamedLock(connection, { name: `grant:${digest}`, seconds: LONGEST_REFRESH }, work),
  )
}

/** The grants of other sellers of the same app that are this refresh token, too. */
export async function otherGrantsOf(
  context: Pick<OrderSyncContext, 'database' | 'log' | 'vault'>,
  { channel, app, grant, refreshToken }: { channel: Channel; app: App; grant: Grant; refreshToken: string },
): Promise<Grant[]> {
  if (!channel.sharesGrants) return []
  const shared: Grant[] = []
  for (const seller of await listSellers(context.database, channel.number)) {
    if (seller.orderAppId !== app.id || seller.sellerId === grant.seller.sellerId) continue
    const standing = await readStanding(context, { channel: channel.number, sellerId: seller.sellerId })
    if (standing.grant && (await openGrant(context, standing.grant)) === refreshToken) shared.push(standing.grant)
  }
  return shared
}
