import type { CorpName } from '@tributary/database'
import { cancelCorp, requestReading } from '@tributary/database'
import { CONTACT_TOPIC, encodeEvent } from '@tributary/events'
import { until } from '@tributary/test/servers'
import type { SimulatedCorp } from '@tributary/test/simulators/wecom'
import { contactEvents, corpSubject, ticketGapName } from '@tributary/wecom'
import { expect } from 'chai'
import { reconcile } from './reconcile.ts'
import { type ContactSyncUnderTest, CUSTOMER, prepareContactSync } from './testing/contact-sync-under-test.ts'

describe('keeping directories of WeCom true', () => {
  let its: ContactSyncUnderTest
  before(async () => {
    its = await prepareContactSync()
  })
  after(() => its.close())
  beforeEach(() => its.reset())

  const readUntilNow = (name: CorpName, since = 0) =>
    until('the directory was read', async () => ((await its.reading(name))?.successTime ?? 0) > since)
  /** A corp that has authorized the suite and whose directory has been read. */
  const authorized = async (options: { departments: number; members: number }) => {
    const corp = its.wecom.addCorp(options)
    await its.ticket()
    const name = await its.authorize(corp)
    its.start()
    await readUntilNow(name)
    return { corp, name }
  }
  /** Reads once more, and answers what was told since. */
  const again = async (name: CorpName) => {
    const before = (await its.told()).length
    const since = (await its.reading(name))?.successTime ?? 0
    await requestReading(its.database, name)
    await readUntilNow(name, since)
    return (await its.told()).slice(before)
  }
  const firstMember = (corp: SimulatedCorp) => {
    const [member] = corp.members.values()
    if (!member) throw new Error('the corp has no member')
    return member
  }

  it('exchanges the code of a new authorization and tells the whole directory', async () => {
    const { corp, name } = await authorized({ departments: 12, members: 40 })
    const events = await its.events()
    const consent = events.find(({ type }) => type === 'CorpAuthorized')
    expect(consent?.data).to.include({ customer: CUSTOMER, suiteId: name.suiteId, authCorpId: corp.corpId })
    const told = await its.told()
    expect(told.filter(({ changeType }) => changeType === 'create_party')).to.have.length(12)
    expect(told.filter(({ changeType }) => changeType === 'create_user')).to.have.length(40)
    expect(new Set(told.map(({ origin }) => origin))).to.deep.equal(new Set(['reconcile']))
    const member = firstMember(corp)
    expect(told.find(({ fields }) => fields['UserID'] === member.userid)?.fields).to.deep.include({
      SuiteId: name.suiteId,
      AuthCorpId: corp.corpId,
      InfoType: 'change_contact',
      ChangeType: 'create_user',
      Department: member.departments.sort((one, other) => one - other).join(','),
    })
    expect(await its.settings.names('wework:code:')).to.deep.equal([])
    expect(its.wecom.count('get_permanent_code')).to.equal(1)
    expect(its.wecom.count('get_suite_token')).to.equal(1)
    expect(its.wecom.count('get_corp_token')).to.equal(1)
    const text = JSON.stringify([events, its.lines])
    for (const secret of [corp.permanentCode, its.wecom.suite.ticket, its.wecom.suite.secret])
      expect(text).not.to.contain(secret)
  })

  it('tells nothing when nothing has changed', async () => {
    const { name } = await authorized({ departments: 3, members: 10 })
    expect(await again(name)).to.deep.equal([])
  })

  it('tells what callbacks missed: moves, new and lost members and departments', async () => {
    const { corp, name } = await authorized({ departments: 5, members: 60 })
    const [moved, lost] = [...corp.members.values()]
    if (!moved || !lost) throw new Error('too few members')
    moved.departments = [4, 5]
    corp.members.delete(lost.userid)
    corp.members.set('woNew', { userid: 'woNew', name: 'Name of the new', departments: [1] })
    corp.departments.set(6, { id: 6, name: '6', parentid: 2, order: 1 })
    corp.changed()
    const told = await again(name)
    const summary = told.map(({ changeType, fields }) => [changeType, fields['UserID'] ?? fields['Id'], fields['Department']])
    expect(summary).to.deep.include.members([
      ['update_user', moved.userid, '4,5'],
      ['delete_user', lost.userid, undefined],
      ['create_user', 'woNew', '1'],
      ['create_party', '6', undefined],
    ])
    expect(told).to.have.length(4)
    expect(told.find(({ changeType }) => changeType === 'create_user')?.fields['Name']).to.equal('Name of the new')
  })

  it('lets no member go when a department cannot be seen, or a list breaks off', async () => {
    const { corp, name } = await authorized({ departments: 4, members: 40 })
    corp.hidden.add(2)
    expect(await again(name)).to.deep.equal([])
    expect((await its.reading(name))?.lastError).to.contain('visible range')
    corp.hidden.clear()
    for (const fault of [{ kind: 'half-body' }, { kind: 'status', status: 502 }, { kind: 'errcode', errcode: -1 }] as const) {
      its.wecom.fail({ call: 'user/simplelist', ...fault, times: 1_000 })
      await requestReading(its.database, name)
      await until('a reading failed', async () => ((await its.reading(name))?.failures ?? 0) > 0)
      its.wecom.heal()
      await until('a reading succeeded', async () => (await its.reading(name))?.failures === 0)
    }
    expect((await its.told()).filter(({ changeType }) => changeType.startsWith('delete'))).to.deep.equal([])
  })

  it('asks before more than a twentieth of a corp goes, and goes on when told to', async () => {
    const { corp, name } = await authorized({ departments: 2, members: 40 })
    for (const { userid } of [...corp.members.values()].slice(0, 10)) corp.members.delete(userid)
    corp.changed()
    await requestReading(its.database, name)
    await until('it asks', async () => /reconcile --yes/.test((await its.reading(name))?.lastError ?? ''))
    expect((await its.told()).filter(({ changeType }) => changeType.startsWith('delete'))).to.deep.equal([])
    const signal = new AbortController().signal
    const seen: unknown[] = []
    const reading = await reconcile(its.context, name, {
      signal,
      confirmed: true,
      onProgress: (progress) => void seen.push(progress),
    })
    expect(reading).to.include({ deleted: 10, heldBack: false, complete: true })
    expect(seen).not.to.have.length(0)
    expect((await its.told()).filter(({ changeType }) => changeType === 'delete_user')).to.have.length(10)
  })

  it('leaves a callback about anything later than the reading the last word', async () => {
    const { corp, name } = await authorized({ departments: 2, members: 30 })
    const member = firstMember(corp)
    corp.members.delete(member.userid)
    corp.changed()
    // The member came back while the list was being read: the callback is in the log, the list does not know it.
    const subject = corpSubject(its.vault, name, 0)
    const timestamp = Math.floor(Date.now() / 1000) + 60
    const fields = { UserID: member.userid, Department: '1', TimeStamp: String(timestamp) }
    const [event] = await contactEvents({ vault: its.vault, rowIds: its.context.rowIds, source: '/test' }, [
      { corp: { ...name, subject }, changeType: 'update_user', timestamp, origin: 'callback', receiveId: name.suiteId, fields },
    ])
    if (event) await its.log.append(CONTACT_TOPIC, [encodeEvent(event)])
    expect((await again(name)).filter(({ changeType }) => changeType.startsWith('delete'))).to.deep.equal([])
  })

  it('reads again after a silence of tickets', async () => {
    const { name } = await authorized({ departments: 1, members: 1 })
    const since = (await its.reading(name))?.successTime ?? 0
    const gap = ticketGapName(name)
    await until('the ticket was looked at', async () => (await its.settings.get(gap)) !== undefined)
    await its.database.query('UPDATE tributary_setting SET setting_time = ? WHERE name = ?', [Date.now() - 3_600_000, gap])
    await its.ticket(Date.now() + 1)
    await readUntilNow(name, since)
  })

  it('gets one token, however many processes need it at once, and another when that is refused', async () => {
    const { name } = await authorized({ departments: 30, members: 10 })
    its.start()
    its.start()
    its.wecom.expireTokens()
    const corps = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const corp = its.wecom.addCorp({ departments: 2, members: 2 })
        return its.authorize(corp)
      }),
    )
    for (const corp of corps) await readUntilNow(corp)
    await again(name)
    expect(its.wecom.count('get_suite_token')).to.equal(2)
    expect(its.wecom.count('get_corp_token')).to.be.at.most(2 + corps.length)
  })

  it('waits for a ticket before it exchanges a code', async () => {
    const corp = its.wecom.addCorp({ departments: 1, members: 1 })
    const name = await its.authorize(corp)
    const service = its.start()
    await until('it says that no ticket came', async () => ((await service.health()).reason ?? '').includes('suite_ticket'))
    expect(its.wecom.count('get_permanent_code')).to.equal(0)
    await its.ticket()
    await readUntilNow(name)
  })

  it('loses no authorization when something fails after its code was exchanged, which works once', async () => {
    const corp = its.wecom.addCorp({ departments: 1, members: 1 })
    await its.ticket()
    await its.database.query(
      "CREATE TRIGGER refused BEFORE INSERT ON tributary_wework_corp FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refused'",
    )
    let name: CorpName
    try {
      name = await its.authorize(corp)
      its.start()
      await until('it was tried', () => its.lines.some((line) => line.includes('codes could not be exchanged')))
      await its.stop()
    } finally {
      await its.database.query('DROP TRIGGER refused')
    }
    its.start()
    its.start()
    await readUntilNow(name)
    await until('the code has ended', async () => (await its.settings.names('wework:code:')).length === 0)
    expect((await its.events()).filter(({ type }) => type === 'CorpAuthorized')).to.have.length(1)
    expect(its.wecom.count('get_permanent_code')).to.equal(1)
    expect(its.lines.join('')).not.to.contain(corp.permanentCode).and.not.to.contain('authorize the suite again')
  })

  it('forgets the directory of a corp that took its consent back, and reads it no more', async () => {
    const { name } = await authorized({ departments: 2, members: 5 })
    await cancelCorp(its.database, name, Math.floor(Date.now() / 1000) + 1)
    const calls = its.wecom.calls.length
    await requestReading(its.database, name)
    const signal = new AbortController().signal
    expect(await reconcile(its.context, name, { signal })).to.equal(undefined)
    expect(its.wecom.calls).to.have.length(calls)
  })
})
