import { addApp, listApps, openDatabase } from '@tributary/database'
import { loadConfiguration } from '@tributary/runtime/configuration'
import { migratedTestDatabase, type Relay, startRelay } from '@tributary/test/servers'
import { createTiktokMarketplace, type TiktokSimulator } from '@tributary/test/simulators/tiktok'
import { expect } from 'chai'
import { openChannels } from './channels.ts'

describe('the channels of the command line', () => {
  let stage: Awaited<ReturnType<typeof migratedTestDatabase>>
  let simulator: TiktokSimulator
  let relay: Relay
  let database: ReturnType<typeof openDatabase>
  before(async () => {
    stage = await migratedTestDatabase('channels')
    simulator = await createTiktokMarketplace()
    relay = await startRelay(stage.url)
    database = openDatabase(relay.url)
    await addApp(stage.database, { channel: 2, name: 'shop', ...simulator.app, scopes: [] })
  })
  after(async () => {
    await database.close()
    await relay.close()
    await simulator.close()
    await stage.drop()
  })

  const environment = () => ({
    TRIBUTARY_DATABASE_URL: stage.url,
    TRIBUTARY_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
  })

  it('verify what an app that is known has signed, also while the database is cut off or hangs', async () => {
    const configuration = { ...(await loadConfiguration({ environment: environment() })), tiktok: simulator.urls }
    const channels = openChannels(configuration, database, { appsFor: 0 })
    const { body, authorization } = simulator.webhook(1, 'shop', { order_id: '1' })
    const receive = () => channels.get(2)?.receive({ headers: { authorization }, body }, new AbortController().signal)
    expect(await receive()).to.include({ kind: 'accepted' })
    for (const trouble of [relay.cut, relay.stall]) {
      trouble()
      expect(await receive()).to.include({ kind: 'accepted' })
      relay.heal()
    }
  })

  it('know apps from before while the database has not answered', async () => {
    const away = openDatabase('mysql://nobody:none@127.0.0.1:1/none')
    const configuration = { ...(await loadConfiguration({ environment: environment() })), tiktok: simulator.urls }
    const channels = openChannels(configuration, away, { known: await listApps(stage.database) })
    const { body, authorization } = simulator.webhook(1, 'shop', { order_id: '2' })
    const reception = await channels.get(2)?.receive({ headers: { authorization }, body }, new AbortController().signal)
    expect(reception).to.include({ kind: 'accepted' })
    await away.close()
  })
})
