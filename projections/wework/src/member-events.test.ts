import { given } from '@tributary/projection/testing'
import { expect } from 'chai'
import { memberEvents } from './index.ts'
import { EVENT_TABLE } from './member-events.ts'
import { CORP, cancelled, change, erased, vector } from './testing/stage.ts'

describe('events of members', () => {
  const moved = vector('21-update-user-partial-department')

  it('are rows as they came: what is absent is NULL, or what the table has for it', () => {
    const { row } = given(memberEvents).when(moved)
    expect(row(EVENT_TABLE)).to.include({
      suite_id: CORP.suiteId,
      auth_corp_id: CORP.authCorpId,
      info_type: 'change_contact',
      timestamp: 1_767_225_621,
      change_type: 'update_user',
      user_id: 'woFIXTUREuserAAAA000000000000001',
      name: null,
      department: '2,5',
      main_department: 5,
      is_leader_in_dept: '0,0',
      mobile: null,
      gender: 0,
      status: 4,
      mem_change_cnt: null,
      create_time: 1_767_225_621_000,
    })
  })

  it('are kept of every corp, but not of departments, and not when we found them ourselves', () => {
    const foreign = { of: { ...CORP, authCorpId: 'wpUnmapped' } }
    const stranger = change({ ChangeType: 'create_user', TimeStamp: '1', UserID: 'a' }, foreign)
    expect(given(memberEvents).when(stranger).row(EVENT_TABLE)['auth_corp_id']).to.equal('wpUnmapped')
    const found = change({ ChangeType: 'create_user', TimeStamp: '1', UserID: 'a' }, { origin: 'reconcile' })
    expect(given(memberEvents).when(found, vector('40-create-party')).rows(EVENT_TABLE)).to.deep.equal([])
  })

  it('hold whole ids only, and count what did not fit', () => {
    const departments = Array.from({ length: 100 }, (_, index) => String(10_000_000 + index)).join(',')
    const { row, remarks } = given(memberEvents).when(
      change({ ChangeType: 'create_user', TimeStamp: '1', UserID: 'a', Department: departments }),
    )
    const kept = String(row(EVENT_TABLE)['department'])
    expect(kept.length).to.be.at.most(255)
    expect(departments.startsWith(`${kept},`)).to.equal(true)
    expect(remarks).to.deep.include({
      kind: 'truncated',
      table: EVENT_TABLE,
      column: 'department',
      detail: 'longer than 255 characters, whole parts kept',
    })
  })

  it('say nothing about anybody once the corp cancelled, as they do when made again from the log', () => {
    const end = cancelled(1_767_225_700)
    const other = change({ ChangeType: 'create_user', TimeStamp: '1', UserID: 'b' }, { of: { ...CORP, authCorpId: 'other' } })
    const live = given(memberEvents, moved, other).when(end)
    expect(live.rows(EVENT_TABLE).map(({ user_id }) => user_id)).to.deep.equal(['', 'b'])
    expect(given(memberEvents, erased(moved), other).when(end).state).to.deep.equal(live.state)
  })
})
