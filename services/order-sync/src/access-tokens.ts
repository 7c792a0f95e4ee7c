import type { App, Channel, Session } from '@tributary/channels'
import { VaultError } from '@tributary/vault'
import { forgetToken, loadTokenRow } from './access-token-rows.ts'
import type { OrderSyncContext, SellerName } from './context.ts'
import { grantEnded, readStanding, type Standing } from './grants.ts'
import type { Pace } from './pace.ts'
import { createRefreshTurns, isClaimed, isEnd, type RefreshCall, secretName } from './token-refresh.ts'

export type AccessTokens = {
  /** What the channel needs to call in the name of a seller. */
  session(channel: Channel, app: App, seller: SellerName & { region: string }): Session
  /** Asks the marketplace, by a refresh, whether the grant still stands. When it does not, its end is in the log. */
  verify(channel: Channel, app: App, seller: SellerName, signal: AbortSignal): Promise<'stands' | 'ended'>
}

/** A token this close to its end counts as over: a request takes time, too. */
const MARGIN = 60_000

/**
 * Access tokens, kept sealed in the database and refreshed by one process at a time: who comes second waits for what the
 * first brings home, also when that is a failure. A token that still lives is used while the next is under way.
 * `token` throws ChannelError: CHANNEL_GRANT_REVOKED, or what the refresh met.
 */
export function createAccessTokens(
  context: Pick<OrderSyncContext, 'database' | 'log' | 'vault' | 'logger'>,
  pace: Pace,
): AccessTokens {
  const { database, vault } = context
  const takeTurn = createRefreshTurns(context, pace)

  async function token(call: RefreshCall): Promise<string> {
    for (;;) {
      call.signal.throwIfAborted()
      const { grant, row } = await readStanding(context, call.seller)
      if (!grant) throw grantEnded(call.seller)
      const now = Date.now()
      const opened = await openOrForget(call.seller, liveToken({ grant, row }, now))
      if (opened !== null && (now < row.refreshTime || isClaimed(row, now))) return opened
      const turn = takeTurn(call, { grant, row })
      // While this token lives, the next may as well come later.
      await (opened === null ? turn : turn.catch(unlessEnded))
    }
  }

  /** Null when its master key has been rotated away: a token is easily had anew. */
  function openToken(seller: SellerName, sealed: string): string | null {
    try {
      return vault.openSecret(secretName(seller), sealed)
    } catch (error) {
      if (error instanceof VaultError && error.code === 'VAULT_MASTER_KEY_UNKNOWN') return null
      throw error
    }
  }

  async function openOrForget(seller: SellerName, sealed: string | null): Promise<string | null> {
    if (sealed === null) return null
    const opened = openToken(seller, sealed)
    if (opened === null) await forgetToken(database, seller, sealed)
    return opened
  }

  async function verify(call: RefreshCall): Promise<'stands' | 'ended'> {
    try {
      for (;;) {
        call.signal.throwIfAborted()
        const { grant, row } = await readStanding(context, call.seller)
        if (!grant) return 'ended'
        if ((await takeTurn(call, { grant, row })) === 'refreshed') return 'stands'
      }
    } catch (error) {
      if (isEnd(error)) return 'ended'
      throw error
    }
  }

  async function rejected(seller: SellerName, refused: string): Promise<void> {
    const { sealed } = await loadTokenRow(database, seller)
    if (sealed !== null && openToken(seller, sealed) === refused) await forgetToken(database, seller, sealed)
  }

  return {
    session: (channel, app, { region, ...seller }) => ({
      app,
      sellerId: seller.sellerId,
      region,
      token: (signal) => token({ channel, app, seller, signal, reason: 'refused' }),
      rejected: (refused) => rejected(seller, refused),
    }),
    verify: (channel, app, seller, signal) => verify({ channel, app, seller, signal, reason: 'revoked' }),
  }
}

/** The sealed token, if it came from the grant that counts now and lives long enough to be used. */
function liveToken({ grant, row }: Standing, now: number): string | null {
  return row.grantId === grant?.id && row.expiresTime - MARGIN > now ? row.sealed : null
}

function unlessEnded(error: unknown): void {
  if (isEnd(error)) throw error
}
