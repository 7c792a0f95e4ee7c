import type { TableDefinition } from '@tributary/projection'
import { AUDIT_COLUMNS } from '@tributary/projection/folding'

export const MEMBER = 'eg_wework_member'
export const PAIR = 'eg_wework_member_dept'
export const DEPARTMENT = 'eg_wework_department'
/** A row for each member and department: who it is, and which source times stand behind its values. */
export const ENTRY = 'tributary_wework_entry'
/** A row for each row of `eg_wework_member_dept`. */
export const PLACE = 'tributary_wework_place'

/**
 * The tables of one directory; `schema` is the database they stand in when it is not our own. Names of tables inside the
 * fold are without it.
 */
export const directoryTables = (qualified: (table: string) => string): readonly TableDefinition[] => [
  {
    name: qualified(ENTRY),
    primaryKey: 'id',
    columns: ['id', 'entry', 'former', 'open_user_id', 'is_placeholder', 'facts'],
    by: { columns: ['entry'] },
    personal: ['open_user_id', 'facts'],
  },
  {
    name: qualified(PLACE),
    primaryKey: 'id',
    columns: ['id', 'entry_id', 'department', 'dept_id', 'listed', 'listed_time', 'gone_time'],
    by: { parent: qualified(ENTRY), column: 'entry_id' },
  },
  {
    name: qualified(MEMBER),
    primaryKey: 'id',
    columns: [
      'id',
      'user_id',
      'name',
      'alias',
      'mobile',
      'position',
      'gender',
      'email',
      'biz_mail',
      'telephone',
      'direct_leader',
      'enable',
      'avatar_mediaid',
      'address',
      'main_department',
      'to_invite',
      'external_position',
      ...AUDIT_COLUMNS,
    ],
    by: { parent: qualified(ENTRY), column: 'id' },
    personal: [
      'user_id',
      'name',
      'alias',
      'mobile',
      'position',
      'gender',
      'email',
      'biz_mail',
      'telephone',
      'direct_leader',
      'address',
    ],
  },
  {
    name: qualified(PAIR),
    primaryKey: 'id',
    columns: ['id', 'user_id', 'name', 'dept_id', ...AUDIT_COLUMNS],
    by: { parent: qualified(PLACE), column: 'id' },
    unique: ['user_id', 'dept_id'],
    personal: ['user_id', 'name'],
  },
  {
    name: qualified(DEPARTMENT),
    primaryKey: 'id',
    columns: ['id', 'dept_id', 'name', 'name_en', 'parent_id', ...AUDIT_COLUMNS],
    by: { parent: qualified(ENTRY), column: 'id' },
    personal: ['name', 'name_en'],
  },
]
