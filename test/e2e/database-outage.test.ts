import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { migrate, openDatabase as openDatabaseAt } from '@tributary/database'
import { expect } from 'chai'
import { createConnection } from 'mysql2/promise'
import { type PrivateServer, startMariaDb } from '../servers/index.ts'
import { eventually } from './gateway/eventually.ts'
import { deliveriesFollowTheLog, everythingArrived, tablesEqualTheLog } from './gateway/proof.ts'
import { openWorld, type Seller, type World } from './gateway/world.ts'

const PRIVATE = { folder: join(import.meta.dirname, '../../.local/test-mariadb-outage'), durable: true, bufferPool: '64M' }
const SERVICES = ['ingest', 'order-sync', 'projector', 'dispatcher']
const SENDERS = 4

describe('the database, killed under a running gateway', function () {
  this.timeout(90_000)
  let server: PrivateServer
  let world: World
  let seller: Seller
  before(async () => {
    server = await startMariaDb(PRIVATE)
    world = await openWorld({ name: 'outage', openDatabase })
    seller = (await world.consent()).seller
  })
  after(async () => {
    await world?.close()
    await server?.stop()
  })

  async function openDatabase() {
    const connection = await createConnection({ uri: server.url })
    await connection.query('CREATE OR REPLACE DATABASE outage CHARACTER SET utf8mb4')
    await connection.end()
    const url = `${server.url}/outage`
    const database = openDatabaseAt(url)
    await migrate(database)
    return { url, database, drop: () => database.close() }
  }

  it('costs no order: senders are told to try again, and everything goes on by itself', async () => {
    const { market } = world.simulator
    const statuses: number[] = []
    const acknowledged = () => statuses.filter((status) => status === 204).length
    const sender = startSending(world, seller, statuses)
    try {
      await eventually('orders flow', () => acknowledged() > 40)
      process.kill(server.pid, 'SIGKILL')
      await eventually('every service tells', async () => {
        const { status, services } = await world.gateway.health()
        return (
          status === 'degraded' && SERVICES.every((name) => services.find((one) => one.name === name)?.status === 'degraded')
        )
      })
      await eventually('senders are told to try again', () => statuses.includes(503))
      const before = acknowledged()
      server = await startMariaDb({ ...PRIVATE, port: server.port })
      await eventually('orders flow again', () => acknowledged() > before + 40)
    } finally {
      await sender.stop()
    }
    expect(new Set(statuses)).to.deep.equal(new Set([204, 503]))
    expect(acknowledged()).to.equal(market.orders.size)
    await everythingArrived(world)
    await tablesEqualTheLog(world)
    await deliveriesFollowTheLog(world)
    await eventually('health is well again', async () => (await world.gateway.health()).status === 'ok')
    expect((await fetch(`${world.gateway.url}/readyz`)).status).to.equal(200)
    expect(await world.gateway.stop()).to.include({ code: 0 })
  })
})

/** Orders happen one after another; each is notified of until that is acknowledged. Puts every answer into `statuses`. */
function startSending(world: World, { userId }: Seller, statuses: number[]): { stop(): Promise<void> } {
  let sending = true
  const sendOn = async () => {
    while (sending) {
      const { orderId } = world.simulator.market.addOrder(userId)
      let status: number | undefined
      do {
        // eBay gives an endpoint a while before it repeats.
        if (status !== undefined) await wait(50)
        ;[status] = await world.notify(orderId)
        if (status !== undefined) statuses.push(status)
      } while (status !== 204 && sending)
    }
  }
  const senders = Array.from({ length: SENDERS }, sendOn)
  return {
    async stop() {
      sending = false
      await Promise.all(senders)
    },
  }
}
