import { type App, type Channel, ChannelError } from '@tributary/channels'
import { isGone, processIdentity } from '@tributary/database'
import { type EventData, ORDER_TOPIC, type StoredEvent, sellerKey } from '@tributary/events'
import { pause } from '@tributary/runtime'
import { claimRefresh, keepFailure, keepRefusal, keepRotation, keepToken, type TokenRow } from './access-token-rows.ts'
import { pauseWhenLimited } from './call-budget.ts'
import type { OrderSyncContext, SellerName } from './context.ts'
import { appendDeauthorized, type Grant, grantEnded, openGrant, readStanding, rotatedEvent, shownGrantId } from './grants.ts'
import { countRefresh } from './measure.ts'
import { type Pace, retryWait } from './pace.ts'

export type RefreshCall = {
  channel: Channel
  app: App
  seller: SellerName
  signal: AbortSignal
  /** What a refusal will mean. */
  reason: EventData<'SellerDeauthorized'>['reason']
}

type Found = { grant: Grant; row: TokenRow }

/**
 * Refreshes the access token if nobody else does, else waits a moment; `again` asks the caller to look at the row once more.
 * A grant that the marketplace refuses is ended in the log, once. Throws ChannelError CHANNEL_GRANT_REVOKED then, else
 * what the refresh met; nobody in any process tries again before a back-off is over.
 */
export type TakeTurn = (call: RefreshCall, found: Found) => Promise<'refreshed' | 'again'>

/** The share of a token's life after which we get the next one. */
const REFRESH_AT = 0.8
/** Longer than the slowest refresh, milliseconds. */
const CLAIM = 30_000
/** How often those who wait for another's refresh look for its result, milliseconds. */
const LOOK_AGAIN = 25

export function createRefreshTurns(
  context: Pick<OrderSyncContext, 'database' | 'log' | 'vault' | 'logger'>,
  pace: Pace,
): TakeTurn {
  const { database, log, vault, logger } = context
  const owner = processIdentity()

  const takeTurn: TakeTurn = async (call, found) => {
    const now = Date.now()
    if (isClaimed(found.row, now)) {
      if (found.row.claimedBy === null) throw tooEarly(found.row.claimedUntil - now)
      await pause(LOOK_AGAIN, call.signal)
      return 'again'
    }
    if (!(await claimRefresh(database, call.seller, { seen: found.row, owner, until: now + CLAIM }))) return 'again'
    try {
      await refresh(call, found.grant, now)
      countRefresh(call.seller.channel, 'refreshed')
      return 'refreshed'
    } catch (error) {
      countRefresh(call.seller.channel, isEnd(error) ? 'ended' : 'failed')
      if (isEnd(error)) return await refused(call, found.grant, { error, since: now })
      throw await failed(call, found.row, error)
    }
  }

  async function refresh({ channel, app, seller, signal }: RefreshCall, grant: Grant, now: number): Promise<void> {
    // It may have been kept but not appended; appending it twice does nothing.
    if (grant.event) await log.append(ORDER_TOPIC, [grant.event])
    const refreshToken = await openGrant(context, grant)
    if (refreshToken === undefined) throw grantEnded(seller)
    const { access, rotated } = await channel.refresh(app, refreshToken, signal)
    const grantId = rotated ? await rotate(grant, await rotatedEvent(context, grant.seller, rotated)) : grant.id
    const sealed = vault.sealSecret(secretName(seller), access.token)
    const refreshTime = Math.round(now + (access.expiresTime - now) * REFRESH_AT)
    await keepToken(database, seller, owner, { grantId, sealed, refreshTime, expiresTime: access.expiresTime })
  }

  /** The new grant is kept before it is appended, and appended before it is used: it cannot be lost, and the log knows it. */
  async function rotate({ seller }: Grant, event: StoredEvent): Promise<string> {
    await keepRotation(database, seller, { rotatedFrom: shownGrantId(seller), rotatedTo: JSON.stringify(event) })
    await log.append(ORDER_TOPIC, [event])
    return event.id
  }

  /** Ends the claim so that all who wait hear of the failure, and answers what to throw. */
  async function failed({ seller, signal }: RefreshCall, row: TokenRow, error: unknown): Promise<unknown> {
    const now = Date.now()
    const failures = row.failures + 1
    const retryAfter = error instanceof ChannelError ? error.retryAfter : 0
    const until = signal.aborted ? 0 : now + retryWait(pace, failures, retryAfter)
    await pauseWhenLimited(database, error, { channel: seller.channel, operation: 'token', now, until })
    await keepFailure(database, seller, owner, { until, failures })
    return isLimit(error) ? tooEarly(until - now, error) : error
  }

  /** Ends the grant, unless a new consent has taken its place meanwhile. */
  async function refused(
    { seller, reason }: RefreshCall,
    grant: Grant,
    { error, since }: { error: unknown; since: number },
  ): Promise<'again'> {
    const current = await readStanding(context, seller)
    if (current.grant && current.grant.id !== grant.id) {
      await keepFailure(database, seller, owner, { until: 0, failures: 0 })
      return 'again'
    }
    const expires = grant.seller.refreshTokenExpiresTime
    await appendDeauthorized(context, grant, { reason: expires > 0 && expires <= since ? 'expired' : reason, since })
    await keepRefusal(database, seller, owner, grant.id)
    logger.warn({ ...seller }, 'the grant of a seller has ended; it must consent again')
    throw error
  }

  return takeTurn
}

/** Somebody refreshes, or a refresh failed so recently that nobody should. */
export function isClaimed({ claimedBy, claimedUntil }: TokenRow, now: number): boolean {
  return claimedUntil > now && !(claimedBy !== null && isGone(claimedBy))
}

/** Whether only a new consent helps. */
export function isEnd(error: unknown): boolean {
  return error instanceof ChannelError && error.code === 'CHANNEL_GRANT_REVOKED'
}

/** What a sealed access token is bound to. */
export function secretName({ channel, sellerId }: SellerName): string {
  return `access-token:${sellerKey(channel, sellerId)}`
}

function tooEarly(retryAfter: number, cause?: unknown): ChannelError {
  const message = 'The last token refresh failed; the next try must wait'
  return new ChannelError('CHANNEL_UNAVAILABLE', message, { remedy: 'retry', retryAfter, cause })
}

/** A limit on refreshes says nothing about other calls, so it must not look like one of theirs. */
function isLimit(error: unknown): boolean {
  return error instanceof ChannelError && error.code === 'CHANNEL_RATE_LIMITED'
}
