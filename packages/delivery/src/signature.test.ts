import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { publicKeyText, type SigningKey, signatures, signingKey } from './signature.ts'
import { isVerifiedV1a, keyOf } from './testing/signing.ts'

const problemOf = (secret: string) => {
  const made = signingKey(secret)
  return made.kind === 'unusable' ? made.problem : ''
}
const privateSecret = () => `whsk_${randomBytes(32).toString('base64')}`
const publicOf = (key: SigningKey) => (key.kind === 'v1a' ? publicKeyText(key.privateKey) : '')
const seconds = () => Math.floor(Date.now() / 1_000)
const headers = (id: string, timestamp: number, value: string) => ({
  'webhook-id': id,
  'webhook-timestamp': String(timestamp),
  'webhook-signature': value,
})

describe('Signatures of deliveries', () => {
  it('make the signature of the vector in the Standard Webhooks documentation', () => {
    const key = keyOf('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')
    const made = signatures([key], 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330, '{"test": 2432232314}')
    expect(made).to.equal('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
  })

  it('are accepted by the official library for every body and key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.uint8Array({ minLength: 16, maxLength: 64 }), (text, bytes) => {
        const secret = `whsec_${Buffer.from(bytes).toString('base64')}`
        const body = JSON.stringify({ text })
        const timestamp = seconds()
        const signed = headers('msg_1', timestamp, signatures([keyOf(secret)], 'msg_1', timestamp, body))
        expect(new Webhook(secret).verify(body, signed)).to.deep.equal({ text })
      }),
    )
  })

  it('use the UTF-8 bytes of a secret that is not in whsec_ form', () => {
    const secret = 'a plain secret, with ümläuts and 密钥'
    const timestamp = seconds()
    const signed = headers('msg_1', timestamp, signatures([keyOf(secret)], 'msg_1', timestamp, '{}'))
    expect(new Webhook(Buffer.from(secret, 'utf8'), { format: 'raw' }).verify('{}', signed)).to.deep.equal({})
  })

  it('are refused by the official library when body, id, time or key differ', () => {
    const secret = `whsec_${randomBytes(32).toString('base64')}`
    const timestamp = seconds()
    const value = signatures([keyOf(secret)], 'msg_1', timestamp, '{"a":1}')
    const webhook = new Webhook(secret)
    expect(() => webhook.verify('{"a":2}', headers('msg_1', timestamp, value))).to.throw()
    expect(() => webhook.verify('{"a":1}', headers('msg_2', timestamp, value))).to.throw()
    expect(() => webhook.verify('{"a":1}', headers('msg_1', timestamp - 1, value))).to.throw()
    const other = new Webhook(`whsec_${randomBytes(32).toString('base64')}`)
    expect(() => other.verify('{"a":1}', headers('msg_1', timestamp, value))).to.throw()
  })

  it('stand beside each other while keys are changed, and the official library finds the one it knows', () => {
    const secrets = [1, 2, 3].map(() => `whsec_${randomBytes(32).toString('base64')}`)
    const asymmetric = keyOf(privateSecret())
    const timestamp = seconds()
    const keys = [asymmetric, ...secrets.map(keyOf)]
    const signed = headers('msg_1', timestamp, signatures(keys, 'msg_1', timestamp, '{"a":1}'))
    expect(signed['webhook-signature']).to.match(/^v1a,[^ ]{88}(?: v1,[^ ]{44}){3}$/)
    for (const secret of secrets) expect(new Webhook(secret).verify('{"a":1}', signed)).to.deep.equal({ a: 1 })
    expect(isVerifiedV1a(publicOf(asymmetric), signed, '{"a":1}')).to.equal(true)
    expect(() => new Webhook(`whsec_${randomBytes(32).toString('base64')}`).verify('{"a":1}', signed)).to.throw()
  })

  it('of a private key are verified with its public key, and with no other body, id, time or key', () => {
    const key = keyOf(privateSecret())
    const timestamp = seconds()
    const body = '{"text":"密钥"}'
    const signed = headers('msg_1', timestamp, signatures([key], 'msg_1', timestamp, body))
    const isTaken = (changes: object = {}, given = body, publicKey = publicOf(key)) =>
      isVerifiedV1a(publicKey, { ...signed, ...changes }, given)
    expect(isTaken()).to.equal(true)
    expect(isTaken({}, '{}')).to.equal(false)
    expect(isTaken({ 'webhook-id': 'msg_2' })).to.equal(false)
    expect(isTaken({ 'webhook-timestamp': String(timestamp + 1) })).to.equal(false)
    expect(isTaken({}, body, publicOf(keyOf(privateSecret())))).to.equal(false)

    expect(key.id).to.match(/^[0-9a-f]{8}$/)
  })

  it('are not made with an empty, short or broken secret, and the problem does not quote it', () => {
    expect(problemOf('')).to.include('empty')
    expect(problemOf('short-secret')).to.include('12 bytes').and.not.include('short-secret')
    expect(problemOf(`whsec_${randomBytes(8).toString('base64')}`)).to.include('8 bytes')
    expect(problemOf('whsec_')).to.include('0 bytes')
    expect(problemOf('whsec_not*base64*at*all')).to.include('base64').and.not.include('not*')
    expect(problemOf(`whsec_${randomBytes(32).toString('base64').replace('=', '')}`)).to.include('padding')
    expect(problemOf(`whsk_${randomBytes(64).toString('base64')}`)).to.include('64 bytes')
    expect(problemOf('whsk_not*base64')).to.include('whsk_').and.not.include('not*')
  })

  it('tell keys apart by an id that is not part of the key', () => {
    const [one, two] = [keyOf('one-secret-of-twenty'), keyOf('two-secret-of-twenty')]
    expect(one.id)
      .to.match(/^[0-9a-f]{8}$/)
      .and.not.equal(two.id)
    expect(keyOf('one-secret-of-twenty').id).to.equal(one.id)
  })
})
