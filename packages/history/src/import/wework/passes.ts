import type { Event } from '@tributary/events'
import type { Row } from '@tributary/projection'
import { type Contact, sealContacts, type WeworkContext } from './contact.ts'
import { departmentContacts } from './departments.ts'
import { eventContacts } from './events.ts'
import { memberContacts } from './members.ts'
import { noteOrphans } from './pairs.ts'
import { DEPARTMENT_TABLE, EVENT_TABLE, MEMBER_TABLE, PAIR_TABLE } from './rows.ts'

/** Tables of an existing system, each with what becomes of its rows. Departments come first, because members are in them. */
export const WEWORK_PASSES: readonly {
  table: string
  eventsOf(context: WeworkContext, rows: readonly Row[]): Promise<Event[]>
}[] = [
  { table: DEPARTMENT_TABLE, eventsOf: sealed(departmentContacts) },
  { table: MEMBER_TABLE, eventsOf: sealed(memberContacts) },
  {
    table: PAIR_TABLE,
    eventsOf: async (context, rows) => {
      await noteOrphans(context, rows)
      return []
    },
  },
  { table: EVENT_TABLE, eventsOf: sealed(eventContacts) },
]

function sealed(contactsOf: (context: WeworkContext, rows: readonly Row[]) => Promise<Contact[]>) {
  return async (context: WeworkContext, rows: readonly Row[]) => sealContacts(context, await contactsOf(context, rows))
}
