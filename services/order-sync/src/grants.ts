import { type Channel, ChannelError } from '@tributary/channels'
import { findSeller, type SellerRow } from '@tributary/database'
import {
  createStoredEvent,
  derivedEventId,
  type EventData,
  ORDER_TOPIC,
  type StoredEvent,
  sellerKey,
  timeOrderedEventId,
} from '@tributary/events'
import { currentTraceparent } from '@tributary/runtime'
import { readSealHeader } from '@tributary/vault'
import { loadTokenRow, type TokenRow } from './access-token-rows.ts'
import { type OrderSyncContext, type SellerName, SOURCE } from './context.ts'

/** What a seller's consent stands on: a refresh token, named by the event that carries it. */
export type Grant = {
  id: string
  jwe: string
  seller: SellerRow
  /** The event that carries it, while the sellers projection does not show it yet. */
  event?: StoredEvent
}

/** How things stand between us and a seller; `grant` is undefined when only a new consent helps. */
export type Standing = { grant: Grant | undefined; row: TokenRow }

type Parts = Pick<OrderSyncContext, 'database' | 'log' | 'vault'>

/** Reads the newest grant of a seller and what we know of it. */
export async function readStanding({ database }: Parts, name: SellerName): Promise<Standing> {
  const seller = await findSeller(database, name.channel, name.sellerId)
  const row = await loadTokenRow(database, name)
  const grant = seller && newestGrant(seller, row)
  return { row, grant: grant?.id === row.refusedGrantId ? undefined : grant }
}

/** Whether a marketplace can be asked in the name of a seller, as far as we know. */
export const hasGrant = (seller: SellerRow, refusedGrantId: string | undefined): boolean =>
  seller.refreshToken !== '' && shownGrantId(seller) !== refusedGrantId

/** The grant that the sellers projection shows. Throws VaultError VAULT_SEAL_BROKEN when there is none or it is not sealed. */
export const shownGrantId = (seller: SellerRow): string => readSealHeader(seller.refreshToken).eventId

/** What is thrown where a grant is needed and there is none. */
export const grantEnded = ({ channel, sellerId }: SellerName): ChannelError =>
  new ChannelError(
    'CHANNEL_GRANT_REVOKED',
    `Seller ${sellerId} of channel ${channel} must consent again: its grant has ended`,
    {
      remedy: 'reauthorize',
    },
  )

/** The refresh token itself; undefined when its key was destroyed. */
export async function openGrant({ vault }: Parts, grant: Grant): Promise<string | undefined> {
  const { subject } = readSealHeader(grant.jwe)
  const [outcome] = await vault.open([{ subject, eventId: grant.id, jwe: grant.jwe }])
  return outcome?.kind === 'opened' ? outcome.plaintext : undefined
}

/** What took the place of a refresh token. */
export type Rotation = NonNullable<Awaited<ReturnType<Channel['refresh']>>['rotated']>

/**
 * The event of a refresh token that took the place of another; it is not in the log yet. `since` is a time at which that had not
 * happened: a consent that is given later counts more.
 */
export async function rotatedEvent(
  { vault }: Parts,
  seller: SellerRow,
  { since, ...rotation }: Rotation & { since: number },
): Promise<StoredEvent> {
  const now = Date.now()
  const id = timeOrderedEventId(now)
  const key = sellerKey(seller.channel, seller.sellerId)
  const subject = vault.subject('seller', key)
  const [outcome] = await vault.seal([{ subject, eventId: id, plaintext: rotation.refreshToken }])
  return createStoredEvent({
    ...envelopeOf(seller, now),
    id,
    type: 'SellerTokenRotated',
    data: {
      channel: seller.channel,
      sellerId: seller.sellerId,
      rotatedTime: since,
      ...givenAt(seller),
      subject,
      sealed: outcome?.kind === 'sealed' ? outcome.jwe : null,
      refreshTokenExpiresIn: rotation.expiresIn,
      refreshTokenExpiresTime: rotation.expiresTime,
    },
  })
}

/**
 * Appends that a grant has ended, once however often it is called. `since` is a time at which it had not been replaced:
 * a consent that is given later counts more.
 */
export async function appendDeauthorized(
  { log }: Parts,
  { seller, id }: Grant,
  { reason, since }: { reason: EventData<'SellerDeauthorized'>['reason']; since: number },
): Promise<void> {
  const { channel, sellerId } = seller
  const event = createStoredEvent({
    ...envelopeOf(seller, Date.now()),
    id: derivedEventId('SellerDeauthorized', sellerKey(channel, sellerId), id),
    type: 'SellerDeauthorized',
    data: { channel, sellerId, reason, deauthorizedTime: since, ...givenAt(seller) },
  })
  await log.append(ORDER_TOPIC, [event])
}

/** A consent that was given before we asked may not be shown yet, and is not what we asked about. */
const givenAt = ({ authorizedTime }: SellerRow) => (authorizedTime === undefined ? {} : { authorizedTime })

function newestGrant(seller: SellerRow, row: TokenRow): Grant | undefined {
  if (seller.refreshToken === '') return undefined
  const eventId = shownGrantId(seller)
  if (row.rotatedFrom !== eventId || row.rotatedTo === null) return { id: eventId, jwe: seller.refreshToken, seller }
  const event: StoredEvent = JSON.parse(row.rotatedTo)
  const { sealed }: EventData<'SellerTokenRotated'> = JSON.parse(event.data)
  return sealed === null ? undefined : { id: event.id, jwe: sealed, seller, event }
}

function envelopeOf({ channel, sellerId }: SellerRow, time: number) {
  const traceparent = currentTraceparent()
  return {
    source: SOURCE,
    subject: `sellers/${channel}/${sellerId}`,
    time,
    partitionkey: sellerKey(channel, sellerId),
    ...(traceparent === undefined ? {} : { traceparent }),
  }
}
