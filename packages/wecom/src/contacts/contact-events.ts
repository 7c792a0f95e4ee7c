import { type ContactPart, corpKey, createEvent, derivedEventId, type EventOf } from '@tributary/events'
import { type Fields, textOf } from '../callback/fields.ts'
import { idempotencyKey } from '../callback/idempotency.ts'
import { type ChangeType, listOf } from '../callback/message.ts'

/** A corp under one of our customers; `subject` names the data key of its present authorization. */
export type Corp = { customer: string; suiteId: string; corpId: string; subject: string }

/** A change of a directory before it is an event. `fields` are as a callback has them, whoever found the change. */
export type ContactChange = {
  corp: Corp
  changeType: ChangeType
  /** Seconds since 1970. */
  timestamp: number
  origin: 'callback' | 'reconcile'
  receiveId: string
  fields: Fields
}

/** What of the vault this needs. */
export type Sealing = {
  subject(kind: string, id: string): string
  seal(
    items: readonly { subject: string; eventId: string; plaintext: string }[],
  ): Promise<({ kind: 'sealed'; jwe: string } | { kind: 'erased' })[]>
}

export type EventMaking = {
  vault: Sealing
  rowIds: { next(): number }
  /** Who appends the events, as they say. */
  source: string
  traceparent?: string
}

/** The pseudonym under which the vault keeps the data key of one authorization of a corp. */
export const corpSubject = (vault: Pick<Sealing, 'subject'>, corp: Omit<Corp, 'subject'>, authorization: number): string =>
  vault.subject('wework:corp', JSON.stringify([corp.customer, corp.suiteId, corp.corpId, authorization]))

/** The keyed hash under which events name a member of a corp, made of its id as WeCom gives it. */
export const memberPseudonym = (
  vault: Pick<Sealing, 'subject'>,
  { customer, suiteId, corpId }: Omit<Corp, 'subject'>,
  id: string,
): string => vault.subject('wework:member', JSON.stringify([customer, suiteId, corpId, id]))

/** The same of a department. */
export const departmentPseudonym = (
  vault: Pick<Sealing, 'subject'>,
  { customer, suiteId, corpId }: Omit<Corp, 'subject'>,
  id: string,
): string => vault.subject('wework:department', JSON.stringify([customer, suiteId, corpId, id]))

/**
 * The events of changes, sealed in one call of the vault. Ids derive from all that was said, so that the same thing heard
 * again is the same event; what is sealed for a corp whose key was destroyed comes out empty. Throws what the vault throws.
 */
export async function contactEvents(
  making: EventMaking,
  changes: readonly ContactChange[],
): Promise<EventOf<'ContactChanged'>[]> {
  const items = changes.map(({ corp, receiveId, fields }) => ({
    subject: corp.subject,
    eventId: derivedEventId('ContactChanged', corp.customer, idempotencyKey(receiveId, fields)),
    plaintext: JSON.stringify({ receiveId, fields } satisfies ContactPart),
  }))
  const outcomes = items.length === 0 ? [] : await making.vault.seal(items)
  return changes.map((change, index) => {
    const outcome = outcomes[index]
    return contactEvent(making, change, items[index]?.eventId ?? '', outcome?.kind === 'sealed' ? outcome.jwe : null)
  })
}

function contactEvent(
  making: EventMaking,
  change: ContactChange,
  id: string,
  sealed: string | null,
): EventOf<'ContactChanged'> {
  const { corp, changeType, timestamp, origin } = change
  const { rowIds, source, traceparent } = making
  const whose = whoseOf(making.vault, change)
  return createEvent({
    id,
    type: 'ContactChanged',
    source,
    subject: `corps/${corp.corpId}`,
    time: timestamp * 1000,
    partitionkey: corpKey(corp.corpId),
    ...(traceparent === undefined ? {} : { traceparent }),
    data: {
      customer: corp.customer,
      suiteId: corp.suiteId,
      authCorpId: corp.corpId,
      changeType,
      timestamp,
      origin,
      member: whose.member,
      newMember: whose.newMember,
      department: whose.department,
      rowIds: {
        event: rowIds.next(),
        member: rowIds.next(),
        department: rowIds.next(),
        pairs: Object.fromEntries(whose.departments.map((department) => [department, rowIds.next()])),
      },
      subject: corp.subject,
      sealed,
    },
  })
}

function whoseOf(vault: Sealing, { corp, changeType, fields }: ContactChange) {
  const member = (id: string | undefined) => (id ? memberPseudonym(vault, corp, id) : null)
  const department = (id: string | undefined) => (id ? departmentPseudonym(vault, corp, id) : null)
  const isMember = changeType.endsWith('_user')
  const departments = isMember ? listOf(textOf(fields, 'Department')) : []
  return {
    member: isMember ? member(textOf(fields, 'UserID')) : null,
    newMember: isMember ? member(textOf(fields, 'NewUserID')) : null,
    department: changeType.endsWith('_party') ? department(textOf(fields, 'Id')) : null,
    departments: departments.flatMap((id) => department(id) ?? []),
  }
}
