import { readFileSync } from 'node:fs'
import { type ContactPart, derivedEventId } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { expect } from 'chai'
import { type ContactBody, contactAttributes, contactData, contactRequest, type WebhookMode } from './index.ts'
import { isVerifiedV1a, keyOf } from './testing/signing.ts'

type Vectors = {
  secret: string
  oldSecret: string
  ed25519: { seedHex: string; whpk: string }
  vectors: {
    mode: WebhookMode
    headers: Record<string, string>
    body: string
    rotationHeader?: string
    signatureV1a?: string
  }[]
}
const FOLDER = new URL('../../../test/fixtures/wecom/', import.meta.url)
const fixture = <T>(name: string): T => JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8')) as T

const { secret, oldSecret, ed25519, vectors } = fixture<Vectors>('A0-outbound-webhook')
const privateKey = `whsk_${Buffer.from(ed25519.seedHex, 'hex').toString('base64')}`
const fields = fixture<{ parsed: ContactPart['fields'] }>('21-update-user-partial-department').parsed
const corp = { customer: 'keyfil', suiteId: 'wwfeed0000000000aa', authCorpId: 'wpFIXTUREcorpAAAA000000000000001' }
// The vector's id is no UUID, as ours are.
const event = {
  ...exampleEvent('ContactChanged', derivedEventId('test', 21), {
    data: { ...corp, changeType: 'update_user', timestamp: 1_767_225_621 },
  }),
  id: '01KE5M3H00FIXTURE000000021',
}
const part = (more: ContactPart['fields'] = {}): ContactPart => ({ receiveId: corp.suiteId, fields: { ...fields, ...more } })
const NOW = 1_767_225_624_000

function request(mode: WebhookMode, { now = NOW, secrets = [secret] } = {}) {
  const body = { attributes: contactAttributes(event, part()), data: contactData(event, part(), 'thin') } satisfies ContactBody
  const delivered = { event, partition: 0, position: 21, recordedTime: NOW }
  return contactRequest(mode, {
    delivered: delivered as Parameters<typeof contactRequest>[1]['delivered'],
    body: JSON.stringify(body),
    target: { url: 'http://partner.example/', keys: secrets.map(keyOf) },
    now,
    traceparent: undefined,
  })
}

describe('the request that tells a partner of a change', () => {
  for (const { mode, headers, body, rotationHeader, signatureV1a = '' } of vectors) {
    it(`is that of the vector in ${mode} mode, to the byte`, () => {
      expect(request(mode)).to.deep.equal({ url: 'http://partner.example/', headers, body })
    })
    if (mode === 'compat') continue
    it(`carries the signatures of the vector in ${mode} mode while keys are changed, and of its private key`, () => {
      const header = (secrets: string[]) => request(mode, { secrets }).headers['webhook-signature']
      expect(header([secret, oldSecret])).to.equal(rotationHeader)
      expect(header([privateKey])).to.equal(signatureV1a)
      expect(isVerifiedV1a(ed25519.whpk, { ...headers, 'webhook-signature': signatureV1a }, body)).to.equal(true)
    })
  }

  it('has another time and signature at a later try, and the same id and body', () => {
    const [first, later] = [request('ce-binary'), request('ce-binary', { now: NOW + 5_000 })]
    expect(later.body).to.equal(first.body)
    for (const name of ['webhook-id', 'ce-id', 'ce-sequence']) expect(later.headers[name]).to.equal(first.headers[name])
    for (const name of ['webhook-timestamp', 'webhook-signature']) expect(later.headers[name]).to.not.equal(first.headers[name])
  })

  it('is the body alone for a receiver that cannot change', () => {
    const { headers, body } = request('compat')
    expect(headers).to.deep.equal({ 'content-type': 'application/json; charset=utf-8' })
    expect(body).to.equal(request('ce-binary').body)
  })
})

describe('what a partner is told', () => {
  it('names nobody in thin, and everything that came in full', () => {
    const said = part({ Name: '张三', Mobile: '013800000000', Gender: '1', Status: '1' })
    expect(contactData(event, said, 'thin')['changed']).to.deep.equal({
      department: [2, 5],
      mainDepartment: 5,
      isLeaderInDept: [0, 0],
      status: 1,
    })
    expect(contactData(event, said, 'full')['changed']).to.include({ name: '张三', mobile: '013800000000', gender: 1 })
  })

  it('is that a change was, and no more, once the corp has cancelled', () => {
    expect(contactAttributes(event, 'erased').subject).to.equal('user/erased')
    expect(contactData(event, 'erased', 'full')).to.deep.equal({
      suiteId: corp.suiteId,
      authCorpId: corp.authCorpId,
      infoType: 'change_contact',
      changeType: 'update_user',
      timestamp: 1_767_225_621,
      erased: true,
      changed: {},
    })
  })

  it('names a department by its number, and a member under its old id and its new', () => {
    const made = { ...event, data: { ...event.data, changeType: 'create_party' as const } }
    const told = contactData(made, { receiveId: '', fields: { Id: '7', ParentId: '1', Order: '4294967295' } }, 'thin')
    expect(told).to.deep.include({ department: { id: 7 }, changed: { parentId: 1, order: 4_294_967_295 } })
    const renamed = contactData(event, { receiveId: '', fields: { UserID: 'old', NewUserID: 'new' } }, 'thin')
    expect(renamed).to.include({ userId: 'old', newUserId: 'new' })
  })
})
