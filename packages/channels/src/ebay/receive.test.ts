import { generateKeyPairSync, sign } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import type { Reception } from '../port.ts'
import { createPublicKeys } from './public-keys.ts'
import { createReceive } from './receive.ts'
import { fixture, fixtureText } from './testing/fixtures.ts'
import { createStage, type Stage } from './testing/stage.ts'

const { signal } = new AbortController()
const verdict = (reception: Reception) =>
  reception.kind === 'accepted' ? reception.kind : `${reception.status} ${reception.code}`

describe("The signature vectors of eBay's own SDKs", () => {
  const headers = fixture<{ valid: string; mismatch: string }>('signature-headers.official.json')
  const key = fixture<{ key: string; algorithm: string; digest: string }>('public-key-response.json')
  const message = fixtureText('marketplace-account-deletion.message.json')
  const tampered = fixtureText('marketplace-account-deletion.tampered.json')
  const compact = (text: string) => JSON.stringify(JSON.parse(text))

  async function receive(body: string, header: string): Promise<string> {
    const { find } = createPublicKeys({ fetchKey: async () => key, clock: Date.now })
    return verdict(
      await createReceive({ findKey: find })({ headers: { 'x-ebay-signature': header }, body: Buffer.from(body) }, signal),
    )
  }

  it('verify as eBay wrote them, compact', async () => {
    expect(await receive(compact(message), headers.valid)).to.equal('accepted')
  })

  it('verify also when something on the way indented the body', async () => {
    expect(await receive(message, headers.valid)).to.equal('accepted')
  })

  it('fail with one changed letter, and with a signature of something else', async () => {
    expect(await receive(compact(tampered), headers.valid)).to.equal('412 SIGNATURE_WRONG')
    expect(await receive(compact(message), headers.mismatch)).to.equal('412 SIGNATURE_WRONG')
  })
})

describe('The signature of a notification', () => {
  it('is that of the raw bytes, also where compact JSON would read otherwise', async () => {
    const vector = fixture<{
      rawBody: string
      'x-ebay-signature': string
      publicKeyResponse: { key: string; algorithm: string; digest: string }
    }>('synthetic/signature-vector.generated.json')
    const keys = createPublicKeys({ fetchKey: async () => vector.publicKeyResponse, clock: Date.now })
    const receive = createReceive({ findKey: keys.find })
    const headers = { 'x-ebay-signature': vector['x-ebay-signature'] }
    expect(verdict(await receive({ headers, body: Buffer.from(vector.rawBody) }, signal))).to.equal('accepted')
    const other = vector.rawBody.replace('"quantity":2', '"quantity":3')
    expect(verdict(await receive({ headers, body: Buffer.from(other) }, signal))).to.equal('412 SIGNATURE_WRONG')
  })

  for (const digest of ['SHA1', 'SHA256']) {
    it(`verifies with ${digest} over bytes that JSON.stringify would change`, async () => {
      const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
      const key = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString().replaceAll('\n', '')
      const raw = '{"metadata":{"topic":"T","x":1.0},\n "notification":{"notificationId":"caf\\u00e9\\/","data":{"2":1,"1":2}}}'
      const kid = '11111111-2222-4333-8444-555555555555'
      const signature = sign(digest, Buffer.from(raw), pair.privateKey).toString('base64')
      const header = Buffer.from(JSON.stringify({ alg: 'none', kid, signature, digest: 'MD5' })).toString('base64')
      const { find } = createPublicKeys({ fetchKey: async () => ({ key, algorithm: 'ECDSA', digest }), clock: Date.now })
      const request = { headers: { 'x-ebay-signature': header }, body: Buffer.from(raw) }
      expect(verdict(await createReceive({ findKey: find })(request, signal))).to.equal('accepted')
    })
  }
})

