import { expect } from 'chai'
import { migratedTestDatabase, type Relay, startRelay } from '../servers/index.ts'
import { createGateway, type Gateway, UNREACHABLE_EBAY } from './gateway/gateway.ts'

describe('a process that is told to stop', function () {
  this.timeout(60_000)
  let relay: Relay
  let gateway: Gateway
  let drop: () => Promise<void>
  beforeEach(async () => {
    const database = await migratedTestDatabase('stop')
    drop = database.drop
    relay = await startRelay(database.url)
    gateway = await createGateway({ databaseUrl: relay.url, ebay: UNREACHABLE_EBAY, receivers: {} })
    gateway.start()
    await gateway.ready()
  })
  afterEach(async () => {
    await gateway.remove()
    await relay.close()
    await drop()
  })

  it('ends while its database gives no answer', async () => {
    relay.stall()
    // How it ends is open: services that wait for an answer are late.
    expect((await gateway.stop()).code).to.be.a('number')
  })

  it('ends well while its database is away, and tells what it could not close', async () => {
    relay.cut()
    const { code } = await gateway.stop()
    expect({ code, output: gateway.output() }).to.have.property('code', 0)
  })
})
