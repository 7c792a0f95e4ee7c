import { createWecomSimulator, type WecomSimulator } from '@tributary/test/simulators/wecom'
import { expect } from 'chai'
import { type Access, type KeptToken, selfBuiltAccess, type TokenStore } from './access.ts'
import { createSendCall } from './call.ts'
import { type ContactsApi, createContactsApi } from './contacts-api.ts'
import { WecomError } from './errors.ts'

/** The store of one process that nobody shares. */
function memoryStore(): TokenStore {
  const kept = new Map<string, KeptToken>()
  return {
    read: async (name) => kept.get(name),
    write: async (name, token) => void kept.set(name, token),
    forget: async (name, token) => void (kept.get(name)?.token === token && kept.delete(name)),
    exclusively: (_name, _signal, work) => work(),
  }
}

describe('the contacts API', () => {
  let wecom: WecomSimulator
  let api: ContactsApi
  let access: Access
  const signal = new AbortController().signal
  beforeEach(async () => {
    wecom = await createWecomSimulator()
    open(15_000)
  })
  afterEach(() => wecom.close())

  /** `timeout` is short for answers that never come. */
  function open(timeout: number): void {
    const { apiUrl, selfBuilt } = wecom.customer
    const app = selfBuilt['app']
    const send = createSendCall({ apiUrl, patience: { timeout, busy: 5, limited: 10 } })
    access = selfBuiltAccess(send, memoryStore(), { name: 'token', corpId: app?.corpId ?? '', secret: app?.secret ?? '' })
    api = createContactsApi(send, access)
  }

  const failure = async (work: Promise<unknown>): Promise<WecomError> => {
    const error: unknown = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if (error instanceof WecomError) return error
    throw new Error(`expected a WecomError and got: ${String(error)}`)
  }

  it('lists departments and members, and pages to their end', async () => {
    const { selfBuilt } = wecom
    expect((await api.departments(signal)).map(({ id, name }) => [id, name])).to.deep.equal(
      [...selfBuilt.departments.values()].map(({ id, name }) => [String(id), name]),
    )
    expect((await api.departmentIds(signal))[1]).to.deep.equal({ id: '2', parentId: '1' })
    const [member] = selfBuilt.members.values()
    const listed = await api.membersOf(String(member?.departments[0]), signal)
    expect(listed.find(({ userId }) => userId === member?.userid)).to.deep.equal({
      userId: member?.userid,
      departments: member?.departments.map(String),
    })
    const ids = new Set<string>()
    for (let cursor = ''; ; ) {
      const { members, next } = await api.memberIds(cursor, signal)
      for (const { userId } of members) ids.add(userId)
      if (next === '') break
      cursor = next
    }
    expect(ids).to.have.property('size', selfBuilt.members.size)
    expect((await api.consentedMembers('', signal)).members).to.have.length(selfBuilt.members.size)
  })

  for (const [errcode, code, retriable] of [
    [40084, 'WECOM_GRANT_REVOKED', false],
    [60020, 'WECOM_APP_REFUSED', false],
    [48002, 'WECOM_FORBIDDEN', false],
    [60011, 'WECOM_FORBIDDEN', false],
    [60003, 'WECOM_NOT_FOUND', false],
    [99999, 'WECOM_REQUEST_REFUSED', false],
    [-1, 'WECOM_UNAVAILABLE', true],
    [6000, 'WECOM_UNAVAILABLE', true],
    [45009, 'WECOM_RATE_LIMITED', true],
  ] as const)
    it(`says ${code} for errcode ${errcode}, ${retriable ? 'after three more tries' : 'at once'}`, async () => {
      wecom.fail({ call: 'user/simplelist', kind: 'errcode', errcode, times: 99 })
      const error = await failure(api.membersOf('1', signal))
      expect(error).to.include({ code, retriable, errcode })
      expect(wecom.count('user/simplelist')).to.equal(retriable ? 4 : 1)
    })

  for (const fault of [{ kind: 'reset' }, { kind: 'half-body' }, { kind: 'hang' }, { kind: 'status', status: 503 }] as const)
    it(`gets over a call that ends by ${fault.kind}, and gives up after three more`, async () => {
      if (fault.kind === 'hang') open(500)
      wecom.fail({ call: 'department/simplelist', ...fault })
      expect(await api.departmentIds(signal)).not.to.have.length(0)
      wecom.fail({ call: 'department/simplelist', ...fault, times: 99 })
      expect(await failure(api.departmentIds(signal))).to.include({ code: 'WECOM_UNAVAILABLE', retriable: true })
    })

  for (const errcode of [40014, 42001])
    it(`fetches another token once when ${errcode} refuses the one it has, and not for ever`, async () => {
      wecom.fail({ call: 'user/simplelist', kind: 'errcode', errcode })
      await api.membersOf('1', signal)
      expect(wecom.count('gettoken')).to.equal(2)
      wecom.fail({ call: 'user/simplelist', kind: 'errcode', errcode, times: 99 })
      expect(await failure(api.membersOf('1', signal))).to.have.property('code', 'WECOM_TOKEN_REFUSED')
      expect(wecom.count('gettoken')).to.equal(3)
    })

  it('tells no token and no secret in an error, whatever went wrong', async () => {
    open(500)
    const token = await access.token(signal)
    for (const fault of [{ kind: 'reset' }, { kind: 'errcode', errcode: 48002 }, { kind: 'hang' }] as const) {
      wecom.fail({ call: 'user/simplelist', ...fault, times: 4 })
      const error = await failure(api.membersOf('1', signal))
      expect(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).not.to.contain(token)
      wecom.heal()
    }
  })

  it('stops at once when it is told to', async () => {
    wecom.fail({ call: 'user/simplelist', kind: 'hang', times: 9 })
    await access.token(signal)
    const stopping = new AbortController()
    const asked = api.membersOf('1', stopping.signal).catch((error: unknown) => error)
    stopping.abort(new Error('stop'))
    expect(await asked).to.have.property('message', 'stop')
  })
})
