import { authorizeCorp, listCorps, requestReading } from '@tributary/database'
import { CONTACT_TOPIC, corpKey, createEvent, derivedEventId, encodeEvent } from '@tributary/events'
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
 * Exchanges the codes of new authorizations and answers whether there was one. The permanent code is kept before anything
 * else is done with it, because the exchange works once. Throws WecomError for what a later try may mend.
 */
export async function exchangeCodes(context: SyncContext, suite: Suite, signal: AbortSignal): Promise<boolean> {
  const { settings, logger } = context
  const names = await settings.names(authorizationCodePrefix(suite))
  for (const name of names) {
    const code = await settings.get(name)
    if (!code) continue
    try {
      await authorize(context, suite, { name, code: code.value, time: Math.floor(code.time / 1000) }, signal)
    } catch (error) {
      if (!(error instanceof WecomError)) throw error
      const isOver = Date.now() - code.time > CODE_LIFE
      if (error.retriable && !isOver) throw error
      logger.error(
        { err: error, customer: suite.customer },
        'a code could not be exchanged; the corp has to authorize the suite again',
      )
      await settings.remove(name)
    }
  }
  return names.length > 0
}

async function authorize(
  context: SyncContext,
  suite: Suite,
  { name, code, time }: { name: string; code: string; time: number },
  signal: AbortSignal,
): Promise<void> {
  const { database, log, vault, settings } = context
  const { corpId, permanentCode } = await exchangeCode(suite.send, suite.access, code, signal)
  const corp = { customer: suite.customer, suiteId: suite.suiteId, corpId }
  await settings.put(permanentCodeName(corp), { value: permanentCode, time: time * 1000 })
  await settings.remove(name)
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
