import { Problem } from '@tributary/runtime'
import { mappedCorps } from '@tributary/wecom'
import { type Static, Type } from 'typebox'
import type { CheckedRequest, ConsoleContext, Operation } from '../operation.ts'
import { maskedUnlessOpen } from '../personal.ts'
import { closed, Id, Next, Nothing, PAGE, paging, Time } from '../schemas.ts'

const CorpQuery = Type.Object(
  {
    corp: Type.Optional(
      Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$', description: 'The corp id; needed where several are kept.' }),
    ),
    ...paging,
  },
  closed,
)
type CorpQuery = Static<typeof CorpQuery>

const PERSONAL = ['name', 'alias', 'mobile', 'email', 'bizMail', 'telephone', 'address'] as const
const orNull = (type: ReturnType<typeof Type.String> | ReturnType<typeof Type.Integer>) => Type.Union([type, Type.Null()])

const Member = Type.Object(
  {
    id: Id,
    userId: Type.String(),
    position: orNull(Type.String()),
    enable: orNull(Type.Integer()),
    mainDepartment: orNull(Type.Integer()),
    person: Type.Object(Object.fromEntries(PERSONAL.map((name) => [name, Type.String()])), {
      ...closed,
      description: 'Values are masked for callers without the scope read-personal.',
    }),
    createTime: Time,
    updateTime: Time,
  },
  closed,
)
const Members = Type.Object({ members: Type.Array(Member), next: Next }, closed)

const Department = Type.Object(
  {
    id: Id,
    deptId: Type.Integer(),
    name: Type.String(),
    nameEn: orNull(Type.String()),
    parentId: orNull(Type.Integer()),
    createTime: Time,
    updateTime: Time,
  },
  closed,
)
const Departments = Type.Object({ departments: Type.Array(Department), next: Next }, closed)

export const WEWORK_OPERATIONS: readonly Operation[] = [
  {
    ...{ method: 'get', path: '/v1/wework/members', scope: 'read', parameters: Nothing, query: CorpQuery },
    summary: 'Members of a corp in the order of their row ids, page by page.',
    answers: { 200: { description: 'A page of members.', schema: Members } },
    run: listMembers,
  },
  {
    ...{ method: 'get', path: '/v1/wework/departments', scope: 'read', parameters: Nothing, query: CorpQuery },
    summary: 'Departments of a corp in the order of their row ids, page by page.',
    answers: { 200: { description: 'A page of departments.', schema: Departments } },
    async run(context, { query }) {
      const columns =
        'id, dept_id AS deptId, name, name_en AS nameEn, parent_id AS parentId, create_time AS createTime, update_time AS updateTime'
      const { rows, next } = await readPage<Static<typeof Department>>(context, query as CorpQuery, {
        table: 'eg_wework_department',
        columns,
      })
      return { status: 200, body: { departments: rows, next } }
    },
  },
]

type MemberRow = Omit<Static<typeof Member>, 'person'> & Record<(typeof PERSONAL)[number], string | null>

async function listMembers(context: ConsoleContext, { query, caller }: CheckedRequest) {
  const columns = `id, user_id AS userId, position, enable, main_department AS mainDepartment, name, alias, mobile, email,
    biz_mail AS bizMail, telephone, address, create_time AS createTime, update_time AS updateTime`
  const { rows, next, table } = await readPage<MemberRow>(context, query as CorpQuery, { table: 'eg_wework_member', columns })
  const people = Object.fromEntries(
    rows.map((row) => [String(row.id), Object.fromEntries(PERSONAL.map((name) => [name, row[name] ?? '']))]),
  )
  // From the first to the last row: an entry has no room for two hundred ids.
  const target = `${table}/${rows[0]?.id ?? 0}-${rows.at(-1)?.id ?? 0}`
  const shown = await maskedUnlessOpen(context.database, caller, { action: 'GET /v1/wework/members', target, parts: people })
  const members = rows.map(({ id, userId, position, enable, mainDepartment, createTime, updateTime }) => ({
    ...{ id, userId, position, enable, mainDepartment, createTime, updateTime },
    person: shown[String(id)] ?? {},
  }))
  return { status: 200, body: { members, next } }
}

async function readPage<Row extends { id: number }>(
  { database, configuration }: ConsoleContext,
  { corp, cursor = '0', limit = String(PAGE) }: CorpQuery,
  { table: name, columns }: { table: string; columns: string },
): Promise<{ rows: Row[]; next: string | null; table: string }> {
  const schema = schemaOf(configuration, corp)
  const table = schema === undefined ? name : `${schema}.${name}`
  const rows = await database.query<Row[]>(`SELECT ${columns} FROM ?? WHERE deleted = 0 AND id > ? ORDER BY id LIMIT ?`, [
    table,
    ...[Number(cursor), Number(limit) + 1],
  ])
  const page = rows.slice(0, Number(limit))
  return { rows: page, table, next: rows.length > page.length ? String(page.at(-1)?.id) : null }
}

/** The database that holds the corp's tables; undefined for our own. Throws Problem 404 or 422. */
function schemaOf({ wework }: ConsoleContext['configuration'], corp: string | undefined): string | undefined {
  const corps = mappedCorps(wework)
  if (corp === undefined && corps.length > 1)
    throw new Problem(422, 'CORP_NEEDED', 'The directories of several corps are kept: name one with ?corp=.')
  const found = corp === undefined ? corps[0] : corps.find(({ authCorpId }) => authCorpId === corp)
  if (found) return found.schema
  throw new Problem(404, 'CORP_UNKNOWN', 'No directory of such a corp is kept here. See qifu.eg.wework-map.')
}
