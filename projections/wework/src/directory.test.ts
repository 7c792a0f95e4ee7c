import type { OpenedEvent, Row } from '@tributary/projection'
import { given } from '@tributary/projection/testing'
import { expect } from 'chai'
import fc from 'fast-check'
import { directory } from './index.ts'
import { DEPARTMENT, ENTRY, MEMBER, PAIR } from './tables.ts'
import { CORP, cancelled, change, erased, ours, type Said, vector } from './testing/stage.ts'

const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? Date.now() % 1_000_000)

const created = vector('10-create-user-full')
const namedAnew = vector('20-update-user-partial-name')
const moved = vector('21-update-user-partial-department')
const left = vector('30-delete-user')
const USER = 'woFIXTUREuserAAAA000000000000001'

/** Departments of a member by whether the pair lives. */
const pairsOf = (rows: readonly Row[], user = USER) =>
  Object.fromEntries(rows.filter((row) => row['user_id'] === user).map((row) => [row['dept_id'], row['deleted'] === 0]))

/** What rows say, without ids and times, which tell when something was heard. */
const meaning = (events: readonly OpenedEvent[]) => {
  const { rows } = given(ours).when(...events)
  const told = (table: string) =>
    rows(table)
      .map(({ id, create_time, update_time, deleted, ...rest }) => JSON.stringify({ ...rest, alive: deleted === 0 }))
      .sort()
  return { members: told(MEMBER), pairs: told(PAIR), departments: told(DEPARTMENT) }
}

