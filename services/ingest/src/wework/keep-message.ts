import { hash } from 'node:crypto'
import { type CorpName, cancelCorp, requestReading } from '@tributary/database'
import { corpKey, createEvent, derivedEventId, type Event } from '@tributary/events'
import {
  authorizationCodeName,
  contactEvents,
  corpSubject,
  type Fields,
  idempotencyKey,
  permanentCodeName,
  type Received,
  readMessage,
  suiteTicketName,
  type WecomMessage,
} from '@tributary/wecom'
import { SOURCE } from '../context.ts'
import { traceOf } from '../kept-events.ts'
import type { CallbackReception, Origin } from '../reception.ts'
import type { Append } from '../work.ts'
import type { WeworkContext } from './context.ts'

type Keeping = {
  context: WeworkContext
  append: Append
  address: CallbackReception['address']
  received: Received
  origin: Origin
}

/**
 * Keeps what a callback says, each kind where it belongs: credentials in the vault's settings, consents in the table of
 * corps and the log, all else in the log. Once it resolves, the same message sent again changes nothing.
 */
export async function keepMessage(keeping: Keeping): Promise<void> {
  const message = readMessage(keeping.received.fields)
  switch (message.kind) {
    case 'suite-ticket':
      return keepCredential(keeping, suiteTicketName(keeping.address), message.ticket, message.timestamp)
    case 'authorization-code': {
      const name = authorizationCodeName(keeping.address, hash('sha256', message.authCode, 'base64url'))
      return keepCredential(keeping, name, message.authCode, message.timestamp)
    }
    case 'authorization-changed':
      return authorizationChanged(keeping, message)
    case 'authorization-cancelled':
      return authorizationCancelled(keeping, message)
    case 'contact-changed':
      return contactChanged(keeping, message)
    case 'other':
      return keepOther(keeping, message)
  }
}

async function keepCredential({ context }: Keeping, name: string, value: string, seconds: number): Promise<void> {
  await context.settings.put(name, { value, time: seconds * 1000 })
}

const corpOf = ({ address }: Keeping, corpId: string): CorpName => ({
  customer: address.customer,
  suiteId: address.suiteId,
  corpId: address.corpId ?? corpId,
})

/** The visible range, the mode or the permissions changed; which, only a reading of the directory tells (W90642). */
async function authorizationChanged(keeping: Keeping, { corpId }: { corpId: string }): Promise<void> {
  const { context } = keeping
  await requestReading(context.database, corpOf(keeping, corpId))
}

/**
 * The data key goes first: should we fail in between, WeCom sends the notice again. A notice that is older than a new
 * consent of the same corp destroys nothing.
 */
async function authorizationCancelled(
  keeping: Keeping,
  { corpId, timestamp }: { corpId: string; timestamp: number },
): Promise<void> {
  const { context, append, received, origin } = keeping
  const corp = corpOf(keeping, corpId)
  const { state, authorization } = await cancelCorp(context.database, corp, timestamp)
  if (state !== 'cancelled') return
  const subject = corpSubject(context.vault, corp, authorization)
  await context.vault.destroy(subject)
  await context.settings.remove(permanentCodeName(corp))
  const event = createEvent({
    id: derivedEventId('CorpDeauthorized', corp.customer, idempotencyKey(received.receiveId, received.fields)),
    type: 'CorpDeauthorized',
    source: SOURCE,
    subject: `corps/${corp.corpId}`,
    time: timestamp * 1000,
    partitionkey: corpKey(corp.corpId),
    ...traceOf(origin),
    data: { customer: corp.customer, suiteId: corp.suiteId, authCorpId: corp.corpId, timestamp, subject },
  })
  await append([event])
}

async function contactChanged(
  keeping: Keeping,
  { corpId, changeType, timestamp }: Extract<WecomMessage, { kind: 'contact-changed' }>,
): Promise<void> {
  const { context, append, received, origin } = keeping
  const corp = corpOf(keeping, corpId)
  const { receiveId, fields } = received
  const events = await contactEvents({ ...context, source: SOURCE, ...traceOf(origin) }, [
    {
      corp: { ...corp, subject: await subjectOf(keeping, corp) },
      changeType,
      timestamp,
      origin: 'callback',
      receiveId,
      fields,
    },
  ])
  await append(events)
}

const subjectOf = async ({ context }: Keeping, corp: CorpName): Promise<string> =>
  corpSubject(context.vault, corp, await context.authorizationOf(corp))

async function keepOther(
  keeping: Keeping,
  { corpId, infoType, timestamp }: Extract<WecomMessage, { kind: 'other' }>,
): Promise<void> {
  const { context, append, address, received, origin } = keeping
  const id = derivedEventId('CorpNotified', address.customer, idempotencyKey(received.receiveId, received.fields))
  const subject =
    corpId === null
      ? context.vault.subject('wework:customer', JSON.stringify([address.customer, address.suiteId]))
      : await subjectOf(keeping, corpOf(keeping, corpId))
  const plaintext = JSON.stringify({ receiveId: received.receiveId, fields: withoutCredentials(received.fields) })
  const [outcome] = await context.vault.seal([{ subject, eventId: id, plaintext }])
  const event: Event = createEvent({
    id,
    type: 'CorpNotified',
    source: SOURCE,
    subject: corpId === null ? `customers/${address.customer}` : `corps/${corpId}`,
    time: origin.time,
    partitionkey: corpId === null ? id : corpKey(corpId),
    ...traceOf(origin),
    data: {
      customer: address.customer,
      suiteId: address.suiteId,
      authCorpId: corpId,
      infoType: printable(infoType),
      timestamp,
      subject,
      sealed: outcome?.kind === 'sealed' ? outcome.jwe : null,
    },
  })
  await append([event])
}

const LONGEST_ID = 64

/** What a stranger to us calls a ticket, a code or a token opens a door all the same. */
const CREDENTIAL = /ticket|code|token|secret/i

function withoutCredentials(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      CREDENTIAL.test(name)
        ? ''
        : typeof value === 'object' && !Array.isArray(value)
          ? withoutCredentials(value as Fields)
          : value,
    ]),
  )
}

const printable = (text: string): string => [...text.replaceAll(/[\p{Cc}\p{Cs}]/gu, '')].slice(0, LONGEST_ID).join('')
