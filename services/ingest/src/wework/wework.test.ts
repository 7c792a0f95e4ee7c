import { CONTACT_TOPIC, corpKey } from '@tributary/events'
import { metricValue } from '@tributary/runtime/testing'
import {
  checkAddress,
  createWecomSimulator,
  sendCallback,
  sendShuffled,
  signedRequest,
  type WecomSimulator,
  xmlOf,
} from '@tributary/test/simulators/wecom'
import { openSettings, type Settings } from '@tributary/vault'
import { type Fields, suiteTicketName } from '@tributary/wecom'
import { expect } from 'chai'
import { ofType, single } from '../testing/events.ts'
import { type IngestUnderTest, prepareIngest } from '../testing/ingest-under-test.ts'

const CUSTOMER = 'keyfil'

describe('taking in callbacks of WeCom', () => {
  let its: IngestUnderTest
  let wecom: WecomSimulator
  let corp: ReturnType<WecomSimulator['addCorp']>
  let settings: Settings
  before(async () => {
    its = await prepareIngest()
  })
  after(() => its.close())
  beforeEach(async () => {
    wecom = await createWecomSimulator()
    corp = wecom.addCorp({ departments: 3, members: 5 })
    await its.reset()
    await its.restart({ wework: { [CUSTOMER]: wecom.customer } })
    settings = openSettings({ database: its.database, vault: its.vault })
  })
  afterEach(() => wecom.close())

  const command = () => wecom.access(its.server.url, CUSTOMER, 'command')
  const events = () => its.events(CONTACT_TOPIC)
  const opened = async (event: { id: string; data: { subject: string; sealed: string | null } }) => {
    if (event.data.sealed === null) return null
    const [outcome] = await its.vault.open([{ subject: event.data.subject, eventId: event.id, jwe: event.data.sealed }])
    return outcome?.kind === 'opened' ? (JSON.parse(outcome.plaintext) as { receiveId: string; fields: Fields }) : null
  }
  const member = { UserID: 'woHidden1', Name: 'hidden-name', Department: '1,2', Mobile: '013800000000' }
  const aChange = (fields: Fields = member, time = 1_767_225_620) => wecom.change(corp, 'create_user', fields, time)

  it('proves every kind of address to WeCom, and no other', async () => {
    for (const kind of ['command', 'self-built'] as const)
      expect(await checkAddress(wecom.access(its.server.url, CUSTOMER, kind)), kind).to.equal(true)
    const { providerCorpId } = wecom.customer.suite as { providerCorpId: string }
    for (const kind of ['command', 'data'] as const)
      expect(await checkAddress({ ...wecom.access(its.server.url, CUSTOMER, kind, corp), receiveId: providerCorpId })).to.equal(
        true,
      )
    expect(await checkAddress({ ...command(), receiveId: 'wwother' })).to.equal(false)
    for (const path of [
      'other/command',
      `${CUSTOMER}/other`,
      `${CUSTOMER}/self-built/other`,
      `${CUSTOMER}/command/`,
      '__proto__/command',
    ])
      expect((await fetch(`${its.server.url}/wework/verify/${path}`)).status, path).to.equal(404)
  })

  it('keeps a change of a member sealed, under the key of its corp, and answers success', async () => {
    const { query, body } = signedRequest(command(), xmlOf(aChange()))
    const answer = await fetch(`${command().url}?${query}`, { method: 'POST', body })
    expect(answer.status).to.equal(200)
    expect(answer.headers.get('content-type')).to.equal('text/plain; charset=utf-8')
    expect(await answer.text()).to.equal('success')
    const event = single(ofType(await events(), 'ContactChanged'))
    expect(event).to.include({ partitionkey: corpKey(corp.corpId), subject: `corps/${corp.corpId}` })
    expect(event.data).to.include({
      customer: CUSTOMER,
      suiteId: wecom.suite.suiteId,
      authCorpId: corp.corpId,
      changeType: 'create_user',
      timestamp: 1_767_225_620,
      origin: 'callback',
      newMember: null,
      department: null,
    })
    expect(Object.keys(event.data.rowIds.pairs)).to.have.length(2)
    expect(await opened(event)).to.deep.equal({ receiveId: wecom.suite.suiteId, fields: aChange() })
    expect(JSON.stringify(event)).not.to.match(/hidden|woHidden|013800/)
    expect(its.lines.join('')).not.to.match(/hidden|woHidden|013800/)
  })

  it('keeps what is sent three times, sealed anew each time, once', async () => {
    expect(await sendCallback(command(), aChange(), { copies: 3 })).to.deep.equal([200, 200, 200])
    expect(await sendCallback(command(), aChange(), { form: 'json' })).to.deep.equal([200])
    expect(await events()).to.have.length(1)
  })

  it('keeps both of two departments that change within one second', async () => {
    const parties = ['6', '7'].map((Id) => wecom.change(corp, 'create_party', { Id, Name: 'x', ParentId: '1' }, 1_767_225_644))
    expect(await sendShuffled(command(), parties, 7)).to.deep.equal([200, 200])
    const kept = ofType(await events(), 'ContactChanged')
    expect(new Set(kept.map(({ data }) => data.department))).to.have.property('size', 2)
  })

  it('takes the form of a self-built app, answers it with nothing, and keeps it without a suite', async () => {
    const access = wecom.access(its.server.url, CUSTOMER, 'self-built')
    const fields = wecom.change(wecom.selfBuilt, 'update_user', { UserID: 'zhangsan', NewUserID: 'zhang.san' })
    const { query, body } = signedRequest(access, xmlOf(fields))
    const answer = await fetch(`${access.url}?${query}`, { method: 'POST', body })
    expect([answer.status, await answer.text()]).to.deep.equal([200, ''])
    const { data } = single(ofType(await events(), 'ContactChanged'))
    expect(data).to.include({ suiteId: '', authCorpId: wecom.selfBuilt.corpId })
    expect(data.newMember).to.be.a('string').that.is.not.equal(data.member)
  })

  it('keeps tickets and codes in the settings only', async () => {
    const ticket = wecom.ticket()
    const code = wecom.authorize(corp)
    expect(await sendCallback(command(), ticket)).to.deep.equal([200])
    expect(await sendCallback(command(), code, { copies: 2 })).to.deep.equal([200, 200])
    expect(await events()).to.deep.equal([])
    const name = suiteTicketName({ customer: CUSTOMER, suiteId: wecom.suite.suiteId })
    expect((await settings.get(name))?.value).to.equal(ticket['SuiteTicket'])
    expect(await settings.names('wework:code:')).to.have.length(1)
    const everything = JSON.stringify([its.lines, await its.database.query('SELECT * FROM tributary_setting')])
    for (const credential of [ticket['SuiteTicket'], code['AuthCode']]) expect(everything).not.to.contain(credential)
  })

  it('keeps the newest ticket, whatever comes last', async () => {
    const [older, newer] = [wecom.ticket(1_000), wecom.ticket(2_000)]
    await sendCallback(command(), newer)
    await sendCallback(command(), older)
    const name = suiteTicketName({ customer: CUSTOMER, suiteId: wecom.suite.suiteId })
    expect((await settings.get(name))?.value).to.equal(newer['SuiteTicket'])
  })

  it('destroys the key of a corp that takes its consent back, and reads nothing of it any more', async () => {
    await sendCallback(command(), aChange())
    expect(await sendCallback(command(), wecom.cancel(corp, 1_767_225_663), { copies: 2 })).to.deep.equal([200, 200])
    const kept = await events()
    const cancelled = single(ofType(kept, 'CorpDeauthorized'))
    const change = single(ofType(kept, 'ContactChanged'))
    expect(cancelled.data).to.include({ authCorpId: corp.corpId, timestamp: 1_767_225_663, subject: change.data.subject })
    expect(await opened(change)).to.equal(null)
    await sendCallback(command(), aChange({ ...member, UserID: 'woLate' }))
    const late = ofType(await events(), 'ContactChanged').find(({ id }) => id !== change.id)
    expect(late?.data.sealed).to.equal(null)
  })

  it('asks for a reading of the directory when an authorization changes', async () => {
    const fields = { SuiteId: wecom.suite.suiteId, InfoType: 'change_auth', TimeStamp: '1767225662', AuthCorpId: corp.corpId }
    expect(await sendCallback(command(), fields)).to.deep.equal([200])
    expect(await its.database.query('SELECT corp_id, due_time FROM tributary_wework_corp')).to.deep.equal([
      { corp_id: corp.corpId, due_time: 0 },
    ])
    expect(await events()).to.deep.equal([])
  })

  it('keeps kinds that it does not know, without what might open a door', async () => {
    const fields = {
      SuiteId: wecom.suite.suiteId,
      AuthCorpId: corp.corpId,
      InfoType: 'some_future_type',
      TimeStamp: '1767225664',
      NewAccessToken: 'hidden-credential',
      Foo: 'bar',
    }
    expect(await sendCallback(command(), fields, { copies: 2 })).to.deep.equal([200, 200])
    const event = single(ofType(await events(), 'CorpNotified'))
    expect(event.data).to.include({ infoType: 'some_future_type', authCorpId: corp.corpId, timestamp: 1_767_225_664 })
    expect((await opened(event))?.fields).to.deep.equal({ ...fields, NewAccessToken: '' })
    await sendCallback(command(), { SuiteId: wecom.suite.suiteId, InfoType: '' })
    expect(single((await events()).filter(({ id }) => id !== event.id)).data).to.include({ infoType: '', timestamp: null })
  })

  it('takes messages of the data address for corps that it knows, and keeps others in quarantine', async () => {
    const data = () => wecom.access(its.server.url, CUSTOMER, 'data', corp)
    const fields = { ToUserName: corp.corpId, MsgType: 'event', Event: 'subscribe', CreateTime: '1767225600' }
    expect(await sendCallback(data(), fields)).to.deep.equal([200])
    expect(await events()).to.deep.equal([])
    await its.restart({ wework: { [CUSTOMER]: { ...wecom.customer, corps: { [corp.corpId]: { directory: 'departments' } } } } })
    expect(await sendCallback(data(), fields)).to.deep.equal([200])
    expect(single(ofType(await events(), 'CorpNotified')).data).to.include({ infoType: 'subscribe', authCorpId: corp.corpId })
  })

  describe('that must not be taken', () => {
    const quarantined = () => its.database.query('SELECT reason, times FROM tributary_wework_quarantine ORDER BY reason')

    it('answers 403 to a signature that is wrong or missing, and keeps nothing', async () => {
      const before = await metricValue('tributary_signature_failures_total', { channel: 'wecom' })
      for (const signature of ['wrong', 'missing'] as const)
        expect(await sendCallback(command(), aChange(), { signature })).to.deep.equal([403])
      expect((await metricValue('tributary_signature_failures_total', { channel: 'wecom' })) ?? 0).to.equal((before ?? 0) + 2)
      expect(await events()).to.deep.equal([])
      expect(await quarantined()).to.deep.equal([])
    })

    it('says success to what is signed but for another, and puts it in quarantine once', async () => {
      expect(await sendCallback(command(), aChange(), { receiveId: 'wwother' })).to.deep.equal([200])
      const { query, body } = signedRequest(command(), xmlOf({ ...aChange(), SuiteId: 'wwother' }))
      for (let copy = 0; copy < 3; copy += 1)
        expect((await fetch(`${command().url}?${query}`, { method: 'POST', body })).status).to.equal(200)
      expect(await events()).to.deep.equal([])
      expect(await quarantined()).to.deep.equal([
        { reason: 'receive_id_mismatch', times: 1 },
        { reason: 'suite_id_mismatch', times: 3 },
      ])
      const { services } = (await (await fetch(`${its.server.url}/healthz`)).json()) as { services: { reason?: string }[] }
      expect(services[0]?.reason).to.contain('not for us')
    })

    it('answers 500 to what is signed but cannot be read, and says so in health', async () => {
      for (const plaintext of [
        'no xml',
        '<xml><S>a</xml>',
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><SuiteId>&e;</SuiteId></xml>',
      ]) {
        const { query, body } = signedRequest(command(), plaintext)
        const answer = await fetch(`${command().url}?${query}`, { method: 'POST', body })
        expect([answer.status, await answer.text()], plaintext).to.deep.equal([500, ''])
      }
      const { services } = (await (await fetch(`${its.server.url}/healthz`)).json()) as { services: { reason?: string }[] }
      expect(services[0]?.reason).to.contain('EncodingAESKey')
      expect(await events()).to.deep.equal([])
    })

    it('answers 400 to what is no envelope and 413 to more than 256 KB', async () => {
      for (const body of ['', 'x', '<xml/>', '{}']) {
        expect((await fetch(command().url, { method: 'POST', body })).status, body).to.equal(400)
      }
      const padded = `<xml>${' '.repeat(1_000_000)}<Encrypt>x</Encrypt></xml>`
      expect((await fetch(command().url, { method: 'POST', body: padded })).status).to.equal(413)
    })

    it('does not believe the envelope about whom it is for', async () => {
      expect(await sendCallback(command(), aChange(), { toUserName: 'wwother' })).to.deep.equal([200])
      expect(await events()).to.have.length(1)
    })
  })

  describe('while the log stalls', () => {
    it('answers 500 inside a second, and keeps the message once when it is sent again', async () => {
      const { query, body } = signedRequest(command(), xmlOf(aChange()))
      its.relay.stall()
      const began = performance.now()
      const answer = await fetch(`${command().url}?${query}`, { method: 'POST', body })
      expect(answer.status).to.equal(500)
      // Marketplaces would be kept waiting for longer; a slow machine may add to the 700 ms.
      expect(performance.now() - began).to.be.lessThan(2_500)
      its.relay.heal()
      expect(await sendCallback(command(), aChange(), { pause: 300 })).to.include(200)
      expect(await events()).to.have.length(1)
    })
  })
})
