import { authorizeCorp, listCorps, requestReading } from '@tributary/database'
import { CONTACT_TOPIC, corpKey, createEvent, derivedEventId, encodeEvent } from '@tributary/events'
import { insist } from '@tributary/runtime'
import type { Setting } from '@tributary/vault'
import {
  authorizationCodePrefix,
  corpSubject,
  exchangeCode,
  permanentCodeName,
  suiteTicketName,
  ticketGapName,
  WecomError,
} from '@tributary/wecom'
import { SOURCE, type SyncContext } from './context.ts'
import { type Suite, TICKET_LIFE } from './customers.ts'

/** A code lives for ten minutes (W90642). */
const CODE_LIFE = 10 * 60_000

/**
 * What became of a code: it stands in its place from the exchange, which works once, until all that the authorization brings is kept.
 * A code has no brace.
 */
type Exchanged = { corpId: string; permanentCode: string }

const exchangedIn = (value: string): Exchanged | undefined =>
  value.startsWith('{') ? (JSON.parse(value) as Exchanged) : undefined

/**
 * Exchanges the codes of new authorizations and answers whether there was one. What a code was exchanged for is kept in its place at
 * once and ends last, so whatever fails between is done by a later turn. Throws WecomError for what a later try may mend.
 */
export async function exchangeCodes(context: SyncContext, suite: Suite, signal: AbortSignal): Promise<boolean> {
  const { settings } = context
  const names = await settings.names(authorizationCodePrefix(suite))
  for (const name of names) {
    const code = await settings.get(name)
    if (!code) continue
    try {
      const exchanged = exchangedIn(code.value) ?? (await exchange(context, suite, { name, code }, signal))
      await keepAuthorization(context, suite, exchanged, Math.floor(code.time / 1000))
      await settings.remove(name)
    } catch (error) {
      if (!(error instanceof WecomError)) throw error
      if (error.retriable && Date.now() - code.time <= CODE_LIFE) throw error
      await giveUp(context, suite, { name, code, error })
    }
  }
  return names.length > 0
}

/** Nothing comes of a code any more, unless another process had exchanged it and is at work. */
async function giveUp(
  { settings, logger }: SyncContext,
  { customer }: Suite,
  { name, code, error }: { name: string; code: Setting; error: WecomError },
): Promise<void> {
  if ((await settings.get(name))?.value !== code.value) return
  logger.error({ err: error, customer }, 'a code could not be exchanged; the corp has to authorize the suite again')
  await settings.remove(name)
}

async function exchange(
  { settings }: SyncContext,
  suite: Suite,
  { name, code }: { name: string; code: Setting },
  signal: AbortSignal,
): Promise<Exchanged> {
  const exchanged = await exchangeCode(suite.send, suite.access, code.value, signal)
  // A moment later than the code: the same one may be told again, and must not take this place.
  const kept = { value: JSON.stringify(exchanged), time: code.time + 1 }
  // Nobody can exchange the code again, so this waits for the database.
  await insist(() => settings.put(name, kept), signal)
  return exchanged
}

/** Doing it again changes nothing. */
async function keepAuthorization(
  { database, log, vault, settings }: SyncContext,
  suite: Suite,
  { corpId, permanentCode }: Exchanged,
  time: number,
): Promise<void> {
  const corp = { customer: suite.customer, suiteId: suite.suiteId, corpId }
  await settings.put(permanentCodeName(corp), { value: permanentCode, time: time * 1000 })
  const { authorization } = await authorizeCorp(database, corp, time)
  const event = createEvent({
    id: derivedEventId('CorpAuthorized', corp.customer, corp.suiteId, corpId, authorization, time),
    type: 'CorpAuthorized',
    source: SOURCE,
    subject: `corps/${corpId}`,
    time: time * 1000,
    partitionkey: corpKey(corpId),
    data: {
      customer: corp.customer,
      suiteId: corp.suiteId,
      authCorpId: corpId,
      timestamp: time,
      subject: corpSubject(vault, corp, authorization),
    },
  })
  await log.append(CONTACT_TOPIC, [encodeEvent(event)])
}

/**
 * Asks for a reading of every corp of a suite when tickets come again after more than half an hour without one: for so
 * long nothing reached us, and WeCom repeats a callback three times within seconds only.
 */
export async function noticeSilence(context: SyncContext, suite: Suite): Promise<void> {
  const { database, settings, logger } = context
  const ticket = await settings.get(suiteTicketName(suite))
  if (!ticket) return
  const seen = await settings.get(ticketGapName(suite))
  if (seen && seen.time >= ticket.time) return
  if (seen && ticket.time - seen.time > TICKET_LIFE) {
    const corps = (await listCorps(database)).filter(
      (corp) => corp.customer === suite.customer && corp.suiteId === suite.suiteId && corp.state === 'authorized',
    )
    for (const corp of corps) await requestReading(database, corp)
    logger.warn(
      { customer: suite.customer, corps: corps.length },
      'no ticket came for over half an hour; directories are read again',
    )
  }
  await settings.put(ticketGapName(suite), { value: '', time: ticket.time })
}
