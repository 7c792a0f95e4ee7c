import type { EventOf } from '@tributary/events'
import { expect } from 'chai'
import { type IngestUnderTest, prepareIngest } from './testing/ingest-under-test.ts'

/** A browser as far as this needs one: it keeps cookies and does not follow redirects by itself. */
function createBrowser() {
  let cookie: string | undefined
  return {
    cookie: () => cookie,
    async get(url: string) {
      const answer = await fetch(url, { redirect: 'manual', headers: cookie ? { cookie } : {} })
      const set = answer.headers.getSetCookie()[0]
      if (set) cookie = set.split(';')[0]
      const { headers, status } = answer
      return { status, headers, text: await answer.text(), location: headers.get('location') ?? '' }
    },
  }
}

describe('letting a seller consent', () => {
  let its: IngestUnderTest
  let userId: string
  before(async () => {
    its = await prepareIngest()
  })
  after(() => its.close())
  beforeEach(async () => {
    await its.reset()
    userId = its.ebay.market.addSeller({ username: 'shop <b>&"\'' }).userId
  })

  const authorizeUrl = (query: Record<string, string> = {}) =>
    `${its.server.url}/open/order/oauth/authorize/1?${new URLSearchParams({ app: String(its.appId), ...query })}`
  const authorized = async () =>
    (await its.events()).filter((event): event is EventOf<'SellerAuthorized'> => event.type === 'SellerAuthorized')

  /** Goes to eBay and decides; answers the address that eBay sends the browser back to. */
  async function decide(browser = createBrowser(), options: { accept?: boolean; query?: Record<string, string> } = {}) {
    const begun = await browser.get(authorizeUrl(options.query))
    expect(begun.status).to.equal(302)
    return { browser, back: await its.ebay.consent(begun.location, { userId, accept: options.accept ?? true }) }
  }

  const expectPage = (answer: { status: number; headers: Headers; text: string }, status: number, words: RegExp) => {
    expect(answer.status).to.equal(status)
    expect(answer.headers.get('content-type')).to.match(/^text\/html/)
    expect(answer.headers.get('content-security-policy')).to.match(
      /default-src 'none'; style-src 'sha256-[^']+'; frame-ancestors 'none'/,
    )
    expect(answer.text).to.match(words)
  }

  it('keeps the grant, its token sealed, and says so on a page', async () => {
    const { browser, back } = await decide(createBrowser(), { query: { spi: 'warehouse,billing', locale: 'de-DE' } })
    expectPage(await browser.get(back), 200, /The shop is connected/)
    const [event, ...others] = await authorized()
    expect(others).to.deep.equal([])
    expect(event?.data).to.include({ channel: 1, sellerId: userId, appId: its.appId })
    expect(event?.data.spiServerCodes).to.deep.equal(['warehouse', 'billing'])
    const [token] = [...its.ebay.market.grants.keys()]
    const [opened] = await its.vault.open([
      { subject: event?.data.subject ?? '', eventId: event?.id ?? '', jwe: event?.data.sealed ?? '' },
    ])
    expect(opened).to.deep.equal({ kind: 'opened', plaintext: token })
  })

  it('sends the browser to eBay with a state, and keeps only its hash', async () => {
    const begun = await createBrowser().get(authorizeUrl({ locale: 'de-DE' }))
    const url = new URL(begun.location)
    const state = url.searchParams.get('state') ?? ''
    expect(Buffer.from(state, 'base64url')).to.have.length(32)
    expect(url.searchParams.get('locale')).to.equal('de-DE')
    const rows = JSON.stringify(await its.database.query('SELECT *, HEX(state_hash) AS hash FROM tributary_oauth_state'))
    expect(rows).not.to.contain(state).and.not.to.contain(Buffer.from(state, 'base64url').toString('hex').toUpperCase())
    expect(begun.headers.getSetCookie()[0]).to.match(
      /^tributary_browser=[\w-]{43}; Max-Age=600; Path=\/open\/order\/oauth; .*HttpOnly; SameSite=Lax$/,
    )
  })

  it('leaves the receivers of a seller as they are when the link names none', async () => {
    const { browser, back } = await decide()
    await browser.get(back)
    expect((await authorized())[0]?.data.spiServerCodes).to.equal(null)
  })

  it('writes what eBay calls the seller as text, never as markup', async () => {
    const { browser, back } = await decide()
    const page = await browser.get(back)
    expect(page.text).to.contain('shop &lt;b&gt;&amp;&quot;&#39;').and.not.to.contain('<b>')
  })

  it('uses nothing up for whoever only looks whether the address is there', async () => {
    const { browser, back } = await decide()
    const looked = await fetch(back, { method: 'HEAD', headers: { cookie: browser.cookie() ?? '' } })
    expect([looked.status, looked.headers.get('allow')]).to.deep.equal([405, 'GET'])
    expectPage(await browser.get(back), 200, /The shop is connected/)
  })

  it('lets two tabs of one browser consent side by side', async () => {
    const browser = createBrowser()
    const first = await decide(browser)
    const second = await decide(browser)
    expect((await browser.get(first.back)).status).to.equal(200)
    expect((await browser.get(second.back)).status).to.equal(200)
    expect(await authorized()).to.have.length(2)
  })

  it('writes no code, state or token anywhere but where it belongs', async () => {
    const { browser, back } = await decide()
    const query = new URL(back).searchParams
    const page = await browser.get(back)
    const used = await browser.get(back)
    const [token] = [...its.ebay.market.grants.keys()]
    for (const secret of [query.get('code'), query.get('state'), token]) {
      expect(secret).to.be.a('string').with.length.greaterThan(20)
      expect(its.lines.join('')).not.to.contain(secret)
      expect(page.text + used.text).not.to.contain(secret)
      expect(JSON.stringify(await its.events())).not.to.contain(secret)
    }
  })

  describe('refuses with a page that a person understands', () => {
    it('an app that is not there, and receivers that are not there', async () => {
      const { get } = createBrowser()
      for (const app of ['', '999', `${its.appId}x`, '0x1', `0${its.appId}`]) {
        expectPage(await get(`${its.server.url}/open/order/oauth/authorize/1?app=${app}`), 400, /names no app/)
      }
      expectPage(await get(`${its.server.url}/open/order/oauth/authorize/1`), 400, /names no app/)
      for (const spi of ['unknown', 'warehouse,unknown', ',', 'warehouse,', 'WAREHOUSE ', 'x'.repeat(300)]) {
        expectPage(await get(authorizeUrl({ spi })), 400, /This link names/)
      }
      expect(await its.database.query('SELECT * FROM tributary_oauth_state')).to.deep.equal([])
    })

    it('a state that is wrong, missing or doubled', async () => {
      const { browser, back } = await decide()
      const url = new URL(back)
      const wrong = ['x', '', 'A'.repeat(43), `${url.searchParams.get('state')}x`]
      for (const state of wrong) {
        url.searchParams.set('state', state)
        expectPage(await browser.get(url.href), 400, /cannot be used/)
      }
      url.searchParams.delete('state')
      expectPage(await browser.get(url.href), 400, /not one of ours/)
      const state = new URL(back).searchParams.get('state')
      expectPage(await browser.get(`${back}&state=${state}`), 400, /not one of ours/)
      await expectNoExchange()
      expectPage(await browser.get(back), 200, /connected/)
    })

    it('a state that was used', async () => {
      const { browser, back } = await decide()
      await browser.get(back)
      expectPage(await browser.get(back), 400, /was used already/)
      expect(await authorized()).to.have.length(1)
    })

    it('all but one of many requests with the same state at the same moment', async () => {
      const { browser, back } = await decide()
      const answers = await Promise.all(Array.from({ length: 10 }, () => browser.get(back)))
      expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, ...Array<number>(9).fill(400)])
      expect(await authorized()).to.have.length(1)
      expect(its.ebay.requests.filter(({ operation }) => operation === 'token')).to.have.length(1)
    })

    it('a state that has expired', async () => {
      const { browser, back } = await decide()
      await its.database.query('UPDATE tributary_oauth_state SET expires_time = ?', [Date.now() - 1])
      const page = await browser.get(back)
      expectPage(page, 400, /longer than ten minutes/)
      expect(page.text).to.contain(`/open/order/oauth/authorize/1?app=${its.appId}`)
      await expectNoExchange()
    })

    it('a state that was begun in another browser, without using it up', async () => {
      const { browser, back } = await decide()
      const other = createBrowser()
      expectPage(await other.get(back), 400, /another browser/)
      await other.get(authorizeUrl())
      expectPage(await other.get(back), 400, /another browser/)
      await expectNoExchange()
      expectPage(await browser.get(back), 200, /connected/)
    })

    const expectNoExchange = async () => {
      expect(its.ebay.requests.filter(({ operation }) => operation === 'token')).to.deep.equal([])
      expect(await its.events()).to.deep.equal([])
    }

    it('a way back without a code', async () => {
      const { browser, back } = await decide()
      const url = new URL(back)
      url.searchParams.delete('code')
      expectPage(await browser.get(url.href), 400, /without a consent/)
      await expectNoExchange()
    })

    it('a code that eBay does not take', async () => {
      const { browser, back } = await decide()
      const url = new URL(back)
      url.searchParams.set('code', 'v^1.1#wrong')
      expectPage(await browser.get(url.href), 400, /no longer accepts/)
      expect(await its.events()).to.deep.equal([])
    })
  })

  it('answers a declined consent in a friendly way, and uses the state up', async () => {
    const { browser, back } = await decide(createBrowser(), { accept: false, query: { spi: 'warehouse' } })
    const page = await browser.get(back)
    expectPage(page, 200, /You did not agree/)
    expect(page.text).to.contain(`/open/order/oauth/authorize/1?app=${its.appId}&amp;spi=warehouse`)
    const state = new URL(back).searchParams.get('state')
    const [row] = await its.database.query<{ used_time: number }[]>('SELECT used_time FROM tributary_oauth_state')
    expect(row?.used_time).to.be.greaterThan(0)
    expect((await browser.get(`${back.split('?')[0]}?code=x&state=${state}`)).status).to.equal(400)
    expectPage(await createBrowser().get(`${back.split('?')[0]}?error=access_denied`), 200, /You did not agree/)
    expect(await its.events()).to.deep.equal([])
  })

  it('asks to try again while eBay is down, and a new try works', async () => {
    const { browser, back } = await decide()
    its.ebay.fail({ operation: 'token', kind: 'status', status: 503, times: 9 })
    const page = await browser.get(back)
    expectPage(page, 503, /does not answer at the moment.*Try again/)
    its.ebay.heal()
    const again = await decide(browser)
    expectPage(await browser.get(again.back), 200, /connected/)
  })

  it('asks to try again while the log is away', async () => {
    const { browser, back } = await decide()
    await its.log.close()
    expectPage(await browser.get(back), 503, /could not be kept/)
    expect(await its.events()).to.deep.equal([])
  })

  it('asks to try again while the database is away, at both ends', async () => {
    const { browser, back } = await decide()
    its.relay.cut()
    expectPage(await browser.get(authorizeUrl()), 503, /try again/)
    expectPage(await browser.get(back), 503, /try again/)
  })

  it('begins for no channel that is not there', async () => {
    for (const path of ['authorize', 'callback']) {
      expect((await fetch(`${its.server.url}/open/order/oauth/${path}/2?app=1&code=x&state=y`)).status).to.equal(404)
    }
  })

  it('marks the cookie secure where the gateway is https', async () => {
    const answer = await createBrowser().get(authorizeUrl())
    expect(answer.headers.getSetCookie()[0]).not.to.contain('Secure')
    await its.restart({ ebay: { ...its.ebay.urls, notificationEndpoint: its.challenge.endpoint } })
    expect((await createBrowser().get(authorizeUrl())).headers.getSetCookie()[0]).to.contain('Secure')
  })
})
