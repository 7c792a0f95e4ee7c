import { inspect } from 'node:util'
import { pause } from '@tributary/runtime'
import type { Fault } from '@tributary/test/simulators/ebay'
import { expect } from 'chai'
import { ChannelError, type Grant } from '../port.ts'
import { failureOf } from '../testing/failure-of.ts'
import { createEbay } from './ebay.ts'
import { createStage, type Stage } from './testing/stage.ts'

describe('Consent and tokens at eBay', () => {
  let stage: Stage

  beforeEach(async () => {
    stage = await createStage()
  })

  afterEach(async () => {
    await stage.simulator.close()
  })

  async function consentCode(): Promise<string> {
    const url = stage.ebay.authorizeUrl(stage.app, { state: 'the state' })
    const back = new URL(await stage.simulator.consent(url, { userId: stage.seller.userId, accept: true }))
    return back.searchParams.get('code') ?? ''
  }

  async function exchange(code: string, app = stage.app, ebay = stage.ebay): Promise<Grant> {
    const [grant, ...others] = await ebay.exchangeCode(app, { code, query: new URLSearchParams() }, stage.signal)
    if (!grant || others.length > 0) throw new Error('one consent at eBay is one grant')
    return grant
  }

  const lastTokenRequest = () => stage.simulator.requests.findLast((request) => request.operation === 'token')

  it('sends the seller to a fresh sign-in with the RuName, the scopes joined by %20, and our state', () => {
    const url = stage.ebay.authorizeUrl(stage.app, { state: 'a b&c', locale: 'de-DE' })
    expect(url).to.include(`${stage.simulator.urls.authorizeUrl}?client_id=`).and.not.to.include('+')
    expect(Object.fromEntries(new URL(url).searchParams)).to.deep.equal({
      client_id: stage.app.clientId,
      redirect_uri: stage.simulator.app.ruName,
      response_type: 'code',
      scope: stage.app.scopes.join(' '),
      state: 'a b&c',
      prompt: 'login',
      locale: 'de-DE',
    })
  })

  it('turns the code of a consent into a grant that names the seller by its lasting id', async () => {
    const before = stage.time.now
    const grant = await exchange(await consentCode())
    expect(grant).to.include({ sellerId: 'SYNuser0001', sellerName: 'synthetic_seller_1', region: 'EBAY_US' })
    expect(grant).to.include({ refreshTokenExpiresIn: 47_304_000, refreshTokenExpiresTime: before + 47_304_000_000 })
    expect(grant.access.expiresTime).to.equal(before + 7_200_000)
    expect(stage.simulator.market.grants.has(grant.refreshToken)).to.equal(true)
  })

  it('encodes the code once and shows the app as Basic user', async () => {
    const code = await consentCode()
    expect(code).to.match(/\^.*#/)
    await exchange(code)
    const basic = Buffer.from(`${stage.app.clientId}:${stage.app.clientSecret}`).toString('base64')
    expect(lastTokenRequest()?.authorization).to.equal(`Basic ${basic}`)
    expect(Object.fromEntries(new URLSearchParams(lastTokenRequest()?.body))).to.deep.equal({
      grant_type: 'authorization_code',
      code,
      redirect_uri: stage.simulator.app.ruName,
    })
  })

  it('asks for a new consent when a code is used, wrong or too old', async () => {
    const used = await consentCode()
    await exchange(used)
    const old = await consentCode()
    stage.time.now += 300_000
    for (const code of [used, 'v^1.1#invented', old])
      expect(await failureOf(exchange(code))).to.include({
        code: 'CHANNEL_GRANT_REVOKED',
        remedy: 'reauthorize',
        retriable: false,
      })
  })

  it('refreshes without a scope and keeps the refresh token', async () => {
    const { refreshToken } = await exchange(await consentCode())
    const refreshed = await stage.ebay.refresh(stage.app, refreshToken, stage.signal)
    expect(refreshed).to.have.all.keys('access')
    expect(refreshed.access.expiresTime).to.equal(stage.time.now + 7_200_000)
    expect([...new URLSearchParams(lastTokenRequest()?.body).keys()]).to.deep.equal(['grant_type', 'refresh_token'])
  })

  it('reports a refresh token that took the place of ours', async () => {
    const body = JSON.stringify({ access_token: 'a', expires_in: 60, refresh_token: 'new', refresh_token_expires_in: 120 })
    stage.simulator.fail({ operation: 'token', kind: 'status', status: 200, body })
    const { rotated } = await stage.ebay.refresh(stage.app, 'old', stage.signal)
    expect(rotated).to.deep.equal({ refreshToken: 'new', expiresIn: 120, expiresTime: stage.time.now + 120_000 })
  })

  it('asks for a new consent when the seller has revoked', async () => {
    const { refreshToken } = await exchange(await consentCode())
    stage.simulator.market.revoke(stage.seller.userId)
    const failure = await failureOf(stage.ebay.refresh(stage.app, refreshToken, stage.signal))
    expect(failure).to.include({ code: 'CHANNEL_GRANT_REVOKED', remedy: 'reauthorize' })
  })

  it('asks for a person when eBay does not know the app', async () => {
    const failure = await failureOf(exchange(await consentCode(), { ...stage.app, clientSecret: 'wrong' }))
    expect(failure).to.include({ code: 'CHANNEL_APP_REFUSED', remedy: 'person' })
  })

  it('asks for a person when the consent lacks the scope of getUser', async () => {
    stage.app.scopes = ['https://api.ebay.com/oauth/api_scope/sell.fulfillment']
    expect(await failureOf(exchange(await consentCode()))).to.include({ code: 'CHANNEL_SCOPE_MISSING', remedy: 'person' })
  })

  const FAULTS: [string, Fault, { code: string; remedy: string; retryAfter?: number }][] = [
    [
      '429 with seconds',
      { operation: 'token', kind: 'rate-limited', retryAfter: '7' },
      { code: 'CHANNEL_RATE_LIMITED', remedy: 'retry', retryAfter: 7000 },
    ],
    [
      '429 without Retry-After',
      { operation: 'token', kind: 'rate-limited' },
      { code: 'CHANNEL_RATE_LIMITED', remedy: 'retry' },
    ],
    ['503', { operation: 'token', kind: 'status', status: 503 }, { code: 'CHANNEL_UNAVAILABLE', remedy: 'retry' }],
    ['a hang', { operation: 'token', kind: 'hang' }, { code: 'CHANNEL_UNAVAILABLE', remedy: 'retry' }],
    ['a reset', { operation: 'token', kind: 'reset' }, { code: 'CHANNEL_UNAVAILABLE', remedy: 'retry' }],
    ['half a body', { operation: 'token', kind: 'half-body' }, { code: 'CHANNEL_UNAVAILABLE', remedy: 'retry' }],
    [
      'a page of a proxy',
      { operation: 'token', kind: 'status', status: 200, body: '<html>' },
      { code: 'CHANNEL_ANSWER_UNREADABLE', remedy: 'retry' },
    ],
    [
      'a slow answer',
      { operation: 'getUser', kind: 'late', until: () => pause(800) },
      { code: 'CHANNEL_UNAVAILABLE', remedy: 'retry' },
    ],
    [
      'another shape',
      { operation: 'getUser', kind: 'status', status: 200, body: '{"userId":7}' },
      { code: 'CHANNEL_ANSWER_UNREADABLE', remedy: 'bug' },
    ],
    [
      'a redirect',
      { operation: 'getUser', kind: 'status', status: 302, body: '' },
      { code: 'CHANNEL_REQUEST_REFUSED', remedy: 'bug' },
    ],
  ]
  for (const [name, fault, expected] of FAULTS) {
    it(`classes ${name} as ${expected.code}, with no secret in the error`, async () => {
      const code = await consentCode()
      stage.simulator.fail(fault)
      const ebay = fault.kind === 'hang' || fault.kind === 'late' ? stage.impatient : stage.ebay
      const failure = await failureOf(exchange(code, stage.app, ebay))
      expect(failure).to.be.instanceOf(ChannelError).and.to.include(expected)
      const shown = inspect(failure, { depth: 10, showHidden: true })
      for (const secret of [code, encodeURIComponent(code), stage.app.clientSecret, 'v^1.1#'])
        expect(shown).not.to.include(secret)
    })
  }

  it('names what is missing in an answer, never what is there', async () => {
    const body = '{"access_token":"SECRET","expires_in":"7200"}'
    stage.simulator.fail({ operation: 'token', kind: 'status', status: 200, body })
    const failure = await failureOf(exchange('code'))
    expect(failure).to.have.property('message').that.includes('/expires_in').and.not.includes('SECRET')
  })

  it('stops at once when the caller gives up', async () => {
    await stage.simulator.close()
    stage = await createStage({ timeout: 30_000 })
    stage.simulator.fail({ operation: 'token', kind: 'hang' })
    const caller = new AbortController()
    const reason = new Error('shutting down')
    const call = failureOf(stage.ebay.refresh(stage.app, 'token', caller.signal))
    while (stage.simulator.count('token') === 0) await new Promise(setImmediate)
    caller.abort(reason)
    expect(await call).to.equal(reason)
  })

  it('takes from the budget before each call, and makes none when nothing is left', async () => {
    await exchange(await consentCode())
    expect(stage.taken).to.deep.equal(['token', 'token'])
    const spent = new ChannelError('CHANNEL_BUDGET_SPENT', 'nothing left', { remedy: 'retry' })
    const budget = { take: () => Promise.reject(spent) }
    const poor = createEbay({ urls: stage.simulator.urls, app: async () => stage.app, budget })
    const before = stage.simulator.requests.length
    expect(await failureOf(poor.refresh(stage.app, 'token', stage.signal))).to.equal(spent)
    expect(stage.simulator.requests).to.have.length(before)
  })
})
