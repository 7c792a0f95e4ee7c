import { consentTokenIn, consentTokenName } from '@tributary/channels'
import { createLazada } from '@tributary/channels/lazada'
import { addApp, listApps } from '@tributary/database'
import { createLazadaMarketplace, type LazadaSimulator } from '@tributary/test/simulators/lazada'
import { openSettings } from '@tributary/vault'
import { expect } from 'chai'
import { ofType, single } from './testing/events.ts'
import { type IngestUnderTest, prepareIngest } from './testing/ingest-under-test.ts'

describe('a consent of which nothing can be refreshed', () => {
  let its: IngestUnderTest
  let lazada: LazadaSimulator
  let appId: number
  before(async () => {
    its = await prepareIngest()
    lazada = await createLazadaMarketplace({ seed: 7 })
    const channel = createLazada({
      urls: lazada.urls,
      apps: () => listApps(its.database, 4),
      budget: { take: async () => {} },
      timeout: 5_000,
    })
    await its.restart({}, [channel])
    lazada.connect(its.server.url)
    appId = await addApp(its.database, { channel: 4, name: 'shop', ...lazada.app, scopes: [...lazada.app.scopes] })
  })
  after(async () => {
    await lazada.close()
    await its.close()
  })

  const settings = () => openSettings(its)
  /** Lets a new seller consent in a browser; answers the event of its grant. */
  async function consented() {
    const { sellerId } = lazada.addSeller()
    const begun = await fetch(`${its.server.url}/open/order/oauth/authorize/4?app=${appId}`, { redirect: 'manual' })
    const cookie = begun.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const back = await lazada.consent(begun.headers.get('location') ?? '', sellerId)
    expect((await fetch(back, { headers: { cookie } })).status).to.equal(200)
    return single(ofType(await its.events(), 'SellerAuthorized').filter(({ data }) => data.sellerId === sellerId))
  }

  it('keeps its access token, sealed and out of the log, because there is no other', async () => {
    lazada.refreshes = false
    const { id } = await consented()
    const { token, expiresTime } = consentTokenIn((await settings().get(consentTokenName(id)))?.value ?? '{}')
    expect(lazada.market.accessTokens.get(token)?.expires).to.be.closeTo(expiresTime, 5_000)
    const rows = await its.database.query('SELECT * FROM tributary_setting')
    expect(JSON.stringify([rows, await its.events()])).not.to.contain(token)
  })

  it('is the only one whose access token is kept', async () => {
    lazada.refreshes = true
    const { id } = await consented()
    expect(await settings().get(consentTokenName(id))).to.equal(undefined)
  })
})
