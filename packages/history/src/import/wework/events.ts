import type { Row } from '@tributary/projection'
import { unfitId } from '../source.ts'
import { type Contact, fieldsOf, type ImportedCorp, type WeworkContext } from './contact.ts'
import { createdTime, EVENT_TABLE, isAlive } from './rows.ts'

const CHANGES = ['create_user', 'update_user', 'delete_user'] as const
/** The largest second that an event can carry; a row with more holds milliseconds. */
const MOST_SECONDS = 99_999_999_999

/** The member events that an existing system kept, one for each row. They are told to nobody and change no directory. */
export async function eventContacts(context: WeworkContext, rows: readonly Row[]): Promise<Contact[]> {
  const contacts: Contact[] = []
  for (const row of rows) {
    const corp = await context.corpOf(String(row['suite_id']), String(row['auth_corp_id']))
    const why = corp ? unfitEvent(row) : 'its suite or app is not configured'
    if (corp && why === undefined) contacts.push(contactOf(context, row, corp))
    else context.book.misfit(EVENT_TABLE, Number(row['id']), `${why}; left out`)
  }
  context.book.row(EVENT_TABLE, contacts.length)
  return contacts
}

function unfitEvent(row: Row): string | undefined {
  if (!isAlive(row)) return 'it is deleted'
  if (row['info_type'] !== 'change_contact' || !CHANGES.some((change) => change === row['change_type']))
    return 'it is no change of a member'
  const seconds = Number(row['timestamp'])
  return seconds >= 0 && seconds <= MOST_SECONDS ? unfitId(row['id']) : 'its timestamp is not in seconds'
}

function contactOf({ book }: WeworkContext, row: Row, corp: ImportedCorp): Contact {
  const id = Number(row['id'])
  if (row['mem_change_cnt'] !== null)
    book.misfit(EVENT_TABLE, id, 'mem_change_cnt is not told with changes of members; it becomes NULL')
  return {
    ...{ of: { table: EVENT_TABLE, id, part: 0 }, corp, origin: 'import-event', rowIds: { event: id } },
    changeType: row['change_type'] as (typeof CHANGES)[number],
    timestamp: Number(row['timestamp']),
    time: createdTime(row),
    fields: fieldsOf({
      UserID: row['user_id'],
      OpenUserID: row['open_user_id'],
      NewUserID: row['new_user_id'],
      Name: row['name'],
      Department: row['department'],
      MainDepartment: row['main_department'],
      IsLeaderInDept: row['is_leader_in_dept'],
      DirectLeader: row['direct_leader'],
      Mobile: row['mobile'],
      Position: row['position'],
      Gender: row['gender'],
      Email: row['email'],
      BizMail: row['biz_mail'],
      Status: row['status'],
      Avatar: row['avatar'],
      Alias: row['alias'],
      Telephone: row['telephone'],
    }),
  }
}
