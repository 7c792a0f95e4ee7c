import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { type ConsoleUnderTest, startConsole } from '../testing/console-under-test.ts'
import { addApiKey, revokeApiKey, type Scope } from './api-keys.ts'

const ADDRESSES = ['/v1/orders', '/v1/orders/1/shop/7', '/v1/sellers', '/v1/nothing', '/v3/api-docs', '/v3/api-docs/page']

describe('Who may call the HTTP API', () => {
  let its: ConsoleUnderTest
  before(async () => {
    its = await startConsole()
  })
  after(() => its.close())

  const get = (path: string, token: string) =>
    fetch(`${its.http.url}${path}`, { headers: { Authorization: `Bearer ${token}` } })

  it('is nobody without a living key, at every address', async () => {
    const revoked = await addApiKey(its.database, { name: 'revoked', scopes: ['read'] })
    expect((await get('/v1/orders', revoked.key)).status).to.equal(200)
    expect(await revokeApiKey(its.database, revoked.id)).to.equal(true)
    for (const path of ADDRESSES)
      for (const token of [revoked.key, 'trb_wrong', '', 'a.b.c']) expect((await get(path, token)).status, path).to.equal(401)
    const answer = await fetch(`${its.http.url}/v1/orders`)
    expect(answer.headers.get('www-authenticate')).to.contain('Bearer')
    expect(await answer.json()).to.include({ code: 'TOKEN_INVALID', title: 'Unauthorized' })
  })

  it('may do what a scope of its key says and nothing else', async () => {
    const post = async (path: string, scope: Scope) =>
      (
        await fetch(`${its.http.url}${path}`, {
          method: 'POST',
          headers: { Authorization: `Bearer ${await its.keyWith([scope])}`, 'content-type': 'application/json' },
          body: '{}',
        })
      ).status
    for (const scope of ['read-personal', 'ship', 'operate'] as const)
      expect((await get('/v1/orders', await its.keyWith([scope]))).status, scope).to.equal(403)
    for (const scope of ['read', 'read-personal', 'operate'] as const)
      expect(await post('/v1/orders/1/shop/7/shipments', scope), scope).to.equal(403)
    for (const scope of ['read', 'read-personal', 'ship'] as const)
      expect(await post('/v1/sellers/5/sync', scope)).to.equal(403)
  })
})

describe('Addresses that need no login', () => {
  it('are those of the description that the configuration names, and never one with data', async () => {
    const its = await startConsole({ externalUrls: ['/v3/api-docs', '/v1', '/'] })
    try {
      const status = async (path: string) => (await fetch(`${its.http.url}${path}`)).status
      expect(await status('/v3/api-docs')).to.equal(200)
      expect(await status('/v3/api-docs/page')).to.equal(200)
      for (const path of [
        '/v1/orders',
        '/v1/sellers',
        '/V1/orders',
        '//v1/orders',
        '/v3/../v1/orders',
        '/v3/api-docs/../../v1/orders',
      ])
        expect(await status(path), path).to.be.oneOf([401, 404])
    } finally {
      await its.close()
    }
  })
})

describe('Callers of the HTTP API', () => {
  it('are held to their rate, each by itself', async () => {
    const its = await startConsole({ requestsPerMinute: 3 })
    try {
      const statuses = []
      for (let call = 0; call < 5; call++) statuses.push((await its.get('/v1/orders')).status)
      expect(statuses).to.deep.equal([200, 200, 200, 429, 429])
      const refused = await its.get('/v1/orders')
      expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 60)
      expect(await refused.json()).to.include({ code: 'RATE_LIMITED', title: 'Too Many Requests' })
      expect((await its.get('/v1/orders', ['read', 'ship'])).status).to.equal(200)
    } finally {
      await its.close()
    }
  })
})

