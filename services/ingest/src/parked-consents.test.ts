import { createTiktok } from '@tributary/channels/tiktok'
import { addApp, listApps } from '@tributary/database'
import { createRowIds } from '@tributary/events'
import { until } from '@tributary/test/servers'
import { createTiktokMarketplace, type TiktokSimulator } from '@tributary/test/simulators/tiktok'
import { expect } from 'chai'
import { confirmParkedConsent, discardParkedConsent, listParkedConsents } from './oauth/parked-consents.ts'
import { ofType, single } from './testing/events.ts'
import { type IngestUnderTest, prepareIngest } from './testing/ingest-under-test.ts'

describe('a consent that comes back without a state', () => {
  let its: IngestUnderTest
  let tiktok: TiktokSimulator
  let sellerId: string
  before(async () => {
    its = await prepareIngest()
  })
  after(() => its.close())
  beforeEach(async () => {
    await its.reset()
    tiktok = await createTiktokMarketplace({ seed: 7 })
    sellerId = tiktok.addSeller().sellerId
    const channel = createTiktok({
      urls: tiktok.urls,
      apps: () => listApps(its.database, 2),
      budget: { take: async () => {} },
      timeout: 5_000,
    })
    await its.restart({}, [channel])
    tiktok.connect(its.server.url)
    await addApp(its.database, { channel: 2, name: 'shop', ...tiktok.app, scopes: [...tiktok.app.scopes] })
  })
  afterEach(() => tiktok.close())

  /** The address that TikTok's store sends the seller's browser to: that of the consent page, less the state. */
  async function comesBack(change: (query: URLSearchParams) => void = () => {}): Promise<Response> {
    const url = new URL(
      await tiktok.consent(`${tiktok.urls.authorizeUrl}?service_id=${tiktok.app.developerId}&state=x`, sellerId),
    )
    url.searchParams.delete('state')
    change(url.searchParams)
    return await fetch(url)
  }
  const authorized = async () => ofType(await its.events(), 'SellerAuthorized')
  const context = () => ({ database: its.database, vault: its.vault, log: its.log, rowIds: createRowIds({ worker: 3 }) })

  it('waits, sealed, and counts once an operator has confirmed it', async () => {
    const page = await comesBack()
    expect(page.status).to.equal(202)
    expect(await page.text()).to.contain('almost connected')
    expect(await authorized()).to.deep.equal([])
    const [consent, ...others] = await listParkedConsents(context())
    expect(others).to.deep.equal([])
    expect(consent?.sellers.map((seller) => seller.sellerId)).to.deep.equal([sellerId])
    expect((await its.ingest.health()).reason).to.contain('1 consents wait for an operator')
    const rows = await its.database.query('SELECT * FROM tributary_setting')
    expect(JSON.stringify(rows)).not.to.contain(sellerId)

    const id = consent?.id ?? ''
    expect(await confirmParkedConsent(context(), id, ['warehouse'])).to.deep.equal(consent)
    expect(single(await authorized()).data).to.include({ channel: 2, sellerId })
    expect(single(await authorized()).data.spiServerCodes).to.deep.equal(['warehouse'])
    expect(await confirmParkedConsent(context(), id, null)).to.equal(undefined)
    expect(await listParkedConsents(context())).to.deep.equal([])
    expect((await its.ingest.health()).status).to.equal('ok')
  })

  it('counts from its confirmation on: what the grant before it met while it waited is older', async () => {
    await comesBack()
    const [consent] = await listParkedConsents(context())
    await until('time has passed', () => Date.now() > (consent?.time ?? Number.POSITIVE_INFINITY))
    const endOfTheOther = Date.now()
    await confirmParkedConsent(context(), consent?.id ?? '', null)
    expect(single(await authorized()).data.authorizedTime).to.be.at.least(endOfTheOther)
  })

  it('waits three times at most for the same shop, and then says that too many wait', async () => {
    for (let come = 0; come < 3; come += 1) expect((await comesBack()).status).to.equal(202)
    const fourth = await comesBack()
    expect(fourth.status).to.equal(503)
    expect(await fourth.text()).to.contain('too many others')
    expect(await listParkedConsents(context())).to.have.length(3)
  })

  it('can be forgotten', async () => {
    await comesBack()
    const [consent] = await listParkedConsents(context())
    expect(await discardParkedConsent(context(), consent?.id ?? '')).to.equal(true)
    expect(await discardParkedConsent(context(), consent?.id ?? '')).to.equal(false)
    expect(await authorized()).to.deep.equal([])
  })

  it('is nothing when the code is not one of the marketplace, when a state is wrong, or when another app is meant', async () => {
    expect((await comesBack((query) => query.set('code', 'made-up'))).status).to.equal(400)
    expect((await comesBack((query) => query.set('state', 'made-up'))).status).to.equal(400)
    expect((await comesBack((query) => query.set('code', 'null'))).status).to.equal(400)
    await addApp(its.database, { channel: 2, name: 'other', ...tiktok.app, clientId: 'other', scopes: [] })
    expect((await comesBack((query) => query.delete('app_key'))).status, 'two apps, none named').to.equal(400)
    expect(await listParkedConsents(context())).to.deep.equal([])
  })

  it('costs the marketplace ten calls a minute at most, whoever comes', async () => {
    const statuses = []
    for (let come = 0; come < 12; come++) statuses.push((await comesBack((query) => query.set('code', `c${come}`))).status)
    expect(tiktok.calls.filter((call) => call === 'token')).to.have.length(10)
    expect(new Set(statuses)).to.deep.equal(new Set([400]))
  })
})
