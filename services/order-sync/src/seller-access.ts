import { type Channel, ChannelError, type Session } from '@tributary/channels'
import { type AppRow, cached, findSeller, listApps, type SellerRow } from '@tributary/database'
import type { AccessTokens } from './access-tokens.ts'
import type { OrderSyncContext, SellerName } from './context.ts'
import { grantEnded } from './grants.ts'

/** All that calls in the name of a seller need. */
export type SellerAccess = {
  seller: SellerRow
  channel: Channel
  session: Session
  /** Asks the marketplace whether the grant still stands. */
  verify(signal: AbortSignal): Promise<'stands' | 'ended'>
}

/** The sellers projection does not show the seller: it is behind, or the seller never authorized an app here. */
export class SellerUnknown extends Error {
  override readonly name = 'SellerUnknown'
  readonly code = 'SELLER_UNKNOWN'
  readonly retriable = true
}

/** Operators change apps by hand now and then. */
const APPS_FOR = 10_000

/**
 * Finds a seller and opens the way to its marketplace. Throws SellerUnknown, or ChannelError: CHANNEL_GRANT_REVOKED when it
 * must consent again, CHANNEL_APP_REFUSED when its app is gone.
 */
export function createSellerAccess(
  { database, channels }: Pick<OrderSyncContext, 'database' | 'channels'>,
  tokens: AccessTokens,
): (name: SellerName) => Promise<SellerAccess> {
  const apps = cached(APPS_FOR, () => listApps(database))
  return async (name) => {
    const seller = await findSeller(database, name.channel, name.sellerId)
    const channel = channels.get(name.channel)
    if (!seller || !channel)
      throw new SellerUnknown(`Seller ${name.sellerId} of channel ${name.channel} has not authorized an app, or just now`)
    if (seller.refreshToken === '') throw grantEnded(name)
    const isIts = ({ id }: AppRow) => id === seller.orderAppId
    // One that was added a moment ago is not gone.
    const app = (await apps()).find(isIts) ?? (await listApps(database)).find(isIts)
    if (!app) throw appGone(seller)
    return {
      seller,
      channel,
      session: tokens.session(channel, app, { ...name, region: seller.region }),
      verify: (signal) => tokens.verify(channel, app, name, signal),
    }
  }
}

function appGone({ sellerId, orderAppId }: SellerRow): ChannelError {
  return new ChannelError(
    'CHANNEL_APP_REFUSED',
    `Seller ${sellerId} belongs to app ${orderAppId}, which is not in eg_order_app. Register it again: tributary app add`,
    { remedy: 'person' },
  )
}
