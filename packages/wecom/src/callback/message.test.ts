import { expect } from 'chai'
import { settings, vectors } from '../testing/vectors.ts'
import { CHANGE_TYPES, readMessage } from './message.ts'

const { suiteId, authCorpId } = settings()

describe('what a callback says', () => {
  const kinds: Record<string, string> = {
    '50': 'contact-changed',
    '60': 'suite-ticket',
    '61': 'authorization-code',
    '62': 'authorization-changed',
    '63': 'authorization-cancelled',
    '64': 'other',
  }
  for (const { name, parsed } of vectors().filter(({ parsed: fields }) => fields !== undefined))
    it(`is read from ${name}`, () => {
      expect(readMessage(parsed ?? {}).kind).to.equal(kinds[name.slice(0, 2)] ?? 'contact-changed')
    })

  it('is a change for each of the seven kinds, in both forms', () => {
    for (const ChangeType of CHANGE_TYPES) {
      const what = { ChangeType, UserID: 'u', Id: '1' }
      const suite = { SuiteId: suiteId, AuthCorpId: authCorpId, InfoType: 'change_contact', TimeStamp: '1767225620', ...what }
      const head = { kind: 'contact-changed', changeType: ChangeType, timestamp: 1_767_225_620 }
      expect(readMessage(suite)).to.deep.equal({ ...head, suiteId, corpId: authCorpId })
      const own = { ToUserName: 'ww1', MsgType: 'event', Event: 'change_contact', CreateTime: '1767225620', ...what }
      expect(readMessage(own)).to.deep.equal({ ...head, suiteId: '', corpId: 'ww1' })
    }
  })

  it('is kept for a person to look at when it lacks its time, its corp, its subject or a known kind', () => {
    const good = {
      SuiteId: suiteId,
      AuthCorpId: authCorpId,
      InfoType: 'change_contact',
      TimeStamp: '1',
      ChangeType: 'create_user',
      UserID: 'u',
    }
    for (const lacking of ['AuthCorpId', 'TimeStamp', 'ChangeType', 'UserID'])
      expect(readMessage({ ...good, [lacking]: '' }).kind, lacking).to.equal('other')
    expect(readMessage({ ...good, TimeStamp: '1e9' }).kind).to.equal('other')
    expect(readMessage({ ...good, AuthCorpId: ['a', 'b'] }).kind).to.equal('other')
    expect(readMessage({ MsgType: 'text', ToUserName: 'ww1', CreateTime: '1' })).to.include({ kind: 'other', infoType: 'text' })
    expect(readMessage({})).to.include({ kind: 'other', infoType: '', corpId: null })
  })
})
