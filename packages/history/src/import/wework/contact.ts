import type { Connection } from '@tributary/database'
import { corpKey, createEvent, derivedEventId, type EventData, EventError, type EventOf } from '@tributary/events'
import type { Vault } from '@tributary/vault'
import type { ReportBook } from '../report.ts'

/** A corp as rows of an existing system name it, and how its content and the ids of its people are hidden in events. */
export type ImportedCorp = {
  customer: string
  suiteId: string
  corpId: string
  /** The database that its directory stands in here, our own where it is left out. */
  schema?: string
  /** Names the data key of its present authorization. */
  subject: string
  /** Keyed hashes of the ids of a member and of a department. */
  member(id: string): string
  department(id: string): string
}

export type WeworkImport = {
  /** Whose directory the existing database holds: its tables have no column for the corp. */
  corp: ImportedCorp
  /** The corp of a row that names it, undefined when the configuration knows no such suite or app. */
  corpOf(suiteId: string, corpId: string): Promise<ImportedCorp | undefined>
}

/** What the passes of an import of WeCom's tables work with. */
export type WeworkContext = WeworkImport & {
  source: Connection
  vault: Vault
  rowIds: { next(): number }
  book: ReportBook
}

type Data = EventData<'ContactChanged'>

/** A ContactChanged to be. `of` names the row that it is made of, and which of the row's events it is. */
export type Contact = {
  of: { table: string; id: number; part: number }
  corp: ImportedCorp
  origin: 'import' | 'import-event'
  changeType: Data['changeType']
  /** Seconds since 1970, by which changes of one thing are told older from newer. */
  timestamp: number
  /** Milliseconds since 1970, for the audit columns. */
  time: number
  fields: Readonly<Record<string, string>>
  rowIds: { [K in 'event' | 'member' | 'department']?: number } & { pairs?: Data['rowIds']['pairs'] }
}

/** The texts of columns by the fields of WeCom's that they are made of; NULL says nothing. */
export const fieldsOf = (columns: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(columns).flatMap(([field, value]) =>
      value === null || value === undefined ? [] : [[field, String(value)]],
    ),
  )

/** Seals contacts under the keys of their corps. Those of a corp that cancelled, and what no event can hold, go into the book. */
export async function sealContacts(
  { vault, rowIds, book }: Pick<WeworkContext, 'vault' | 'rowIds' | 'book'>,
  contacts: readonly Contact[],
): Promise<EventOf<'ContactChanged'>[]> {
  const items = contacts.map(({ of, corp, fields }) => ({
    subject: corp.subject,
    eventId: derivedEventId('import', of.table, corp.customer, corp.suiteId, corp.corpId, of.id, of.part),
    plaintext: JSON.stringify({ receiveId: corp.corpId, fields }),
  }))
  const outcomes = items.length === 0 ? [] : await vault.seal(items)
  return contacts.flatMap((contact, index) => {
    const outcome = outcomes[index]
    const leaveOut = (why: string) => {
      book.misfit(contact.of.table, contact.of.id, `${why}; left out`)
      return []
    }
    if (outcome?.kind !== 'sealed') return leaveOut('its corp took its consent back')
    try {
      return [eventOf(contact, items[index]?.eventId ?? '', outcome.jwe, rowIds)]
    } catch (error) {
      if (error instanceof EventError) return leaveOut('a value that no event can hold')
      throw error
    }
  })
}

function eventOf(contact: Contact, id: string, sealed: string, ids: { next(): number }): EventOf<'ContactChanged'> {
  const { corp, changeType, timestamp, time, origin, fields, rowIds } = contact
  const isMember = changeType.endsWith('_user')
  const hashed = (hash: (id: string) => string, of: string | undefined) => (of ? hash(of) : null)
  return createEvent({
    id,
    type: 'ContactChanged',
    source: '/tributary/import',
    subject: `corps/${corp.corpId}`,
    time,
    partitionkey: corpKey(corp.corpId),
    data: {
      customer: corp.customer,
      suiteId: corp.suiteId,
      authCorpId: corp.corpId,
      changeType,
      timestamp,
      origin,
      member: isMember ? hashed(corp.member, fields['UserID']) : null,
      newMember: isMember ? hashed(corp.member, fields['NewUserID']) : null,
      department: isMember ? null : hashed(corp.department, fields['Id']),
      rowIds: {
        event: rowIds.event ?? ids.next(),
        member: rowIds.member ?? ids.next(),
        department: rowIds.department ?? ids.next(),
        pairs: rowIds.pairs ?? {},
      },
      subject: corp.subject,
      sealed,
    },
  })
}