describe('Guesses at a token', () => {
  const guessesUntilRefused = async (its: ConsoleUnderTest, from: (guess: number) => Record<string, string>) => {
    for (let guess = 0; guess < 100; guess += 1) {
      const headers = { Authorization: `Bearer trb_${guess}`, ...from(guess) }
      const answer = await fetch(`${its.http.url}/v1/orders`, { headers })
      if (answer.status !== 401) return { guess, answer }
    }
    throw new Error('A hundred guesses were looked at.')
  }

  it('end after a while with 429, which says when to come again and keeps out nobody who has proved itself', async () => {
    const its = await startConsole()
    try {
      expect((await its.get('/v1/orders')).status).to.equal(200)
      const { guess, answer } = await guessesUntilRefused(its, (number) => ({ 'X-Forwarded-For': `10.0.0.${number}` }))
      expect([guess, answer.status]).to.deep.equal([30, 429])
      expect(Number(answer.headers.get('retry-after'))).to.be.within(1, 60)
      expect(await answer.json()).to.include({ code: 'RATE_LIMITED' })
      expect((await its.get('/v1/orders')).status).to.equal(200)
      expect((await its.get('/v1/orders', ['read', 'ship'])).status, 'a token that was never seen').to.equal(429)
    } finally {
      await its.close()
    }
  })

  it('are those of the address that a trusted proxy names, and no other waits', async () => {
    const its = await startConsole({}, {}, undefined, ['127.0.0.1'])
    try {
      const forwarded = (address: string) => ({ 'X-Forwarded-For': address })
      await guessesUntilRefused(its, () => forwarded('192.0.2.7'))
      const authorization = { Authorization: `Bearer ${await its.keyWith(['read', 'ship'])}` }
      const from = async (address: string) =>
        (await fetch(`${its.http.url}/v1/orders`, { headers: { ...authorization, ...forwarded(address) } })).status
      expect(await from('192.0.2.7')).to.equal(429)
      expect(await from('192.0.2.8, 192.0.2.7')).to.equal(429)
      expect(await from('192.0.2.8')).to.equal(200)
    } finally {
      await its.close()
    }
  })
})

describe('Logins by an OpenID Connect issuer', () => {
  let its: ConsoleUnderTest
  let server: Server
  let issuer: string
  let keys: { privateKey: CryptoKey; publicKey: CryptoKey }
  let published: JWK[]
  let isAway = false
  before(async () => {
    keys = await generateKeyPair('ES256')
    published = [{ ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'ES256' }]
    server = createServer((request, response) => {
      if (isAway) return void response.writeHead(500).end()
      const document = { issuer, jwks_uri: `${issuer}/keys` }
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(request.url === '/keys' ? { keys: published } : document))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    its = await startConsole({ issuer: { issuer, audience: 'tributary' } })
  })
  after(async () => {
    await its.close()
    server.close()
    server.closeAllConnections()
  })

  type Claims = { iss?: string; aud?: string; exp?: number; nbf?: number; scope?: string; key?: CryptoKey; kid?: string }
  const now = () => Math.floor(Date.now() / 1000)
  const token = ({ key = keys.privateKey, kid = 'one', ...claims }: Claims = {}) =>
    new SignJWT({ sub: 'ann', iss: issuer, aud: 'tributary', exp: now() + 300, scope: 'openid tributary:read', ...claims })
      .setProtectedHeader({ alg: 'ES256', kid })
      .sign(key)
  const get = (bearer: string, path = '/v1/orders') =>
    fetch(`${its.http.url}${path}`, { headers: { Authorization: `Bearer ${bearer}` } })
  const codeFor = async (bearer: string, path?: string) => ((await (await get(bearer, path)).json()) as { code: string }).code

  it('cannot be checked while the issuer is away, and that is not the caller’s fault', async () => {
    isAway = true
    const answer = await get(await token())
    isAway = false
    expect(answer.status).to.equal(503)
    expect(await answer.json()).to.have.property('code', 'ISSUER_UNAVAILABLE')
  })

  it('may do what their scopes say', async () => {
    expect((await get(await token())).status).to.equal(200)
    expect(await codeFor(await token({ scope: 'read' }))).to.equal('SCOPE_MISSING')
    expect(await codeFor(await token({ scope: 'tributary:ship' }))).to.equal('SCOPE_MISSING')
  })

  it('are refused when the token is for others, from others, too old, too new, or signed by others', async () => {
    const stranger = await generateKeyPair('ES256')
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${(await token()).split('.')[1]}.AA`
    const secret = await new SignJWT({ sub: 'ann', iss: issuer, aud: 'tributary', exp: now() + 300, scope: 'tributary:read' })
      .setProtectedHeader({ alg: 'HS256', kid: 'one' })
      .sign(new TextEncoder().encode(JSON.stringify(published[0])))
    for (const [what, bearer] of Object.entries({
      audience: await token({ aud: 'other' }),
      issuer: await token({ iss: 'http://other.example' }),
      'not yet': await token({ nbf: now() + 300 }),
      key: await token({ key: stranger.privateKey }),
      'unknown key': await token({ key: stranger.privateKey, kid: 'two' }),
      ...{ none, secret },
      tampered: `${(await token()).slice(0, -4)}AAAA`,
    }))
      expect(await codeFor(bearer), what).to.equal('TOKEN_INVALID')
    expect(await codeFor(await token({ exp: now() - 31 }))).to.equal('TOKEN_EXPIRED')
    expect((await get(await token({ exp: now() - 5 }))).status, 'clocks differ a little').to.equal(200)
  })
})
