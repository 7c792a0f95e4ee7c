import type { Database } from '@tributary/database'
import type { Comparison } from '@tributary/history'
import { expect } from 'chai'
import { runCommand } from './gateway/command.ts'
import { type ImportStage, openImportStage, SUITE_ID } from './gateway/import-stage.ts'

type Report = { rows: Record<string, number>; appended: number; misfits: Record<string, number>; comparisons: Comparison[] }
type Row = Record<string, unknown>

const CORP = 'wpExisting'
const TIME = 1_700_000_000_000
const MANY = 230

describe('importing an existing directory of WeCom', function () {
  this.timeout(90_000)
  let stage: ImportStage
  before(async () => {
    stage = await openImportStage('existing_wework', { corp: CORP, services: ['projector', 'contact-sync'] })
    await fill(stage.old.database)
  })
  after(() => stage.close())

  async function run(...args: string[]): Promise<{ code: number | null; report: Report }> {
    const command = ['import', 'wework', ...args, '--from-file', '-', '--json']
    const { code, output, errors } = await runCommand(command, { environment: stage.environment, input: stage.old.url })
    expect(output, errors).not.to.equal('')
    return { code, report: JSON.parse(output) }
  }
  const tables = async () => {
    const found: Record<string, Row[]> = {}
    for (const table of ['eg_wework_member', 'eg_wework_member_dept', 'eg_wework_department', 'eg_wework_event_member'])
      found[table] = await stage.ours.database.query<Row[]>('SELECT * FROM ?? ORDER BY id', [table])
    return found
  }

  it('carries members, departments and events over with the ids of their rows, and says what did not fit', async () => {
    const { code, report } = await run('--corp', CORP)
    expect(report.misfits).to.deep.equal({
      'eg_wework_department: a second row of one department; left out': 1,
      'eg_wework_department: its id is that of a member, too; left out': 1,
      'eg_wework_member: a second row of one member; left out': 1,
      'eg_wework_member: avatar_mediaid is never told by WeCom; it becomes NULL': 1,
      'eg_wework_member: to_invite is never told by WeCom; it becomes 1': 1,
      'eg_wework_member: its id is not a whole number from 1 to 2^53 - 1; left out': 1,
      'eg_wework_member_dept: its name is not that of its member; it becomes that': 1,
      'eg_wework_member_dept: its member is deleted; it is deleted, too': 1,
      'eg_wework_member_dept: no member has its user_id, letter by letter; left out': 2,
      'eg_wework_event_member: it is deleted; left out': 1,
      'eg_wework_event_member: its suite or app is not configured; left out': 1,
      'eg_wework_event_member: its timestamp is not in seconds; left out': 1,
    })
    const [departments, members, pairs, events] = report.comparisons
    expect(departments).to.include({ table: 'eg_wework_department', rows: 7, equal: 5, missing: 2 })
    expect(members).to.include({ rows: MANY + 8, equal: MANY + 5, missing: 2 })
    expect(members?.different).to.deep.equal({ avatar_mediaid: 1, to_invite: 1 })
    expect(members?.examples).to.deep.equal([505, 507, '1234567890123456789'])
    expect(pairs).to.include({ rows: MANY + 9, equal: MANY + 5, missing: 2 })
    expect(pairs?.different).to.deep.equal({ name: 1, deleted: 1 })
    expect(events).to.include({ rows: 6, equal: 3, missing: 3 })
    expect(code).to.equal(1)
    const told = await stage.ours.database.query<Row[]>('SELECT COUNT(*) AS count FROM eg_wework_event_member')
    expect(told).to.deep.equal([{ count: 3 }])
  })

  it('appends nothing twice when it is run again, also from the beginning', async () => {
    const before = await tables()
    expect((await run()).report).to.include({ appended: 0 })
    await stage.ours.database.query('DELETE FROM tributary_import')
    const anew = await run()
    expect(anew.report).to.include({ appended: 0 })
    expect(anew.report.rows['eg_wework_member']).to.equal(MANY + 6)
    expect(await tables()).to.deep.equal(before)
  })

  it('gives the same rows and ids when the tables are made again from the log', async () => {
    const before = await tables()
    for (const projection of ['wework', 'wework-events']) {
      const { code, errors } = await runCommand(['rebuild', projection, '--yes'], { environment: stage.environment })
      expect(code, errors).to.equal(0)
    }
    expect(await tables()).to.deep.equal(before)
  })

  it('says which corp it needs to be told', async () => {
    const { code, errors } = await runCommand(['import', 'wework', '--corp', 'wpNobody', '--from-file', '-'], {
      environment: stage.environment,
      input: stage.old.url,
    })
    expect({ code, errors }).to.deep.equal({
      code: 1,
      errors: "tributary: No directory of a corp 'wpNobody' is kept here. See qifu.eg.wework-map. [IMPORT_CORP]\n",
    })
  })
})

