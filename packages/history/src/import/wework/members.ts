import type { Row } from '@tributary/projection'
import type { ReportBook } from '../report.ts'
import { idOf, unfitId } from '../source.ts'
import { type Contact, fieldsOf, type ImportedCorp, type WeworkContext } from './contact.ts'
import { bestOf, createdTime, DEPARTMENT_TABLE, isAlive, MEMBER_TABLE, PAIR_TABLE, writtenTime } from './rows.ts'

/** A member with its rows in departments, and when the deleted ones among these were deleted. */
type SourceMember = { row: Row; pairs: Row[]; deletedDepartments: ReadonlyMap<unknown, number> }

/**
 * The changes that bring members into being with the ids of their rows and of their rows in departments. Ids of members are
 * compared here letter by letter, as WeCom does, and not as the tables' collation does. One change each, a second where it
 * left departments, a third where it is deleted.
 */
export async function memberContacts(context: WeworkContext, rows: readonly Row[]): Promise<Contact[]> {
  const { book, corp } = context
  const members = await withPairs(context, rows)
  return members.flatMap((member) => {
    book.row(MEMBER_TABLE)
    book.row(PAIR_TABLE, member.pairs.length)
    noteUntold(member, book)
    return contactsOf(member, corp)
  })
}

async function withPairs({ source, book }: WeworkContext, rows: readonly Row[]): Promise<SourceMember[]> {
  const ids = rows.map((row) => row['user_id'])
  const of = (table: string) => source.query<Row[]>('SELECT * FROM ?? WHERE user_id IN (?) ORDER BY id', [table, ids])
  const [all, pairs] = [await of(MEMBER_TABLE), await of(PAIR_TABLE)]
  const departments = [...new Set(pairs.map((pair) => pair['dept_id']))]
  const select = 'SELECT dept_id, create_time, update_time FROM ?? WHERE deleted <> 0 AND dept_id IN (?)'
  const gone = departments.length === 0 ? [] : await source.query<Row[]>(select, [DEPARTMENT_TABLE, departments])
  const deletedDepartments = new Map(gone.map((row) => [row['dept_id'], writtenTime(row)]))
  return rows.flatMap((row): SourceMember[] => {
    const why = unfitMember(row, all)
    if (why === undefined) {
      const own = pairs.filter((pair) => pair['user_id'] === row['user_id'] && isFitPair(pair, book))
      return [{ row, pairs: own, deletedDepartments }]
    }
    book.misfit(MEMBER_TABLE, idOf(row), `${why}; left out`)
    return []
  })
}

function unfitMember(row: Row, all: readonly Row[]): string | undefined {
  const why = unfitId(row['id'])
  if (why !== undefined) return why
  if (row['user_id'] === '') return 'it has no user_id'
  const best = bestOf(all.filter((one) => one['user_id'] === row['user_id']))
  return best?.['id'] === row['id'] ? undefined : 'a second row of one member'
}

function isFitPair(pair: Row, book: ReportBook): boolean {
  const why = unfitId(pair['id']) ?? (Number(pair['dept_id']) < 1 ? 'its dept_id is no id of a department' : undefined)
  if (why !== undefined) book.misfit(PAIR_TABLE, idOf(pair), `${why}; left out`)
  return why === undefined
}

/** What a row says that WeCom never tells, or that follows from something else here. */
function noteUntold({ row, pairs }: SourceMember, book: ReportBook): void {
  const note = (why: string) => book.misfit(MEMBER_TABLE, idOf(row), why)
  for (const column of ['avatar_mediaid', 'external_position'])
    if (row[column] !== null) note(`${column} is never told by WeCom; it becomes NULL`)
  if (row['to_invite'] !== 1) note('to_invite is never told by WeCom; it becomes 1')
  if (row['enable'] === null) note('enable is NULL; it becomes 1')
  if (row['name'] === '') note('it has no name; its user_id is shown')
  for (const pair of pairs) {
    const notePair = (why: string) => book.misfit(PAIR_TABLE, idOf(pair), why)
    if (isAlive(pair) && !isAlive(row)) notePair('its member is deleted; it is deleted, too')
    if (pair['name'] !== row['name']) notePair('its name is not that of its member; it becomes that')
  }
}

function contactsOf({ row, pairs, deletedDepartments }: SourceMember, corp: ImportedCorp): Contact[] {
  const live = pairs.filter(isAlive)
  // Not before the deletion of a department that the existing system still has it in: else it would leave it here.
  const times = [row, ...pairs].map(writtenTime)
  const deletions = live.map((pair) => deletedDepartments.get(pair['dept_id']) ?? 0)
  const timestamp = Math.floor(Math.max(...times, ...deletions) / 1_000)
  const contact = (part: number, changeType: Contact['changeType'], time: number, fields: Contact['fields']) => ({
    ...{ of: { table: MEMBER_TABLE, id: Number(row['id']), part }, corp, origin: 'import' as const },
    ...{ changeType, timestamp, time, fields },
  })
  const listed = (held: readonly Row[]) => ({
    fields: { UserID: String(row['user_id']), Department: held.map((pair) => String(pair['dept_id'])).join(',') },
    pairs: Object.fromEntries(held.map((pair) => [corp.department(String(pair['dept_id'])), Number(pair['id'])])),
  })
  const all = listed(pairs)
  const rest = listed(live)
  const created = contact(0, 'create_user', createdTime(row), { ...saidOf(row), ...all.fields })
  const left = contact(1, 'update_user', writtenTime(row), rest.fields)
  const deleted = contact(2, 'delete_user', writtenTime(row), { UserID: String(row['user_id']) })
  return [
    { ...created, rowIds: { member: Number(row['id']), pairs: all.pairs } },
    ...(live.length < pairs.length ? [{ ...left, rowIds: { pairs: rest.pairs } }] : []),
    ...(isAlive(row) ? [] : [{ ...deleted, rowIds: {} }]),
  ]
}

/** 2 is disabled (W90639); whoever is enabled has no status here, because 1 and 4 look alike in the table. */
const saidOf = (row: Row): Record<string, string> =>
  fieldsOf({
    Name: row['name'],
    Alias: row['alias'],
    Mobile: row['mobile'],
    Position: row['position'],
    Gender: row['gender'],
    Email: row['email'],
    BizMail: row['biz_mail'],
    Telephone: row['telephone'],
    DirectLeader: row['direct_leader'],
    Address: row['address'],
    MainDepartment: row['main_department'],
    Status: row['enable'] === 0 ? 2 : null,
  })