describe(`the directory (seed ${SEED})`, () => {
  it('shows a member as it was created, with every leader whole', () => {
    const { row, rows } = given(ours).when(created)
    expect(row(MEMBER)).to.deep.equal({
      id: created.type === 'ContactChanged' ? created.data.rowIds.member : 0,
      user_id: USER,
      name: '张三😀',
      alias: 'jack',
      mobile: '13800000000',
      position: '产品经理',
      gender: 1,
      email: 'zhangsan@example.test',
      biz_mail: 'zhangsan@corp.example.test',
      telephone: '020-111111',
      direct_leader: 'woFIXTUREuserAAAA000000000000002,woFIXTUREuserAAAA000000000000009',
      enable: 1,
      avatar_mediaid: null,
      address: null,
      main_department: 2,
      to_invite: 1,
      external_position: null,
      create_user_id: 0,
      create_by: 'tributary',
      create_time: 1_767_225_610_000,
      update_user_id: 0,
      update_by: 'tributary',
      update_time: 1_767_225_610_000,
      deleted: 0,
    })
    expect(pairsOf(rows(PAIR))).to.deep.equal({ 1: true, 2: true, 3: true })
  })

  it('changes only what an update names; the name on the pairs goes along', () => {
    const before = given(ours).when(created)
    const { row, rows } = given(ours, created).when(namedAnew)
    const name = 'XzXv0pAqu3NAME-t0ken_0000000000000000000001'
    expect(row(MEMBER)).to.deep.equal({ ...before.row(MEMBER), name, update_time: 1_767_225_620_000 })
    expect(new Set(rows(PAIR).map((pair) => pair['name']))).to.deep.equal(new Set([name]))
  })

  it('takes Department as the whole set, and revives a pair under its old id', () => {
    const one = given(ours, created).when(moved)
    expect(pairsOf(one.rows(PAIR))).to.deep.equal({ 1: false, 2: true, 3: false, 5: true })
    for (const row of one.rows(PAIR)) expect([0, row['id']]).to.include(row['deleted'])
    const back = change({ ChangeType: 'update_user', TimeStamp: '1767225690', UserID: USER, Department: '1,2' })
    const again = given(ours, created, moved).when(back)
    expect(pairsOf(again.rows(PAIR))).to.deep.equal({ 1: true, 2: true, 3: false, 5: false })
    const idOf = (rows: readonly Row[]) => rows.find((row) => row['dept_id'] === 1)?.['id']
    expect(idOf(again.rows(PAIR))).to.equal(idOf(one.rows(PAIR)))
  })

  it('deletes by the row id, revives the same row, and lets no older word revive it', () => {
    const gone = given(ours, created).when(left)
    const { id } = gone.row(MEMBER)
    expect(gone.row(MEMBER)['deleted']).to.equal(id)
    expect(Object.values(pairsOf(gone.rows(PAIR)))).to.deep.equal([false, false, false])
    const later = vector('10-create-user-full', { TimeStamp: '1767225640' })
    expect(given(ours, created, left).when(later).row(MEMBER)).to.include({ id, deleted: 0 })
    expect(given(ours, left).when(created).row(MEMBER)['deleted']).to.not.equal(0)
  })

  it('shows the id where no name was ever told, says so, and never hides a name behind it', () => {
    const restricted = vector('11-create-user-restricted')
    const { row } = given(ours).when(restricted)
    expect(row(MEMBER)['name']).to.equal(row(MEMBER)['user_id'])
    expect(row(ENTRY)['is_placeholder']).to.equal(1)
    const masked = change({ ChangeType: 'update_user', TimeStamp: '1767225699', UserID: USER, Name: USER })
    expect(given(ours, created).when(masked).row(MEMBER)['name']).to.equal('张三😀')
    const nameless = change({ ChangeType: 'update_user', TimeStamp: '1', UserID: 'stub', OpenUserID: 'open' })
    expect(given(ours).when(nameless).row(MEMBER)).to.include({ user_id: 'stub', name: 'open', deleted: 0 })
  })

  it('clears what is said to be empty and takes a masked gender of a reading for unknown', () => {
    const emptied = change({ ChangeType: 'update_user', TimeStamp: '1767225623', UserID: USER, Position: '', Telephone: '' })
    expect(given(ours, created).when(emptied).row(MEMBER)).to.include({ position: '', telephone: '', alias: 'jack' })
    const fields: Said = { ChangeType: 'update_user', TimeStamp: '1767225624', UserID: USER, Gender: '0' }
    expect(
      given(ours, created)
        .when(change(fields, { origin: 'reconcile' }))
        .row(MEMBER)['gender'],
    ).to.equal(1)
  })

  it('moves a department and keeps its name; deleting it ends its pairs, until a member is listed there again', () => {
    const [party, child] = [vector('40-create-party'), vector('41-create-party-restricted')]
    const { rows } = given(ours, party, child).when(vector('42-update-party-partial'))
    expect(rows(DEPARTMENT).map(({ dept_id, name, parent_id }) => [dept_id, name, parent_id])).to.deep.equal([
      [5, '研发中心', 1],
      [6, '6', 1],
    ])
    const member = change({ ChangeType: 'create_user', TimeStamp: '1767225641', UserID: 'a', Department: '5,6' })
    const end = change({ ChangeType: 'delete_party', TimeStamp: '1767225643', Id: '6' })
    const ended = given(ours, party, child, member).when(end)
    expect(pairsOf(ended.rows(PAIR), 'a')).to.deep.equal({ 5: true, 6: false })
    expect(ended.rows(DEPARTMENT).map(({ deleted }) => deleted === 0)).to.deep.equal([true, false])
    expect(pairsOf(given(ours, party, child, end).when(member).rows(PAIR), 'a')).to.deep.equal({ 5: true, 6: false })
    const again = change({ ChangeType: 'update_user', TimeStamp: '1767225643', UserID: 'a', Department: '5,6' })
    expect(pairsOf(given(ours, party, child, member, end).when(again).rows(PAIR), 'a')).to.deep.equal({ 5: true, 6: true })
  })

  it('tells ids apart that differ by case only', () => {
    const small = change({ ChangeType: 'create_user', TimeStamp: '1', UserID: 'wo_abc', Name: 'small' })
    const big = change({ ChangeType: 'create_user', TimeStamp: '2', UserID: 'wo_ABC', Name: 'big' })
    expect(
      given(ours)
        .when(small, big)
        .rows(MEMBER)
        .map(({ name }) => name),
    ).to.deep.equal(['small', 'big'])
  })

  it('leaves other corps and what is no person or department alone', () => {
    const foreign = change(
      { ChangeType: 'create_user', TimeStamp: '1', UserID: 'a' },
      { of: { ...CORP, authCorpId: CORP.authCorpId.toLowerCase() } },
    )
    expect(given(ours, created).when(foreign, vector('50-update-tag')).unchanged).to.equal(true)
    expect(directory({ ...CORP, schema: 'second' }).tables.map(({ name }) => name)).to.include(`second.${MEMBER}`)
  })
})

