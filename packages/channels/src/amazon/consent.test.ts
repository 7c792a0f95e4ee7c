import { expect } from 'chai'
import { failureOf } from '../testing/failure-of.ts'
import { createStage, type Stage } from './testing/stage.ts'

describe('A consent at Amazon', () => {
  let stage: Stage
  beforeEach(async () => {
    stage = await createStage()
  })
  afterEach(() => stage.simulator.close())

  const exchange = (query: URLSearchParams, amazon = stage.amazon) =>
    amazon.exchangeCode(stage.app, { code: query.get(amazon.codeParameter ?? '') ?? '', query }, stage.signal)
  const consent = async (url: string, sellerId = stage.sellerId) =>
    new URL(await stage.simulator.consent(url, sellerId)).searchParams
  const published = () => stage.other({ urls: { tokenUrl: '', apiUrls: {} } })

  it('begins at the page of the seller, by its country, and of a draft when the app is one', () => {
    const page = (locale?: string, amazon = published()) =>
      new URL(amazon.authorizeUrl(stage.app, { state: 's', ...(locale === undefined ? {} : { locale }) }))
    const table = [
      ['de-DE', 'sellercentral-europe.amazon.com'],
      ['ar-AE', 'sellercentral-europe.amazon.com'],
      ['en-US', 'sellercentral.amazon.com'],
      ['ja-JP', 'sellercentral.amazon.co.jp'],
      ['xx-XX', 'sellercentral.amazon.com'],
      [undefined, 'sellercentral.amazon.com'],
    ] as const
    for (const [locale, host] of table) expect(page(locale).hostname, locale).to.equal(host)
    expect(Object.fromEntries(page('de-DE').searchParams)).to.deep.equal({
      application_id: stage.app.developerId,
      state: 's',
    })
    expect(page('de-DE', stage.other({ draft: true })).searchParams.get('version')).to.equal('beta')
  })

  it('becomes a grant of the seller that comes back, in the region that answers for it, for a year', async () => {
    for (const region of ['na', 'eu', 'fe']) {
      const { sellerId } = stage.simulator.market.addAccount(region)
      const query = await consent(stage.amazon.authorizeUrl(stage.app, { state: 's' }), sellerId)
      const [grant, ...others] = await exchange(query)
      expect(others).to.deep.equal([])
      expect(grant).to.include({ sellerId, sellerName: sellerId, region, refreshTokenExpiresIn: 365 * 86_400 })
      expect(grant?.refreshTokenExpiresTime).to.be.closeTo(Date.now() + 365 * 86_400_000, 5_000)
      expect(grant?.access.expiresTime).to.be.closeTo(Date.now() + 3_600_000, 5_000)
      expect(Buffer.byteLength(grant?.refreshToken ?? '')).to.equal(2_048)
      expect(await failureOf(exchange(query))).to.include({ code: 'CHANNEL_GRANT_REVOKED', remedy: 'reauthorize' })
    }
  })

  it('that began in the appstore goes back there with our state, and ends as any other', async () => {
    const query = stage.simulator.appstoreQuery(stage.sellerId)
    const url = stage.amazon.authorizeUrl(stage.app, { state: 'ours', query })
    expect(new URL(url).searchParams.get('amazon_state')).to.equal(query.get('amazon_state'))
    const back = await consent(url)
    expect(back.get('state')).to.equal('ours')
    expect((await exchange(back)).map(({ sellerId }) => sellerId)).to.deep.equal([stage.sellerId])
  })

  it('is not sent to an address that is none of Amazon, with our state in it', () => {
    const go = (callback: string, state = 'x') =>
      stage.amazon.authorizeUrl(stage.app, {
        state: 'ours',
        query: new URLSearchParams({ amazon_callback_uri: callback, amazon_state: state }),
      })
    for (const good of [
      'https://amazon.com/apps/authorize/confirm/a',
      'https://sellercentral.amazon.co.jp/apps/authorize/confirm/a',
    ])
      expect(go(good)).to.include(`${good}?`)
    expect(new URL(go('https://amazon.com/apps/authorize/confirm/a')).searchParams.get('redirect_uri')).to.equal(
      stage.app.redirectUri,
    )
    for (const bad of [
      'https://amazon.com.evil.example/apps/authorize/confirm/a',
      'https://evilamazon.com/apps/authorize/confirm/a',
      'https://evil.example/apps/authorize/confirm/a?.amazon.com',
      'https://amazon.com@evil.example/apps/authorize/confirm/a',
      'https://amazon.com:444/apps/authorize/confirm/a',
      'http://amazon.com/apps/authorize/confirm/a',
      'https://amazon.com/elsewhere',
      'javascript:alert(1)',
      'nonsense',
    ])
      expect(() => go(bad), bad)
        .to.throw()
        .with.property('code', 'CHANNEL_REQUEST_REFUSED')
    expect(() => go('https://amazon.com/apps/authorize/confirm/a', '')).to.throw()
  })

  it('without a seller, or with an app that Amazon does not know, is none', async () => {
    const query = await consent(stage.amazon.authorizeUrl(stage.app, { state: 's' }))
    const nobody = new URLSearchParams(query)
    nobody.delete('selling_partner_id')
    expect(await failureOf(exchange(nobody))).to.include({ code: 'CHANNEL_REQUEST_REFUSED' })
    stage.app.clientSecret = 'another'
    expect(await failureOf(exchange(query))).to.include({ code: 'CHANNEL_APP_REFUSED', remedy: 'person' })
  })

  it('says that a role is missing where no region answers, and to try again where one could not be asked', async () => {
    const authorize = async () => await consent(stage.amazon.authorizeUrl(stage.app, { state: 's' }))
    stage.simulator.fail({ operation: 'search', kind: 'code', code: 'Unauthorized', status: 403, message: 'denied', times: 3 })
    expect(await failureOf(exchange(await authorize()))).to.include({ code: 'CHANNEL_SCOPE_MISSING', remedy: 'person' })
    stage.simulator.fail({ operation: 'search', kind: 'status', status: 503, times: 3 })
    expect(await failureOf(exchange(await authorize()))).to.include({ code: 'CHANNEL_UNAVAILABLE', retriable: true })
  })

  it('is refreshed to another access token, and keeps or replaces the refresh token as Amazon does', async () => {
    const token = stage.simulator.market.issueRefreshToken(stage.sellerId)
    expect(await stage.amazon.refresh(stage.app, token, stage.signal)).not.to.have.property('rotated')
    stage.simulator.rotates = true
    const { rotated } = await stage.amazon.refresh(stage.app, token, stage.signal)
    expect(rotated?.refreshToken)
      .to.match(/^Atzr\|/)
      .and.not.equal(token)
    expect(stage.amazon.deadlineStays).to.equal(true)
  })

  it('classes what Login with Amazon answers by what helps', async () => {
    const token = stage.simulator.market.issueRefreshToken(stage.sellerId)
    const table = [
      [{ kind: 'code', code: 'invalid_grant' }, 'CHANNEL_GRANT_REVOKED', 'reauthorize'],
      [{ kind: 'code', code: 'invalid_client', status: 401 }, 'CHANNEL_APP_REFUSED', 'person'],
      [{ kind: 'code', code: 'unauthorized_client' }, 'CHANNEL_APP_REFUSED', 'person'],
      [{ kind: 'code', code: 'server_error', status: 500 }, 'CHANNEL_UNAVAILABLE', 'retry'],
      [{ kind: 'status', status: 429 }, 'CHANNEL_RATE_LIMITED', 'retry'],
      [{ kind: 'status', status: 503 }, 'CHANNEL_UNAVAILABLE', 'retry'],
      [{ kind: 'code', code: 'unsupported_grant_type' }, 'CHANNEL_REQUEST_REFUSED', 'bug'],
      [{ kind: 'half' }, 'CHANNEL_UNAVAILABLE', 'retry'],
    ] as const
    for (const [fault, code, remedy] of table) {
      stage.simulator.fail({ operation: 'token', ...fault })
      const failure = await failureOf(stage.amazon.refresh(stage.app, token, stage.signal))
      expect(failure, JSON.stringify(fault)).to.include({ code, remedy })
    }
  })
})
