import { expect } from 'chai'
import { envelope, fixture, negativeVectors, settings, type Vector, vectors } from '../testing/vectors.ts'
import { callbackSecrets, receiveCallback, verifyAddress } from './callback.ts'
import { callbackKey, open, seal } from './cipher.ts'
import { canonicalText, idempotencyKey } from './idempotency.ts'
import { isSignature, sign } from './signature.ts'

const { token, encodingAESKey, suiteId, providerCorpId } = settings()
const secrets = callbackSecrets(token, encodingAESKey)
const queryOf = ({ msg_signature: signature, timestamp, nonce }: Vector['request']['query']) => ({
  signature,
  timestamp,
  nonce,
})
const taken = (method: string) => vectors().filter(({ request }) => request.method === method)

describe('a callback of WeCom', () => {
  for (const vector of taken('GET')) {
    it(`answers the check of an address: ${vector.name}`, () => {
      const { query } = vector.request
      const result = verifyAddress(
        secrets,
        { ...queryOf(query), echo: query.echostr ?? '' },
        { receiveIds: vector.acceptReceiveIds },
      )
      expect(result).to.deep.equal({ kind: 'verified', answer: vector.plaintext })
    })
  }

  it('survives a proxy that reads the pluses of an echostr as spaces', () => {
    const vector = taken('GET').find(({ request }) => request.query.echostr?.includes('+'))
    const { query } = (vector as Vector).request
    const result = verifyAddress(
      secrets,
      { ...queryOf(query), echo: (query.echostr ?? '').replaceAll('+', ' ') },
      { receiveIds: vector?.acceptReceiveIds ?? [] },
    )
    expect(result).to.deep.equal({ kind: 'verified', answer: vector?.plaintext })
  })

  it('does not answer a check that is sealed for another', () => {
    const echo = seal(secrets.key, { message: '1', receiveId: 'wwfeed0000000000zz' })
    const signed = { timestamp: '1', nonce: '2' }
    const signature = sign(token, { ...signed, encrypted: echo })
    expect(verifyAddress(secrets, { ...signed, signature, echo }, { receiveIds: [suiteId] })).to.deep.equal({
      kind: 'refused',
      reason: 'receive_id_mismatch',
    })
  })

  for (const vector of taken('POST')) {
    const { request, parsed, receiveId, acceptReceiveIds, idempotency, plaintext } = vector
    it(`is read, and gets its key: ${vector.name}`, () => {
      const result = receiveCallback(
        secrets,
        { query: queryOf(request.query), body: Buffer.from(request.body ?? '') },
        { receiveIds: acceptReceiveIds, ...(vector.channel === 'suite-command' ? { suiteId } : {}) },
      )
      expect(result).to.deep.equal({ kind: 'received', receiveId, fields: parsed })
      if (parsed === undefined) return
      expect(canonicalText(receiveId, parsed)).to.equal(idempotency?.canonical)
      expect(idempotencyKey(receiveId, parsed)).to.equal(idempotency?.key)
    })

    it(`is sealed and signed as WeCom does it: ${vector.name}`, () => {
      const random = Buffer.from(vector.crypto.randomAscii, 'ascii')
      const encrypted = seal(secrets.key, { message: plaintext, receiveId, random })
      expect(request.body).to.contain(encrypted)
      const { msg_signature, timestamp, nonce } = request.query
      expect(sign(token, { timestamp, nonce, encrypted })).to.equal(msg_signature)
    })
  }

  it('keeps the same message of two deliveries under one key', () => {
    const [first, again] = ['21-update-user-partial-department.json', '80-duplicate-of-21.json'].map((name) =>
      fixture<Vector>(name),
    )
    expect(first?.request.body).not.to.equal(again?.request.body)
    expect(idempotencyKey(first?.receiveId ?? '', first?.parsed ?? {})).to.equal(
      idempotencyKey(again?.receiveId ?? '', again?.parsed ?? {}),
    )
  })

  it('seals a passive reply', () => {
    const reply = fixture<Vector & { encrypt: string }>('95-passive-reply.json')
    const random = Buffer.from(reply.crypto.randomAscii, 'ascii')
    expect(seal(secrets.key, { message: reply.plaintext, receiveId: reply.receiveId, random })).to.equal(reply.encrypt)
  })
})

describe('a callback of WeCom that is not to be taken', () => {
  const acceptance = { receiveIds: [suiteId, providerCorpId], suiteId }

  for (const negative of negativeVectors().filter(({ encrypt }) => encrypt !== undefined)) {
    it(`is refused with ${negative.expectError}: ${negative.id}`, () => {
      const { msg_signature: signature, timestamp, nonce } = negative
      const result = receiveCallback(
        secrets,
        { query: { signature, timestamp, nonce }, body: envelope(negative.encrypt) },
        acceptance,
      )
      expect(result).to.deep.equal({ kind: 'refused', reason: negative.expectError })
    })
  }

  it('cannot come to an address with half a key or a token of another form', () => {
    for (const negative of negativeVectors().filter(({ encodingAESKey: key }) => key !== undefined))
      expect(() => callbackKey(negative.encodingAESKey ?? ''))
        .to.throw()
        .with.property('code', negative.expectError)
    for (const wrong of ['', 'with space', 'x'.repeat(33)])
      expect(() => callbackSecrets(wrong, encodingAESKey))
        .to.throw()
        .with.property('code', 'bad_token')
  })

  it('is refused before anything is opened when its envelope is none', () => {
    const query = { signature: '', timestamp: '1', nonce: '2' }
    for (const body of [
      '',
      'x',
      '<xml/>',
      '<xml><Encrypt>a',
      '{"encrypt":1}x',
      '[]',
      'null',
      '<!DOCTYPE xml><xml><Encrypt/></xml>',
    ])
      expect(receiveCallback(secrets, { query, body: Buffer.from(body) }, acceptance), body).to.deep.equal({
        kind: 'refused',
        reason: 'bad_envelope',
      })
  })

  it('is taken whatever its envelope says outside the signature', () => {
    const vector = fixture<Vector>('20-update-user-partial-name.json')
    const body = (vector.request.body ?? '').replace(suiteId, 'wwfeed0000000000zz')
    const result = receiveCallback(secrets, { query: queryOf(vector.request.query), body: Buffer.from(body) }, acceptance)
    expect(result.kind).to.equal('received')
  })

  it('is refused for any other signature, whatever its length', () => {
    const signed = { timestamp: '1', nonce: '2', encrypted: 'x' }
    const right = sign(token, signed)
    expect(isSignature(token, signed, right)).to.equal(true)
    for (const wrong of ['', right.slice(1), `${right}0`, right.toUpperCase(), '漢'.repeat(40), `${right.slice(0, -1)}x`])
      expect(isSignature(token, signed, wrong), wrong).to.equal(false)
  })

  it('is refused when the length field takes the receiver for message, or the text is no UTF-8', () => {
    const sealed = Buffer.from(seal(secrets.key, { message: 'a', receiveId: 'b' }), 'base64')
    expect(open(secrets.key, sealed.toString('base64'))).to.deep.equal({ kind: 'opened', message: 'a', receiveId: 'b' })
    const random = Buffer.alloc(16)
    const broken = seal(secrets.key, { message: 'é', receiveId: '', random })
    const cut = Buffer.from(broken, 'base64')
    cut[19] = (cut[19] ?? 0) ^ 0xff
    expect(open(secrets.key, cut.toString('base64')).kind).to.equal('refused')
  })
})