describe(`the directory, out of order (seed ${SEED})`, () => {
  it('ends the same whatever the order of create, update, update and delete', () => {
    const expected = meaning([created, namedAnew, moved, left])
    for (const events of permutations([created, namedAnew, moved, left])) expect(meaning(events)).to.deep.equal(expected)
  })

  it('follows a new id: same row, pairs along, late words under the old id reach it', () => {
    const old = change({
      ChangeType: 'create_user',
      TimeStamp: '1767225600',
      UserID: 'autogen_0007',
      Name: 'Li',
      Department: '1',
    })
    const renamed = vector('22-update-user-rename')
    const before = given(ours).when(old)
    const { row, rows } = given(ours, old).when(renamed)
    expect(row(MEMBER)).to.include({ id: before.row(MEMBER)['id'], user_id: 'lisi.new' })
    expect(pairsOf(rows(PAIR), 'lisi.new')).to.deep.equal({ 1: true })
    const late = change({ ChangeType: 'update_user', TimeStamp: '1767225621', UserID: 'autogen_0007', Alias: 'late' })
    expect(given(ours, old, renamed).when(late).row(MEMBER)).to.include({ user_id: 'lisi.new', alias: 'late' })
    const other = change({ ChangeType: 'create_user', TimeStamp: '1767225700', UserID: 'autogen_0007', Name: 'Wu' })
    expect(
      given(ours, old, renamed)
        .when(other)
        .rows(MEMBER)
        .map(({ user_id, name }) => [user_id, name]),
    ).to.deep.equal([
      ['lisi.new', 'Li'],
      ['autogen_0007', 'Wu'],
    ])
  })

  it('joins two rows when the new id was heard of before the change of ids', () => {
    const old = change({ ChangeType: 'create_user', TimeStamp: '10', UserID: 'autogen_0007', Name: 'Li', Department: '1,2' })
    const early = change({ ChangeType: 'update_user', TimeStamp: '1767225630', UserID: 'lisi.new', Department: '2,3' })
    const { rows } = given(ours, old, early).when(vector('22-update-user-rename'))
    const alive = rows(MEMBER).filter(({ deleted }) => deleted === 0)
    expect(alive.map(({ user_id, name }) => [user_id, name])).to.deep.equal([['lisi.new', 'Li']])
    expect(pairsOf(rows(PAIR), 'lisi.new')).to.deep.equal({ 1: false, 2: true, 3: true })
    const keys = rows(PAIR).map(({ user_id, dept_id }) => `${user_id} ${dept_id}`)
    expect(new Set(keys).size).to.equal(keys.length)
  })

  it('ends the same for any history in any order, when no two changes are of one second', () => {
    const change1 = fc.record({
      kind: fc.constantFrom('create_user', 'update_user', 'delete_user', 'create_party', 'update_party', 'delete_party'),
      who: fc.constantFrom('a', 'A', 'b'),
      party: fc.constantFrom('1', '2', '3'),
      name: fc.option(fc.constantFrom('one', 'two', 'a')),
      listed: fc.option(fc.subarray(['1', '2', '3'])),
    })
    const history = fc.array(change1, { minLength: 1, maxLength: 12 }).map((list) =>
      list.map(({ kind, who, party, name, listed }, index) =>
        change({
          ChangeType: kind,
          TimeStamp: String(100 + index),
          ...(kind.endsWith('_user') ? { UserID: who } : { Id: party }),
          ...(name && !kind.startsWith('delete') ? { Name: name } : {}),
          ...(listed && kind.endsWith('_user') && kind !== 'delete_user' ? { Department: listed.join(',') } : {}),
        }),
      ),
    )
    fc.assert(
      fc.property(
        history.chain((events) => fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length }))),
        ([events, shuffled]) => {
          expect(meaning(shuffled)).to.deep.equal(meaning(events))
        },
      ),
      { numRuns: 300, seed: SEED },
    )
  })
})

describe('the directory of a corp that cancelled', () => {
  const history = [
    created,
    vector('40-create-party'),
    change({ ChangeType: 'create_user', TimeStamp: '1767225600', UserID: 'autogen_0007', Name: 'Li', Department: '1,5' }),
    vector('22-update-user-rename'),
    moved,
  ]
  const end = cancelled(1_767_225_700)

  it('keeps ids and times, and nothing that was said', () => {
    const { rows } = given(ours, ...history).when(end)
    for (const table of [MEMBER, PAIR, DEPARTMENT])
      for (const row of rows(table)) expect(row).to.include({ deleted: row['id'], name: '', update_time: 1_767_225_700_000 })
    expect(JSON.stringify([rows(MEMBER), rows(PAIR), rows(DEPARTMENT), rows(ENTRY)])).to.not.match(
      /woFIXTURE|lisi|138000|研发|张三|jack/,
    )
  })

  it('comes out of the log the same once nothing in it opens any more', () => {
    const live = given(ours, ...history).when(end).state
    expect(given(ours, ...history.map(erased)).when(end).state).to.deep.equal(live)
  })

  it('finds its rows again when it comes back', () => {
    const back = vector('10-create-user-full', { TimeStamp: '1767225800' })
    const { rows } = given(ours, ...history, end).when(back)
    const alive = rows(MEMBER).filter(({ deleted }) => deleted === 0)
    expect(alive).to.have.length(1)
    expect(alive[0]).to.include({ user_id: USER, name: '张三😀' })
    expect(alive[0]?.['id']).to.equal(created.type === 'ContactChanged' ? created.data.rowIds.member : 0)
    expect(pairsOf(rows(PAIR))).to.deep.equal({ 1: true, 2: true, 3: true })
  })
})

function permutations<T>(list: readonly T[]): T[][] {
  if (list.length === 0) return [[]]
  return list.flatMap((item, index) => permutations(list.toSpliced(index, 1)).map((rest) => [item, ...rest]))
}
