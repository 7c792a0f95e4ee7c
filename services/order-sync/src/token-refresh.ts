import { type App, type Channel, ChannelError, consentTokenIn, consentTokenName } from '@tributary/channels'
import { isGone, processIdentity } from '@tributary/database'
import { type EventData, ORDER_TOPIC, type StoredEvent, sellerKey } from '@tributary/events'
import { insist, pause } from '@tributary/runtime'
import { openSettings } from '@tributary/vault'
import { claimRefresh, keepFailure, keepRefusal, keepRotation, keepToken, type TokenRow } from './access-token-rows.ts'
import { pauseWhenLimited } from './call-budget.ts'
import type { OrderSyncContext, SellerName } from './context.ts'
import {
  appendDeauthorized,
  type Grant,
  grantEnded,
  openGrant,
  type Rotation,
  readStanding,
  rotatedEvent,
  shownGrantId,
} from './grants.ts'
import { countRefresh } from './measure.ts'
import { type Pace, retryWait } from './pace.ts'
import { otherGrantsOf, whileNobodyRefreshes } from './shared-grants.ts'

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
  const refreshing = new Set<string>()

  const takeTurn: TakeTurn = async (call, found) => {
    const { row } = found
    const now = Date.now()
    const name = secretName(call.seller)
    // Of a claim of ours that nobody here works on the answer got lost, or that of its end: it keeps nobody waiting.
    if (refreshing.has(name) || (row.claimedBy !== owner && isClaimed(row, now))) {
      if (row.claimedBy === null && row.claimedUntil > now) throw tooEarly(row.claimedUntil - now)
      await pause(LOOK_AGAIN, call.signal)
      return 'again'
    }
    refreshing.add(name)
    try {
      if (!(await claimRefresh(database, call.seller, { seen: row, owner, until: now + CLAIM }))) return 'again'
      return await refreshNow(call, found, now)
    } finally {
      refreshing.delete(name)
    }
  }

  async function refreshNow(call: RefreshCall, { grant, row }: Found, now: number): Promise<'refreshed' | 'again'> {
    const { channel } = call.seller
    try {
      if ((await refresh(call, grant, now)) === 'replaced') return await again(call.seller)
      countRefresh(channel, 'refreshed')
      return 'refreshed'
    } catch (error) {
      countRefresh(channel, isEnd(error) ? 'ended' : 'failed')
      if (isEnd(error)) return await refused(call, grant, { error, since: now })
      throw await failed(call, row, error)
    }
  }

  /** `replaced` when another seller's refresh brought this one a new grant while we waited for it. */
  async function refresh(call: RefreshCall, grant: Grant, now: number): Promise<'refreshed' | 'replaced'> {
    const { channel, seller } = call
    if (call.reason === 'refused' && (await takeConsentToken(seller, grant, now))) return 'refreshed'
    // It may have been kept but not appended; appending it twice does nothing.
    if (grant.event) await log.append(ORDER_TOPIC, [grant.event])
    const refreshToken = await openGrant(context, grant)
    if (refreshToken === undefined) throw grantEnded(seller)
    return await whileNobodyRefreshes(database, { channel, refreshToken }, async () => {
      const current = channel.sharesGrants ? (await readStanding(context, seller)).grant : grant
      if (current?.id !== grant.id) return 'replaced'
      await exchange(call, { grant, refreshToken, now })
      return 'refreshed'
    })
  }

  /** Takes up the only token of a grant that can't be refreshed. Once: when that is refused, the grant has ended. */
  async function takeConsentToken(seller: SellerName, { id: grantId }: Grant, now: number): Promise<boolean> {
    const settings = openSettings(context)
    const name = consentTokenName(grantId)
    const kept = await settings.get(name)
    if (!kept) return false
    const { token, expiresTime } = consentTokenIn(kept.value)
    const sealed = vault.sealSecret(secretName(seller), token)
    if (expiresTime > now) await keepToken(database, seller, owner, { grantId, sealed, refreshTime: expiresTime, expiresTime })
    await settings.remove(name)
    return expiresTime > now
  }

  async function exchange(
    { channel, app, seller, signal }: RefreshCall,
    { grant, refreshToken, now }: { grant: Grant; refreshToken: string; now: number },
  ): Promise<void> {
    const { access, rotated } = await channel.refresh(app, refreshToken, signal)
    const grantId = rotated
      ? await rotate(
          [grant, ...(await insist(() => otherGrantsOf(context, { channel, app, grant, refreshToken }), signal))],
          { ...(channel.deadlineStays ? endingAsBefore(rotated, grant) : rotated), since: now },
          signal,
        )
      : grant.id
    const sealed = vault.sealSecret(secretName(seller), access.token)
    const refreshTime = Math.round(now + (access.expiresTime - now) * REFRESH_AT)
    await keepToken(database, seller, owner, { grantId, sealed, refreshTime, expiresTime: access.expiresTime })
  }

  /**
   * A new grant, of all who stand behind the token, is kept before it is appended, and appended before it is used: it cannot be lost, and
   * the log knows it. The marketplace gives it once and may take the old one no more, so nothing but the end of the process stops keeping it.
   */
  async function rotate(
    grants: readonly [Grant, ...Grant[]],
    rotation: Rotation & { since: number },
    signal: AbortSignal,
  ): Promise<string> {
    const made = ({ seller }: Grant) => insist(() => rotatedEvent(context, seller, rotation), signal)
    const own = await made(grants[0])
    const events: StoredEvent[] = [own, ...(await Promise.all(grants.slice(1).map(made)))]
    const keep = () =>
      database.transaction(async (connection) => {
        for (const [index, { seller }] of grants.entries()) {
          const rotatedTo = JSON.stringify(events[index])
          await keepRotation(connection, seller, { shown: seller.refreshToken, rotatedFrom: shownGrantId(seller), rotatedTo })
        }
      })
    await insist(keep, signal)
    await log.append(ORDER_TOPIC, events)
    return own.id
  }

  async function again(seller: SellerName): Promise<'again'> {
    await keepFailure(database, seller, owner, { until: 0, failures: 0 })
    return 'again'
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
    if (current.grant && current.grant.id !== grant.id) return await again(seller)
    const expires = grant.seller.refreshTokenExpiresTime
    await appendDeauthorized(context, grant, { reason: expires > 0 && expires <= since ? 'expired' : reason, since })
    await keepRefusal(database, seller, owner, grant.id)
    logger.warn({ ...seller }, 'the grant of a seller has ended; it must consent again')
    throw error
  }

  return takeTurn
}

/** The grant ends when its first consent said, or sooner. */
function endingAsBefore(rotation: Rotation, { seller }: Grant): Rotation {
  const first = seller.refreshTokenExpiresTime
  if (first === 0 || rotation.expiresTime <= first) return rotation
  return { ...rotation, expiresIn: Math.max(0, Math.floor((first - Date.now()) / 1000)), expiresTime: first }
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
