import { type CorpName, requestReading } from '@tributary/database'
import { type Break, until } from '@tributary/test/servers'
import { authorizationCodePrefix } from '@tributary/wecom'
import { expect } from 'chai'
import { type ContactSyncUnderTest, prepareContactSync, QUICK } from './testing/contact-sync-under-test.ts'

// A claim lasts a minute.

describe('contact-sync whose database answers no more, once it has done what was asked', () => {
  let its: ContactSyncUnderTest
  before(async () => {
    its = await prepareContactSync()
  })
  after(() => its.close())
  beforeEach(() => its.reset())

  const authorize = async (): Promise<CorpName> => {
    await its.ticket()
    return await its.authorize(its.wecom.addCorp({ departments: 2, members: 5 }))
  }
  const isRead = async (name: CorpName, since = 0) => ((await its.reading(name))?.successTime ?? 0) > since

  for (const statement of ["SET claimed_by = '", 'SET claimed_by = NULL'])
    it(`reads a directory all the same, by itself: ${statement}…`, async () => {
      const name = await authorize()
      its.start()
      await until('the directory was read', () => isRead(name))
      const { successTime = 0 } = (await its.reading(name)) ?? {}
      const lost = its.relay.loseAnswerTo(`UPDATE tributary_wework_corp ${statement}`)
      await requestReading(its.database, name)
      await lost
      await until('the directory was read again', () => isRead(name, successTime))
      await until('the claim has ended', async () => (await its.reading(name))?.claimedBy === null)
      expect(await its.reading(name)).to.include({ failures: 0, lastError: '' })
    })

  it('reads a directory again within seconds when the database broke off meanwhile', async () => {
    const lost = its.relay.loseAnswerTo('AND alive = 1')
    const name = await authorize()
    its.start({ ...QUICK, retry: { shortest: 60_000, longest: 60_000 } })
    await lost
    await until('the directory was read', () => isRead(name))
  })

  it('keeps what an authorization was exchanged for, which can be had once, and tells of it', async () => {
    const name = await authorize()
    const breaks: [string, Break][] = [
      ["INSERT INTO tributary_setting (name, sealed, event_id, setting_time) VALUES ('wework:code:", { kind: 'before' }],
      ["INSERT INTO tributary_setting (name, sealed, event_id, setting_time) VALUES ('wework:code:", { kind: 'half' }],
      ["INSERT INTO tributary_setting (name, sealed, event_id, setting_time) VALUES ('wework:permanent:", { kind: 'answer' }],
      ['INSERT INTO tributary_wework_corp', { kind: 'before' }],
      ["DELETE FROM tributary_setting WHERE name = 'wework:code:", { kind: 'answer' }],
    ]
    its.relay.breakWhere((chunk) => {
      const [next] = breaks
      if (!next || !chunk.includes(next[0])) return undefined
      breaks.shift()
      return next[1]
    })
    its.start()
    await until('everything broke', () => breaks.length === 0)
    await until('the directory was read', () => isRead(name))
    await until('no code waits', async () => (await its.settings.names(authorizationCodePrefix(name))).length === 0)
    expect((await its.events()).filter(({ type }) => type === 'CorpAuthorized')).to.have.length(1)
  })
})
