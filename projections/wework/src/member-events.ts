import { CONTACT_TOPIC } from '@tributary/events'
import type { KeyState, OpenedEvent, Projection, Remark, Row } from '@tributary/projection'
import { AUDIT_COLUMNS, newAudit, settle } from '@tributary/projection/folding'
import { type Cutting, cut, cutList, type Fields, numberOf, textOf } from './fields.ts'

export const EVENT_TABLE = 'eg_wework_event_member'

/** Columns of texts that may be absent, the field of each, and how many characters they hold. */
const TEXTS = [
  ['open_user_id', 'OpenUserID', 64],
  ['new_user_id', 'NewUserID', 64],
  ['name', 'Name', 64],
  ['mobile', 'Mobile', 20],
  ['position', 'Position', 64],
  ['email', 'Email', 64],
  ['biz_mail', 'BizMail', 64],
  ['avatar', 'Avatar', 512],
  ['alias', 'Alias', 64],
  ['telephone', 'Telephone', 20],
] as const
const LISTS = [
  ['department', 'Department', 255],
  ['is_leader_in_dept', 'IsLeaderInDept', 255],
  ['direct_leader', 'DirectLeader', 255],
] as const
/** Columns that cannot be empty, the field of each, its largest value, and what the table has for an absent one. */
const NUMBERS = [
  ['main_department', 'MainDepartment', 2_147_483_647, 1],
  ['gender', 'Gender', 127, 0],
  ['status', 'Status', 127, 4],
] as const

/** What stands in the columns about a person once the corp's consent is gone. */
const NOBODY = {
  user_id: '',
  ...Object.fromEntries([...TEXTS, ...LISTS].map(([column]) => [column, null])),
  ...Object.fromEntries(NUMBERS.map(([column, , , absent]) => [column, absent])),
}

/**
 * `eg_wework_event_member`: a row for each change of a member that WeCom told us, or an existing system before us, as it came,
 * of every corp. What we found ourselves by reading a directory is no event of WeCom's and has no row. When a corp cancels, its rows stay and lose
 * everything about people.
 */
export const memberEvents: Projection & { reach: NonNullable<Projection['reach']> } = {
  name: 'wework-events',
  topic: CONTACT_TOPIC,
  types: ['ContactChanged', 'CorpDeauthorized'],
  tables: [
    {
      name: EVENT_TABLE,
      primaryKey: 'id',
      columns: [
        'id',
        'suite_id',
        'auth_corp_id',
        'info_type',
        'timestamp',
        'change_type',
        'user_id',
        'open_user_id',
        'new_user_id',
        'name',
        'department',
        'main_department',
        'is_leader_in_dept',
        'direct_leader',
        'mobile',
        'position',
        'gender',
        'email',
        'biz_mail',
        'status',
        'avatar',
        'alias',
        'telephone',
        'mem_change_cnt',
        ...AUDIT_COLUMNS,
      ],
      by: { columns: ['id'] },
      personal: ['user_id', ...TEXTS.map(([column]) => column), ...LISTS.map(([column]) => column), 'gender'],
    },
  ],
  key: (event) => (isMemberEvent(event) ? [event.data.rowIds.event] : undefined),
  fold: (state, event) => memberEvents.reach.fold(state, [event]),
  reach: {
    needs: (events) => [
      { table: EVENT_TABLE, column: 'id', values: events.filter(isMemberEvent).map(({ data }) => data.rowIds.event) },
    ],
    fold: foldEvents,
    sweep: (event) =>
      event.type === 'CorpDeauthorized'
        ? [{ table: EVENT_TABLE, by: { column: 'auth_corp_id', value: event.data.authCorpId } }]
        : undefined,
  },
}

type MemberEvent = Extract<OpenedEvent, { type: 'ContactChanged' }>

const isMemberEvent = (event: OpenedEvent): event is MemberEvent =>
  event.type === 'ContactChanged' &&
  event.data.changeType.endsWith('_user') &&
  (event.data.origin === 'callback' || event.data.origin === 'import-event')

function foldEvents(state: KeyState, events: readonly OpenedEvent[]) {
  const remarks: Remark[] = []
  const rows = new Map((state[EVENT_TABLE] ?? []).map((row) => [row['id'], row]))
  let changed = false
  const keep = (row: Row) => {
    if (rows.get(row['id'] ?? null) === row) return
    rows.set(row['id'] ?? null, row)
    changed = true
  }
  for (const event of events) {
    const time = Date.parse(event.time)
    if (isMemberEvent(event) && !rows.has(event.data.rowIds.event)) keep(rowOf(event, { table: EVENT_TABLE, remarks }))
    if (event.type !== 'CorpDeauthorized') continue
    // The column's collation takes ids for equal that differ by case.
    const { suiteId, authCorpId } = event.data
    for (const row of rows.values())
      if (row['suite_id'] === suiteId && row['auth_corp_id'] === authCorpId)
        keep(settle(row, { ...row, ...NOBODY, update_time: time }, time))
  }
  if (!changed) return { state, remarks }
  return {
    state: { [EVENT_TABLE]: [...rows.values()].sort((one, other) => Number(one['id']) - Number(other['id'])) },
    remarks,
  }
}

function rowOf({ data, time, contact }: MemberEvent, cutting: Cutting): Row {
  const row = {
    id: data.rowIds.event,
    suite_id: data.suiteId,
    auth_corp_id: data.authCorpId,
    info_type: 'change_contact',
    timestamp: data.timestamp,
    change_type: data.changeType,
    mem_change_cnt: null,
    ...newAudit(Date.parse(time)),
  }
  if (contact === undefined || contact === 'erased') return { ...row, ...NOBODY }
  return { ...row, ...saidOf(contact.fields, cutting) }
}

function saidOf(fields: Fields, cutting: Cutting): Row {
  const said: Record<string, string | number | null> = { user_id: cut(cutting, 'user_id', textOf(fields, 'UserID') ?? '', 64) }
  for (const [column, field, limit] of TEXTS) {
    const text = textOf(fields, field)
    said[column] = text === undefined ? null : cut(cutting, column, text, limit)
  }
  for (const [column, field, limit] of LISTS) {
    const text = textOf(fields, field)
    said[column] = text === undefined ? null : cutList(cutting, column, text, limit)
  }
  for (const [column, field, largest, absent] of NUMBERS) {
    const number = numberOf(textOf(fields, field))
    said[column] = number !== undefined && number <= largest ? number : absent
  }
  return said
}
