import type { Row } from '@tributary/projection'
import { idOf, unfitId } from '../source.ts'
import { type Contact, fieldsOf, type WeworkContext } from './contact.ts'
import { bestOf, createdTime, DEPARTMENT_TABLE, isAlive, MEMBER_TABLE, writtenTime } from './rows.ts'

/** The changes that bring departments into being with the ids of their rows: one each, and another that deletes it. */
export async function departmentContacts(context: WeworkContext, rows: readonly Row[]): Promise<Contact[]> {
  const { source, book, corp } = context
  const select = 'SELECT * FROM ?? WHERE dept_id IN (?) ORDER BY id'
  const all = await source.query<Row[]>(select, [DEPARTMENT_TABLE, rows.map((row) => row['dept_id'])])
  const members = await source.query<Row[]>('SELECT id FROM ?? WHERE id IN (?)', [MEMBER_TABLE, rows.map((row) => row['id'])])
  const idsOfMembers = new Set(members.map(({ id }) => id))
  return rows.flatMap((row): Contact[] => {
    const why =
      unfitDepartment(row, all) ?? (idsOfMembers.has(row['id'] ?? null) ? 'its id is that of a member, too' : undefined)
    if (why !== undefined) {
      book.misfit(DEPARTMENT_TABLE, idOf(row), `${why}; left out`)
      return []
    }
    book.row(DEPARTMENT_TABLE)
    return contactsOf(row, corp)
  })
}

function unfitDepartment(row: Row, all: readonly Row[]): string | undefined {
  const why = unfitId(row['id'])
  if (why !== undefined) return why
  if (Number(row['dept_id']) < 1) return 'its dept_id is no id of a department'
  const best = bestOf(all.filter((one) => one['dept_id'] === row['dept_id']))
  return best?.['id'] === row['id'] ? undefined : 'a second row of one department'
}

function contactsOf(row: Row, corp: WeworkContext['corp']): Contact[] {
  const { dept_id: Id, name: Name, parent_id: ParentId, name_en: NameEn } = row
  const contact = (part: number, changeType: Contact['changeType'], time: number, fields: Contact['fields']): Contact => ({
    ...{ of: { table: DEPARTMENT_TABLE, id: Number(row['id']), part }, corp, origin: 'import', changeType, time, fields },
    timestamp: Math.floor(writtenTime(row) / 1_000),
    rowIds: { department: Number(row['id']) },
  })
  const made = contact(0, 'create_party', createdTime(row), fieldsOf({ Id, Name, ParentId, NameEn }))
  return isAlive(row) ? [made] : [made, contact(1, 'delete_party', writtenTime(row), fieldsOf({ Id }))]
}
