import { CONTACT_TOPIC, type EventData } from '@tributary/events'
import type { Cell, KeyState, Need, OpenedEvent, Projection, Remark } from '@tributary/projection'
import { forgetAll } from './cancellation.ts'
import { changeDepartment } from './departments.ts'
import type { Folding, Names } from './folding.ts'
import { createLedger } from './ledger.ts'
import { changeMember, joinedTo } from './members.ts'
import { DEPARTMENT, directoryTables, ENTRY, MEMBER, PAIR, PLACE } from './tables.ts'

/** Whose directory it is, and the database in which its tables stand when that is not our own. */
export type DirectoryOf = { customer: string; suiteId: string; authCorpId: string; schema?: string }

/**
 * The directory of one corp as it is now: `eg_wework_member`, `eg_wework_member_dept`, `eg_wework_department`.
 *
 * - What was said last counts, field by field, by WeCom's time; of one second, what was heard last. What a change does not
 *   name stays as it is. So every order in which the same changes are heard ends in the same values.
 * - Rows are for ever: who comes back has the old row, and so has a member in a department. Ids of WeCom's are compared
 *   by keyed hashes, which tell upper from lower case where the tables' collation does not.
 * - A member keeps its row under a new id, and what is heard late under the old one reaches it.
 * - When the corp cancels, every row is deleted and loses what it says; a corp that comes back finds its rows.
 */
export function directory(of: DirectoryOf): Projection & { reach: NonNullable<Projection['reach']> } {
  const qualified = (table: string): string => (of.schema === undefined ? table : `${of.schema}.${table}`)
  const names: Names = {
    entry: qualified(ENTRY),
    place: qualified(PLACE),
    member: qualified(MEMBER),
    pair: qualified(PAIR),
    department: qualified(DEPARTMENT),
  }
  const tables = directoryTables(qualified)
  const isOurs = (event: OpenedEvent): event is DirectoryEvent =>
    (event.type === 'ContactChanged' || event.type === 'CorpDeauthorized') &&
    event.data.authCorpId === of.authCorpId &&
    event.data.suiteId === of.suiteId &&
    event.data.customer === of.customer &&
    !(event.type === 'ContactChanged' && event.data.origin === 'import-event')

  function foldEvents(state: KeyState, events: readonly OpenedEvent[]) {
    const remarks: Remark[] = []
    const ledger = createLedger(
      state,
      tables.map(({ name }) => name),
    )
    for (const event of events) if (isOurs(event)) apply({ ledger, names, remarks, time: Date.parse(event.time) }, event)
    return { state: ledger.state(), remarks }
  }

  return {
    name: of.schema === undefined ? 'wework' : `wework-${of.schema}`,
    topic: CONTACT_TOPIC,
    types: ['ContactChanged', 'CorpDeauthorized'],
    tables,
    key: (event) => {
      const pseudonym = isOurs(event) && event.type === 'ContactChanged' && (event.data.member ?? event.data.department)
      return pseudonym ? [pseudonym] : undefined
    },
    fold: (state, event) => foldEvents(state, [event]),
    reach: {
      needs: (events) => needsOf(events.filter(isOurs), names),
      fold: foldEvents,
      sweep: (event) => (event.type === 'CorpDeauthorized' && isOurs(event) ? [{ table: names.entry }] : undefined),
      frees: (event) => event.type === 'ContactChanged' && event.data.newMember !== null,
      joined: ([entry]) => joinedTo(String(entry)),
    },
  }
}

type DirectoryEvent = Extract<OpenedEvent, { type: 'ContactChanged' | 'CorpDeauthorized' }>

function apply(folding: Folding, event: DirectoryEvent): void {
  if (event.type === 'CorpDeauthorized') forgetAll(folding, event.data)
  else if (event.data.member) changeMember(folding, event)
  else if (event.data.department) changeDepartment(folding, event)
}

function needsOf(events: readonly DirectoryEvent[], { entry, place }: Names): Need[] {
  const changes = events.flatMap(({ type, data }) => (type === 'ContactChanged' ? [data as EventData<'ContactChanged'>] : []))
  const some = (values: (string | null)[]): Cell[] => values.filter((value) => value !== null)
  const members = some(changes.flatMap(({ member, newMember }) => [member, newMember]))
  const departments = some(changes.flatMap(({ department, rowIds }) => [department, ...Object.keys(rowIds.pairs)]))
  const deleted = some(changes.map(({ changeType, department }) => (changeType === 'delete_party' ? department : null)))
  return [
    { table: entry, column: 'entry', values: [...members, ...departments] },
    { table: entry, column: 'former', values: members },
    { table: place, column: 'department', values: deleted },
  ]
}
