import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type App, type Channel, ChannelError, consentTokenName, consentTokenText, type Session } from '@tributary/channels'
import { createEbay } from '@tributary/channels/ebay'
import { findSeller, listApps, openDatabase, processIdentity } from '@tributary/database'
import { openEventLog } from '@tributary/event-log'
import { createLogger } from '@tributary/runtime'
import { startRelay, until } from '@tributary/test/servers'
import { openSettings, openVault } from '@tributary/vault'
import { expect } from 'chai'
import { createAccessTokens } from './access-tokens.ts'
import { shownGrantId } from './grants.ts'
import { PACE } from './pace.ts'
import { EBAY, type OrderSyncUnderTest, startUnderTest } from './testing/order-sync-under-test.ts'
import { secretName } from './token-refresh.ts'

const never = new AbortController().signal

describe('access tokens of sellers', () => {
  let its: OrderSyncUnderTest
  let seller: string
  let app: App
  let refreshes: number
  const closers: (() => Promise<unknown>)[] = []
  before(async () => {
    its = await startUnderTest()
    const [found] = await listApps(its.database, EBAY)
    if (!found) throw new Error('no app')
    app = found
  })
  beforeEach(async () => {
    seller = await its.addSeller()
    refreshes = its.ebay.count('token')
  })
  afterEach(async () => {
    its.ebay.heal()
    await Promise.all(closers.splice(0).map((close) => close()))
  })
  after(() => its.close())

  const channelOf = (urls = its.ebay.urls): Channel =>
    createEbay({ urls, app: async () => app, budget: { take: async () => {} }, timeout: 30_000 })
  /** Tokens as another process has them, with its own connections. */
  const process = (channel = channelOf(), log = its.log, sellerId = seller, databaseUrl = its.surroundings.databaseUrl) => {
    const database = openDatabase(databaseUrl)
    closers.push(() => database.close())
    const logger = createLogger({ level: 'silent', format: 'json' })
    const pace = { ...PACE, retry: { first: 3_600_000, most: 3_600_000 } }
    const tokens = createAccessTokens({ database, log, vault: its.vault, logger }, pace)
    const name = { channel: EBAY, sellerId }
    return {
      session: tokens.session(channel, app, { ...name, region: '' }),
      verify: () => tokens.verify(channel, app, name, never),
    }
  }
  const asked = () => its.ebay.count('token') - refreshes
  const askAtOnce = (sessions: readonly Session[], times: number) =>
    Promise.allSettled(Array.from({ length: times }, () => sessions.map((session) => session.token(never))).flat())
  const age = (columns: string) =>
    its.database.query(`UPDATE tributary_access_token SET ${columns} WHERE seller_id = ?`, [seller])
  const endBackOff = () => age(`claimed_until = ${Date.now()}`)
  const codeOf = (outcome: PromiseSettledResult<string>) =>
    outcome.status === 'rejected' && outcome.reason instanceof ChannelError ? outcome.reason.code : 'none'
  const ends = async () => (await its.events('SellerDeauthorized')).filter(({ data }) => data.sellerId === seller)

  it('are fetched once for all who need one, in whatever process', async () => {
    const outcomes = await askAtOnce([process().session, process().session], 10)
    expect(asked()).to.equal(1)
    expect(new Set(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason))).size).to.equal(
      1,
    )
  })

  it('are that of the consent where there is no other, until it is refused, and never to find out whether the consent stands', async () => {
    const row = await findSeller(its.database, EBAY, seller)
    if (!row) throw new Error('no seller')
    const settings = openSettings(its)
    const keep = () =>
      settings.put(consentTokenName(shownGrantId(row)), {
        value: consentTokenText({ token: 'the-only-one', expiresTime: Date.now() + 3_600_000 }),
        time: Date.now(),
      })
    await keep()
    const { session, verify } = process()
    expect(await session.token(never)).to.equal('the-only-one')
    expect(await process().session.token(never)).to.equal('the-only-one')
    expect(asked()).to.equal(0)
    expect(await settings.names('consent-token/')).to.deep.equal([])
    await session.rejected('the-only-one')
    expect(await session.token(never)).not.to.equal('the-only-one')
    expect(asked()).to.equal(1)
    await keep()
    expect(await verify()).to.equal('stands')
    expect(asked()).to.equal(2)
  })

  it('stand in the database sealed only', async () => {
    const token = await process().session.token(never)
    expect(JSON.stringify(await its.database.query('SELECT * FROM tributary_access_token'))).not.to.contain(token.slice(0, 40))
  })

  it('are fetched anew when their master key has been rotated away', async () => {
    const { session } = process()
    const old = await session.token(never)
    const ours = Buffer.from(its.surroundings.masterKey, 'hex')
    const before = await openVault({ database: its.database, masterKeys: [randomBytes(32), ours] })
    const sealed = before.sealSecret(secretName({ channel: EBAY, sellerId: seller }), old)
    await its.database.query('UPDATE tributary_access_token SET sealed = ? WHERE seller_id = ?', [sealed, seller])
    const fresh = await session.token(never)
    expect(fresh).not.to.equal(old)
    expect(asked()).to.equal(2)
  })

  it('are replaced at four fifths of their life, while the old one goes on being used', async () => {
    const [one, other] = [process().session, process().session]
    const old = await one.token(never)
    const [row] = await its.database.query<{ life: number }[]>(
      'SELECT expires_time - refresh_time AS life FROM tributary_access_token WHERE seller_id = ?',
      [seller],
    )
    expect(row?.life).to.be.closeTo(7_200_000 / 5, 5_000)
    await age('refresh_time = 1')
    const compared = Promise.withResolvers<void>()
    its.ebay.fail({ operation: 'token', kind: 'late', until: () => compared.promise })
    const next = one.token(never)
    await until('the next one is being fetched', () => asked() === 2)
    expect(await other.token(never)).to.equal(old)
    compared.resolve()
    expect(await next).not.to.equal(old)
    expect(asked()).to.equal(2)
  })

  it('are used to their end when the next one cannot be had', async () => {
    const { session } = process()
    const old = await session.token(never)
    await age('refresh_time = 1')
    its.ebay.fail({ operation: 'token', kind: 'status', status: 503, times: 5 })
    expect(await session.token(never)).to.equal(old)
    expect(await session.token(never)).to.equal(old)
    expect(asked()).to.equal(2)
    await age('expires_time = 1')
    expect(codeOf((await askAtOnce([session], 1))[0] ?? { status: 'fulfilled', value: '' })).to.equal('CHANNEL_UNAVAILABLE')
  })

  it('are given up one by one: a late complaint about the last one leaves the next one alone', async () => {
    const { session } = process()
    const old = await session.token(never)
    await session.rejected(old)
    const next = await session.token(never)
    expect(next).not.to.equal(old)
    await session.rejected(old)
    expect(await session.token(never)).to.equal(next)
    expect(asked()).to.equal(2)
  })

  it('fail for all who wait when they fail for the one who fetches, and are not asked for again at once', async () => {
    its.ebay.fail({ operation: 'token', kind: 'status', status: 503 })
    const outcomes = await askAtOnce([process().session, process().session], 5)
    expect(new Set(outcomes.map(codeOf))).to.deep.equal(new Set(['CHANNEL_UNAVAILABLE']))
    expect(asked()).to.equal(1)
    const { session } = process()
    await endBackOff()
    expect(await session.token(never)).to.be.a('string')
    expect(asked()).to.equal(2)
  })

  it('end for good with the grant: said once, not asked for again, and had again after a new consent', async () => {
    its.ebay.market.revoke(seller)
    const sessions = [process().session, process().session]
    const outcomes = await askAtOnce(sessions, 5)
    expect(new Set(outcomes.map(codeOf))).to.deep.equal(new Set(['CHANNEL_GRANT_REVOKED']))
    await askAtOnce(sessions, 2)
    expect(asked()).to.equal(1)
    expect((await ends()).map(({ data }) => data.reason)).to.deep.equal(['refused'])
    await (await its.consent(seller)).show()
    await Promise.all(sessions.map((session) => session.token(never)))
    expect(asked()).to.equal(2)
  })

  it('say that a grant ran out when its time was over', async () => {
    its.ebay.market.revoke(seller)
    await its.database.query('UPDATE eg_order_app_seller SET refresh_token_expires_time = 5 WHERE seller_id = ?', [seller])
    await askAtOnce([process().session], 1)
    expect((await ends()).map(({ data }) => data.reason)).to.deep.equal(['expired'])
  })

  it('do not end a grant that was given anew while the old one was being refused', async () => {
    its.ebay.market.revoke(seller)
    const shown = Promise.withResolvers<void>()
    its.ebay.fail({ operation: 'token', kind: 'late', until: () => shown.promise })
    const { session } = process()
    const token = session.token(never)
    await until('the old grant is being tried', () => asked() === 1)
    await (await its.consent(seller)).show()
    shown.resolve()
    expect(await token).to.be.a('string')
    expect(await ends()).to.have.length(0)
    expect(asked()).to.equal(2)
  })

  it('say of which grant an end is, because a consent given before may not be shown yet', async () => {
    const consents = async () => (await its.events('SellerAuthorized')).filter(({ data }) => data.sellerId === seller)
    its.ebay.market.revoke(seller)
    await its.consent(seller)
    await askAtOnce([process().session], 1)
    const [shown, unseen] = await consents()
    const [end] = await ends()
    expect(end?.data.deauthorizedTime).to.be.at.least(unseen?.data.authorizedTime ?? Number.NaN)
    expect(end?.data.authorizedTime).to.equal(shown?.data.authorizedTime)
  })

  it('are fetched by the next one at once when whoever was fetching is dead', async () => {
    const [host, place, pid, , id] = processIdentity().split('/')
    await process().session.token(never)
    await age(`expires_time = 0, refresh_time = 0, claimed_until = ${Date.now() + 60_000}`)
    await its.database.query('UPDATE tributary_access_token SET claimed_by = ? WHERE seller_id = ?', [
      [host, place, pid, 'another', id].join('/'),
      seller,
    ])
    await process().session.token(never)
    expect(asked()).to.equal(2)
  })

  it('keep nobody waiting for a refresh whose claim, or the end of it, was done without an answer', async () => {
    const relay = await startRelay(its.surroundings.databaseUrl)
    closers.push(relay.close)
    const { session } = process(channelOf(), its.log, seller, relay.url)
    for (const statement of ['SET claimed_by = ?', 'SET claimed_by = NULL']) {
      const lost = relay.loseAnswerTo(`UPDATE tributary_access_token ${statement.replace('?', "'")}`)
      await age('expires_time = 0, refresh_time = 0, claimed_until = 0')
      expect((await askAtOnce([session], 1))[0]?.status).to.equal('rejected')
      await lost
      // A claim lasts for half a minute.
      expect(await session.token(AbortSignal.timeout(10_000))).to.be.a('string')
    }
  })

  it('show whether a grant stands, only by asking', async () => {
    const { session, verify } = process()
    await session.token(never)
    expect(await verify()).to.equal('stands')
    expect(asked()).to.equal(2)
    its.ebay.market.revoke(seller)
    expect(await verify()).to.equal('ended')
    expect((await ends()).map(({ data }) => data.reason)).to.deep.equal(['revoked'])
  })

  describe('of a marketplace that replaces refresh tokens', () => {
    let presented: string[]
    let rotating: Channel
    /** Whether a token that was replaced is refused. */
    let strict: boolean
    /** What an answer waits for. */
    let held: Promise<void>
    beforeEach(async () => {
      presented = []
      strict = false
      held = Promise.resolve()
      const server = createServer((request, response) => {
        let body = ''
        request.on('data', (chunk) => {
          body += chunk
        })
        request.on('end', () => {
          const token = new URLSearchParams(body).get('refresh_token') ?? ''
          if (strict && presented.includes(token)) {
            response.writeHead(400).end(JSON.stringify({ error: 'invalid_grant' }))
            return
          }
          presented.push(token)
          const given = { access_token: `access ${presented.length}`, refresh_token: `refresh ${presented.length}` }
          const answer = JSON.stringify({ ...given, expires_in: 7200, refresh_token_expires_in: 60 })
          void held.then(() => response.end(answer))
        })
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      closers.push(async () => server.close())
      rotating = channelOf({ ...its.ebay.urls, tokenUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` })
    })
    const rotations = async () => (await its.events('SellerTokenRotated')).filter(({ data }) => data.sellerId === seller)

    it('are used only when the new refresh token stands in the log, which is then the one that counts', async () => {
      const { session } = process(rotating)
      expect(await session.token(never)).to.equal('access 1')
      const [rotated] = await rotations()
      if (!rotated) throw new Error('no event')
      const { subject, sealed } = rotated.data
      const [opened] = await its.vault.open([{ subject, eventId: rotated.id, jwe: sealed ?? '' }])
      expect(opened).to.deep.equal({ kind: 'opened', plaintext: 'refresh 1' })
      // The projection does not show it yet.
      await session.rejected('access 1')
      expect(await session.token(never)).to.equal('access 2')
      expect(presented.slice(1)).to.deep.equal(['refresh 1'])
      const consents = (await its.events('SellerAuthorized')).filter(({ data }) => data.sellerId === seller)
      for (const { data } of await rotations()) expect(data.authorizedTime).to.equal(consents[0]?.data.authorizedTime)
    })

    it('leave a consent alone that is given while the token of the one before is being replaced', async () => {
      const shown = Promise.withResolvers<void>()
      held = shown.promise
      const token = process(rotating).session.token(never)
      await until('the token is being replaced', () => presented.length === 1)
      await (await its.consent(seller)).show()
      shown.resolve()
      expect(await token).to.equal('access 2')
      const [rotated] = await rotations()
      const consents = (await its.events('SellerAuthorized')).filter(({ data }) => data.sellerId === seller)
      // The later of the two is the one whose token is kept.
      expect(rotated?.data.rotatedTime).to.be.at.most(consents.at(-1)?.data.authorizedTime ?? 0)
    })

    it('keep what a later consent was replaced by, when the answer for the one before comes last', async () => {
      strict = true
      const released = Promise.withResolvers<void>()
      held = released.promise
      const late = process(rotating).session.token(never)
      await until('the first token is being replaced', () => presented.length === 1)
      held = Promise.resolve()
      await (await its.consent(seller)).show()
      // Nobody waits longer than a claim for an answer.
      await age('claimed_until = 1')
      expect(await process(rotating).session.token(never)).to.equal('access 2')
      released.resolve()
      expect(await late).to.equal('access 2')
      expect(presented).to.have.length(2)
      expect(await ends()).to.deep.equal([])
    })

    it('wait for the log when it is away, and the new refresh token is not lost', async () => {
      const away = await openEventLog({ url: its.surroundings.databaseUrl, partitions: 1 })
      await away.close()
      expect((await askAtOnce([process(rotating, away).session], 1))[0]?.status).to.equal('rejected')
      expect(await rotations()).to.have.length(0)
      const { session } = process(rotating)
      await endBackOff()
      expect(await session.token(never)).to.be.a('string')
      expect(presented.slice(1)).to.deep.equal(['refresh 1'])
      expect(await rotations()).to.have.length(2)
    })

    it('wait for the database when it breaks off, and the new refresh token is not lost', async () => {
      strict = true
      const relay = await startRelay(its.surroundings.databaseUrl)
      closers.push(relay.close)
      const { session } = process(rotating, its.log, seller, relay.url)
      const isKeeping = (chunk: Buffer) => chunk.includes('UPDATE tributary_access_token SET rotated_from')
      const kinds = ['before', 'answer', 'half'] as const
      let broken = 0
      relay.breakWhere((chunk) => {
        const kind = isKeeping(chunk) ? kinds[broken++] : undefined
        return kind && { kind }
      })
      expect(await session.token(never)).to.equal('access 1')
      expect(broken).to.equal(kinds.length + 1)
      await session.rejected('access 1')
      expect(await session.token(never)).to.equal('access 2')
      expect(presented.slice(1)).to.deep.equal(['refresh 1'])
    })

    it('end when their consent said, where no refresh moves that day', async () => {
      const [soon, late] = [Date.now() + 30_000, Date.now() + 3_600_000]
      const endOf = async (first: number, deadlineStays: boolean) => {
        const one = await its.addSeller()
        await its.database.query('UPDATE eg_order_app_seller SET refresh_token_expires_time = ? WHERE seller_id = ?', [
          first,
          one,
        ])
        await process({ ...rotating, deadlineStays }, its.log, one).session.token(never)
        const [rotated] = (await its.events('SellerTokenRotated')).filter(({ data }) => data.sellerId === one)
        return rotated?.data
      }
      // The marketplace says a minute each time.
      expect((await endOf(soon, true))?.refreshTokenExpiresTime).to.equal(soon)
      expect((await endOf(soon, true))?.refreshTokenExpiresIn).to.be.within(0, 30)
      for (const [first, stays] of [
        [soon, false],
        [late, true],
      ] as const)
        expect((await endOf(first, stays))?.refreshTokenExpiresTime).to.be.within(soon + 1, late - 1)
    })

    it('are replaced for every seller that stands behind the token, and nobody presents the old one again', async () => {
      strict = true
      const shared = { ...rotating, sharesGrants: true }
      const sellers = [
        await its.addSeller({ refreshToken: 'one for all' }),
        await its.addSeller({ refreshToken: 'one for all' }),
      ]
      const sessions = sellers.map((one) => process(shared, its.log, one).session)
      const tokens = await Promise.all(sessions.map((session) => session.token(never)))
      expect(new Set(tokens).size).to.equal(2)
      expect(presented).to.deep.equal(['one for all', 'refresh 1'])
      const ended = (await its.events('SellerDeauthorized')).filter(({ data }) => sellers.includes(data.sellerId))
      expect(ended).to.deep.equal([])
      const rotated = (await its.events('SellerTokenRotated')).map(({ data }) => data.sellerId)
      for (const one of sellers) expect(rotated.filter((id) => id === one)).to.have.length(2)
    })
  })
})
