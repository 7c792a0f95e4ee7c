import { expect } from 'chai'
import { type ConsoleUnderTest, startConsole } from '../testing/console-under-test.ts'

const customer = { apiUrl: 'http://127.0.0.1:1', webhooks: [], selfBuilt: {} }
const suite = { token: 't', encodingAesKey: 'k', suiteId: 's', providerCorpId: '' }

describe('The directory over the HTTP API', () => {
  let its: ConsoleUnderTest
  before(async () => {
    its = await startConsole({}, { keyfil: { ...customer, suite, corps: { one: { directory: 'departments' } } } })
    for (const id of [1, 2, 3])
      await its.database.query('INSERT INTO eg_wework_member (id, user_id, name, create_time, deleted) VALUES (?)', [
        [id, `user-${id}`, `Hidden ${id}`, 1, id === 2 ? 2 : 0],
      ])
    await its.database.query("INSERT INTO eg_wework_department (id, dept_id, name, create_time) VALUES (4, 40, 'Sales', 1)")
  })
  after(() => its.close())

  const json = async (path: string, scopes?: Parameters<ConsoleUnderTest['get']>[1]) =>
    (await (await its.get(path, scopes)).json()) as { members: { userId: string; person: object }[] } & Record<string, unknown>

  it('lists members that are there, page by page, masked unless the caller may see them', async () => {
    const first = await json('/v1/wework/members?corp=one&limit=1')
    expect(first).to.have.property('next', '1')
    expect(first.members[0]).to.deep.include({ userId: 'user-1' })
    expect(JSON.stringify(first)).not.to.contain('Hidden')
    const second = await json('/v1/wework/members?cursor=1', ['read', 'read-personal'])
    expect(second.members.map(({ userId }) => userId)).to.deep.equal(['user-3'])
    expect(second.members[0]?.person).to.include({ name: 'Hidden 3' })
    expect(await its.database.query('SELECT target FROM tributary_audit')).to.deep.equal([{ target: 'eg_wework_member/3-3' }])
  })

  it('lists departments', async () => {
    expect((await json('/v1/wework/departments'))['departments']).to.have.nested.property('[0].deptId', 40)
  })

  it('says when no directory of a corp is kept', async () => {
    expect(await json('/v1/wework/members?corp=two')).to.have.property('code', 'CORP_UNKNOWN')
  })
})