const AUDIT = { create_by: 'job', create_time: TIME, update_by: 'job', update_time: TIME + 60_000 }

async function insert(database: Database, table: string, rows: readonly Row[]): Promise<void> {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  await database.query('INSERT INTO ?? (??) VALUES ?', [
    table,
    columns,
    rows.map((row) => columns.map((column) => row[column] ?? (column === 'deleted' ? 0 : null))),
  ])
}

/** What an existing system holds after some years: people who came, left and came back, and what should not be there. */
async function fill(database: Database): Promise<void> {
  const member = (id: number | string, userId: string, change: Row = {}): Row => ({
    ...{ id, user_id: userId, name: `名 ${userId}`, enable: 1, to_invite: 1, ...AUDIT },
    ...change,
  })
  const full = {
    alias: '',
    mobile: '+8613800000000',
    position: '经理',
    gender: 2,
    email: 'a@b.example',
    biz_mail: 'b@b.example',
  }
  await insert(database, 'eg_wework_member', [
    member(501, 'ann', { ...full, telephone: '020', direct_leader: 'bob', address: '广州', main_department: 2 }),
    member(502, 'bob', { deleted: 502 }),
    member(503, 'Ann', { name: 'Ann' }),
    member(504, 'carl', { enable: 0, gender: 0 }),
    member(505, 'dora', { avatar_mediaid: 'media', to_invite: 0 }),
    member(506, 'erin'),
    member(507, 'erin', { deleted: 507 }),
    member('1234567890123456789', 'large'),
    ...Array.from({ length: MANY }, (_, number) => member(1_000 + number, `user${number}`)),
  ])
  const pair = (id: number, userId: string, department: number, change: Row = {}): Row => ({
    ...{ id, user_id: userId, name: `名 ${userId}`, dept_id: department, ...AUDIT },
    ...change,
  })
  await insert(database, 'eg_wework_member_dept', [
    pair(601, 'ann', 1),
    pair(602, 'ann', 2),
    pair(603, 'ann', 3, { deleted: 603 }),
    pair(604, 'bob', 1),
    pair(605, 'Ann', 4, { name: 'Ann' }),
    // Its department is deleted, and the existing system left it as it was.
    pair(606, 'carl', 5),
    pair(607, 'erin', 2, { name: 'of another time' }),
    pair(608, 'ANN', 9),
    pair(609, 'ghost', 1),
    ...Array.from({ length: MANY }, (_, number) => pair(2_000 + number, `user${number}`, 1 + (number % 4))),
  ])
  const department = (id: number, number: number, change: Row = {}): Row => ({
    ...{ id, dept_id: number, name: `部门 ${number}`, parent_id: 1, ...AUDIT },
    ...change,
  })
  await insert(database, 'eg_wework_department', [
    department(701, 1, { parent_id: null, name_en: 'Root' }),
    department(702, 2, { name: '2' }),
    department(703, 3),
    department(704, 4, { name_en: '' }),
    department(705, 5, { deleted: 705, update_time: TIME + 3_600_000 }),
    department(706, 2, { deleted: 706 }),
    department(501, 6),
  ])
  const event = (id: number, change: Row): Row => ({
    ...{ id, suite_id: SUITE_ID, auth_corp_id: CORP, info_type: 'change_contact', change_type: 'create_user' },
    ...{ timestamp: TIME / 1_000, user_id: 'ann', main_department: 1, gender: 0, status: 4, ...AUDIT },
    ...change,
  })
  await insert(database, 'eg_wework_event_member', [
    event(801, {
      name: '名',
      department: '1,2',
      is_leader_in_dept: '0,1',
      mobile: '',
      status: 1,
      gender: 1,
      avatar: 'https://x',
    }),
    event(802, { change_type: 'update_user', new_user_id: 'ann.new', open_user_id: 'wo1' }),
    event(803, { change_type: 'delete_user', user_id: 'stranger', auth_corp_id: 'wpSomebodyElse' }),
    event(804, { suite_id: 'wwother' }),
    event(805, { timestamp: TIME }),
    event(806, { deleted: 806 }),
  ])
}
