import { readFileSync } from 'node:fs'
import { type ContactPart, derivedEventId, type EventData } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import type { OpenedEvent } from '@tributary/projection'
import { directory } from '../index.ts'

export const CORP = { customer: 'keyfil', suiteId: 'wwfeed0000000000aa', authCorpId: 'wpFIXTUREcorpAAAA000000000000001' }
export const ours = directory(CORP)

/** Stands for the vault's keyed hash: 43 characters, another for each id. */
const pseudonym = (kind: 'member' | 'department', id: string): string =>
  `${kind}_${Buffer.from(id).toString('base64url')}`.padEnd(43, '_').slice(0, 43)

let made = 0
let ids = 1_000

export type Said = Partial<Record<string, string>> & { ChangeType: string; TimeStamp: string }

/** The event of a callback with these fields, opened; `erased` as it is once the corp's key is gone. */
export function change(fields: Said, { origin = 'callback', erased = false, of = CORP } = {}): OpenedEvent {
  const isMember = fields.ChangeType.endsWith('_user')
  const departments = isMember ? new Set((fields['Department'] ?? '').split(',').filter((id) => id !== '')) : []
  const hashed = (kind: 'member' | 'department', id: string | undefined) => (id ? pseudonym(kind, id) : null)
  const data: EventData<'ContactChanged'> = {
    ...of,
    changeType: fields.ChangeType as EventData<'ContactChanged'>['changeType'],
    timestamp: Number(fields.TimeStamp),
    origin: origin as 'callback' | 'reconcile',
    member: isMember ? hashed('member', fields['UserID']) : null,
    newMember: isMember ? hashed('member', fields['NewUserID']) : null,
    department: fields.ChangeType.endsWith('_party') ? hashed('department', fields['Id']) : null,
    rowIds: {
      event: ++ids,
      member: ++ids,
      department: ++ids,
      pairs: Object.fromEntries([...departments].map((id) => [pseudonym('department', id), ++ids])),
    },
    subject: 'subject',
    sealed: null,
  }
  const event = exampleEvent('ContactChanged', derivedEventId('test', ++made), { time: data.timestamp * 1000, data })
  const contact = { receiveId: CORP.suiteId, fields: fields as ContactPart['fields'] }
  return { ...event, contact: erased ? 'erased' : contact }
}

/** The same event after the corp's key was destroyed. */
export const erased = (event: OpenedEvent): OpenedEvent => ({ ...event, contact: 'erased' })

/** The event of a vector, with what a test changes. */
export const vector = (name: string, changes: Partial<Said> = {}): OpenedEvent =>
  change({ ...parsed(name), ...changes } as Said)

const FOLDER = new URL('../../../../test/fixtures/wecom/', import.meta.url)
const parsed = (name: string): Said =>
  (JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8')) as { parsed: Said }).parsed

export const cancelled = (seconds: number): OpenedEvent =>
  exampleEvent('CorpDeauthorized', derivedEventId('test', ++made), {
    time: seconds * 1000,
    data: { ...CORP, timestamp: seconds, subject: 'subject' },
  })
