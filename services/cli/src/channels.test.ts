import { addApp, openDatabase } from '@tributary/database'
import { loadConfiguration } from '@tributary/runtime'
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

  it('verify what an app that is known has signed, also while the database is cut off or hangs', async () => {
    const environment = { TRIBUTARY_DATABASE_URL: stage.url, TRIBUTARY_MASTER_KEY: Buffer.alloc(32, 7).toString('base64') }
    const channels = openChannels({ ...(await loadConfiguration({ environment })), tiktok: simulator.urls }, database, {
      appsFor: 0,
    })
    const { body, authorization } = simulator.webhook(1, 'shop', { order_id: '1' })
    const receive = () => channels.get(2)?.receive({ headers: { authorization }, body }, new AbortController().signal)
    expect(await receive()).to.include({ kind: 'accepted' })
    for (const trouble of [relay.cut, relay.stall]) {
      trouble()
      expect(await receive()).to.include({ kind: 'accepted' })
      relay.heal()
    }
  })
})
