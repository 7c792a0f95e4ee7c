import { randomBytes } from 'node:crypto'
import type { Grant } from '@tributary/channels'
import type { Database } from '@tributary/database'
import type { EventLog } from '@tributary/event-log'
import { encodeEvent, ORDER_TOPIC, type RowIds, timeOrderedEventId } from '@tributary/events'
import { openSettings, type Vault } from '@tributary/vault'
import type { ConsentReception } from '../reception.ts'
import { keepConsent } from './keep-consent.ts'

/**
 * A consent that counts once an operator has confirmed it: `unasked`, because nobody here had asked for it, or `unproved`, because it
 * would take over a seller that we have, and nothing proves that it is the same account.
 */
export type ParkedConsent = {
  id: string
  channel: number
  appId: number
  reason: 'unasked' | 'unproved'
  sellers: readonly { sellerId: string; sellerName: string; region: string }[]
  /** When it came, milliseconds since 1970. */
  time: number
}

type Context = { database: Database; vault: Vault }
type Kept = Pick<ParkedConsent, 'channel' | 'appId' | 'reason'> & { grants: ConsentReception['grants'] }

/** Of each reason: who parks more than an operator looks through is no seller, and must not turn away those who wait for the other. */
const MOST_PARKED = 100
/** Of the same shops. All are kept, because an operator must see that two claim to be one shop. */
const MOST_ALIKE = 3
const PREFIX = 'parked-consent/'

/**
 * Keeps a consent, sealed, until an operator decides. Answers its id, or undefined when too many wait already. The ids of its
 * events are fixed now, so confirming it twice keeps it once. Throws DatabaseError.
 */
export async function parkConsent(
  context: Context,
  { channel, appId, reason, grants }: Pick<ParkedConsent, 'channel' | 'appId' | 'reason'> & { grants: readonly Grant[] },
): Promise<string | undefined> {
  const settings = openSettings(context)
  const waiting = (await listParkedConsents(context)).filter((consent) => consent.reason === reason)
  const alike = waiting.filter((one) => one.channel === channel && shopsOf(one.sellers) === shopsOf(grants))
  if (waiting.length >= MOST_PARKED || alike.length >= MOST_ALIKE) return undefined
  const id = randomBytes(6).toString('hex')
  const kept: Kept = {
    channel,
    appId,
    reason,
    grants: grants.map(({ access: _, ...grant }) => ({ ...grant, eventId: timeOrderedEventId() })),
  }
  await settings.put(`${PREFIX}${id}`, { value: JSON.stringify(kept), time: Date.now() })
  return id
}

const shopsOf = (sellers: ParkedConsent['sellers'] | readonly Grant[]): string =>
  JSON.stringify(sellers.map(({ sellerId }) => sellerId).sort())

/** How many consents wait for an operator. Throws DatabaseError. */
export const countParkedConsents = async (context: Context): Promise<number> =>
  (await openSettings(context).names(PREFIX)).length

/** The consents that wait for an operator, oldest first. Throws DatabaseError. */
export async function listParkedConsents(context: Context): Promise<ParkedConsent[]> {
  const consents: ParkedConsent[] = []
  for (const name of await openSettings(context).names(PREFIX)) {
    const found = await readConsent(context, name.slice(PREFIX.length))
    if (found) consents.push(found.consent)
  }
  return consents
}

/**
 * Appends `SellerAuthorized` for each seller of a parked consent and forgets the consent. Answers it, or undefined when
 * there is none with this id. It counts from now on: while it waited, the grant that it replaces went on, and may have ended because
 * of it. Throws DatabaseError, EventLogError.
 */
export async function confirmParkedConsent(
  context: Context & { log: EventLog; rowIds: RowIds },
  id: string,
  spiCodes: readonly string[] | null,
): Promise<ParkedConsent | undefined> {
  const found = await readConsent(context, id)
  if (!found) return undefined
  const { channel, appId } = found.consent
  const intent = { channel, appId, spiCodes }
  const reception = { kind: 'consent', time: Date.now(), intent, grants: found.grants } as const
  await keepConsent(context)(reception, async (events) => {
    await context.log.append(ORDER_TOPIC, events.map(encodeEvent))
  })
  await discardParkedConsent(context, id)
  return found.consent
}

/** Forgets a parked consent. Answers whether there was one. Throws DatabaseError. */
export async function discardParkedConsent(context: Context, id: string): Promise<boolean> {
  if (!(await readConsent(context, id))) return false
  await openSettings(context).remove(`${PREFIX}${id}`)
  return true
}

async function readConsent(
  context: Context,
  id: string,
): Promise<{ consent: ParkedConsent; grants: Kept['grants'] } | undefined> {
  const setting = await openSettings(context).get(`${PREFIX}${id}`)
  if (!setting) return undefined
  // Those that waited before there were two reasons were all of the one kind.
  const { channel, appId, reason = 'unasked', grants } = JSON.parse(setting.value) as Omit<Kept, 'reason'> & Partial<Kept>
  const sellers = grants.map(({ sellerId, sellerName, region }) => ({ sellerId, sellerName, region }))
  return { consent: { id, channel, appId, reason, sellers, time: setting.time }, grants }
}