describe('Receiving notifications from eBay', () => {
  let stage: Stage

  beforeEach(async () => {
    stage = await createStage()
  })

  afterEach(async () => {
    await stage.simulator.close()
  })

  const bytes = (message: unknown) => Buffer.from(JSON.stringify(message))
  const confirmation = () => {
    const { orderId } = stage.simulator.market.addOrder(stage.seller.userId)
    return bytes(stage.simulator.notifications.orderConfirmation(orderId))
  }
  const receive = async (body: Buffer, header?: string) =>
    await stage.ebay.receive({ headers: { 'x-ebay-signature': header }, body }, stage.signal)
  const signed = (body: Buffer, kid = stage.simulator.keys.current) => receive(body, stage.simulator.keys.header(body, kid))
  const headerOf = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64')

  it('accepts every topic it acts on, and those it does not know', async () => {
    const { market, notifications } = stage.simulator
    const { orderId } = market.addOrder(stage.seller.userId)
    const messages = [
      notifications.orderConfirmation(orderId),
      notifications.authorizationRevocation(stage.seller.userId),
      notifications.accountDeletion({ username: 'buyer_1', userId: 'abc' }),
      notifications.message('LISTING', { anything: true }),
    ]
    const kinds = await Promise.all(messages.map(async (message) => await signed(bytes(message))))
    expect(
      kinds.map((reception) => (reception.kind === 'accepted' ? reception.notification.kind : reception.code)),
    ).to.deep.equal(['order', 'revocation', 'account-deletion', 'other'])
  })

  it('asks for the app token and the key once for many notifications at the same time', async () => {
    const bodies = Array.from({ length: 40 }, confirmation)
    const receptions = await Promise.all(bodies.map((body) => signed(body)))
    expect(new Set(receptions.map(verdict))).to.deep.equal(new Set(['accepted']))
    expect([stage.simulator.count('token'), stage.simulator.count('getPublicKey')]).to.deep.equal([1, 1])
    expect(stage.taken).to.deep.equal(['token', 'notification'])
  })

  it('refuses a header that is missing or can be none, without asking eBay', async () => {
    const body = confirmation()
    const kid = stage.simulator.keys.current
    const strange = [
      undefined,
      '',
      '%%%',
      headerOf('text'),
      headerOf(null),
      headerOf({}),
      headerOf({ kid }),
      headerOf({ kid, signature: 7 }),
      headerOf({ kid, signature: '' }),
      headerOf({ kid: '../../order', signature: 'AA==' }),
      headerOf({ kid: `${kid}/`, signature: 'AA==' }),
      headerOf({ kid, signature: 'A'.repeat(4000) }),
    ]
    for (const header of strange)
      expect(verdict(await receive(body, header)), header ?? 'none').to.equal('412 SIGNATURE_MISSING')
    expect(stage.simulator.requests).to.deep.equal([])
  })

  it('refuses a wrong signature, a signature of a withdrawn key, and no signature at all', async () => {
    const body = confirmation()
    expect(verdict(await receive(body, stage.simulator.keys.header(confirmation(), stage.simulator.keys.current)))).to.equal(
      '412 SIGNATURE_WRONG',
    )
    const garbage = headerOf({ kid: stage.simulator.keys.current, signature: 'bm8gREVS' })
    expect(verdict(await receive(body, garbage))).to.equal('412 SIGNATURE_WRONG')
    stage.time.now += 60_000
    expect(verdict(await signed(body, stage.simulator.keys.stale))).to.equal('412 KEY_UNKNOWN')
  })

  it('accepts a notification that is days old: eBay repeats until it is heard', async () => {
    const body = confirmation()
    stage.time.now += 30 * 86_400_000
    expect(verdict(await signed(body))).to.equal('accepted')
  })

  it('follows a change of keys, and puts a new one off rather than refusing it while ids are being invented', async () => {
    expect(verdict(await signed(confirmation()))).to.equal('accepted')
    const next = stage.simulator.keys.rotate()
    expect(verdict(await signed(confirmation(), next))).to.equal('503 KEY_POSTPONED')
    stage.time.now += 60_000
    expect(verdict(await signed(confirmation(), next))).to.equal('accepted')
    expect(stage.simulator.count('getPublicKey')).to.equal(2)
  })

  it('takes an id in capitals for the same key', async () => {
    const body = confirmation()
    const header = JSON.parse(
      Buffer.from(stage.simulator.keys.header(body, stage.simulator.keys.current), 'base64').toString(),
    ) as { kid: string }
    await signed(body)
    expect(verdict(await receive(body, headerOf({ ...header, kid: header.kid.toUpperCase() })))).to.equal('accepted')
    expect(stage.simulator.count('getPublicKey')).to.equal(1)
  })

  it('refuses a body that is no JSON, signed or not, without asking for a key', async () => {
    for (const text of ['', '{', 'not json', '{"a":1}}', '\u{feff}{}'])
      expect(verdict(await signed(Buffer.from(text)))).to.equal('400 BODY_NOT_JSON')
    expect(verdict(await receive(Buffer.from('{'), undefined))).to.equal('412 SIGNATURE_MISSING')
    expect(stage.simulator.requests).to.deep.equal([])
  })

  it('judges the envelope only after the signature', async () => {
    const body = bytes({ metadata: { topic: 7 }, notification: {} })
    expect(verdict(await signed(body))).to.equal('400 ENVELOPE_MALFORMED')
    const other = stage.simulator.keys.header(Buffer.from('{}'), stage.simulator.keys.current)
    expect(verdict(await receive(body, other))).to.equal('412 SIGNATURE_WRONG')
  })

  for (const kind of ['hang', 'reset', 'half-body'] as const) {
    it(`answers 503 while the key can't be had (${kind}), and accepts the same notification later`, async () => {
      await stage.simulator.close()
      stage = await createStage({ timeout: kind === 'hang' ? 1_000 : 15_000 })
      const body = confirmation()
      stage.simulator.fail({ operation: 'getPublicKey', kind })
      expect(verdict(await signed(body))).to.equal('503 CHANNEL_UNAVAILABLE')
      stage.time.now += 60_000
      expect(verdict(await signed(body))).to.equal('accepted')
    })
  }

  it('answers 503 while there is no app token, no app, or no budget', async () => {
    stage.simulator.fail({ operation: 'token', kind: 'status', status: 500 })
    expect(verdict(await signed(confirmation()))).to.equal('503 CHANNEL_UNAVAILABLE')
    stage.time.now += 60_000
    stage.simulator.fail({ operation: 'getPublicKey', kind: 'rate-limited' })
    expect(verdict(await signed(confirmation()))).to.equal('503 CHANNEL_RATE_LIMITED')
  })

  it('gets another app token when eBay no longer takes the one it has', async () => {
    expect(verdict(await signed(confirmation()))).to.equal('accepted')
    stage.simulator.market.expireAccess()
    stage.time.now += 3_600_000
    expect(verdict(await signed(confirmation()))).to.equal('accepted')
    expect([stage.simulator.count('token'), stage.simulator.count('getPublicKey')]).to.deep.equal([2, 3])
  })

  it('keeps its app token until a minute before its end', async () => {
    await signed(confirmation())
    for (const [later, tokens] of [
      [7_139_000, 1],
      [60_000, 2],
    ] as const) {
      stage.time.now += later
      stage.simulator.keys.rotate()
      expect(verdict(await signed(confirmation()))).to.equal('accepted')
      expect(stage.simulator.count('token')).to.equal(tokens)
    }
  })

  it('never throws and never accepts what somebody else made up', async () => {
    const kid = stage.simulator.keys.current
    const header = fc.oneof(
      fc.string(),
      fc.jsonValue().map(headerOf),
      fc.record({ kid: fc.oneof(fc.constant(kid), fc.uuid()), signature: fc.base64String() }).map(headerOf),
    )
    const body = fc.oneof(
      fc.uint8Array().map((array) => Buffer.from(array)),
      fc.jsonValue().map(bytes),
    )
    await signed(confirmation())
    await fc.assert(
      fc.asyncProperty(header, body, async (made, content) => {
        expect((await receive(content, made)).kind).not.to.equal('accepted')
      }),
    )
    expect(stage.simulator.count('getPublicKey')).to.equal(1)
  })
})
