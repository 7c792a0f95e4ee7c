import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate, openDatabase as openDatabaseAt } from '@tributary/database'
import { expect } from 'chai'
import { createConnection } from 'mysql2/promise'
import { type PrivateServer, startMariaDb } from '../servers/index.ts'
import { eventually } from './gateway/eventually.ts'
import { deliveriesFollowTheLog, everythingArrived, tablesEqualTheLog } from './gateway/proof.ts'
import { openWorld, type World } from './gateway/world.ts'

const PRIVATE = { folder: join(import.meta.dirname, '../../.local/test-mariadb-start'), durable: true, bufferPool: '64M' }

describe('ingest, killed and started again while the database is away', function () {
  this.timeout(120_000)
  let server: PrivateServer
  let world: World
  let spool: string
  before(async () => {
    spool = await mkdtemp(join(tmpdir(), 'tributary-start-'))
    server = await startMariaDb(PRIVATE)
    world = await openWorld({ name: 'start', openDatabase, settings: { ingest: { spool: { folder: spool } } } })
  })
  after(async () => {
    await world?.close()
    await server?.stop()
    await rm(spool, { recursive: true, force: true })
  })

  async function openDatabase() {
    const connection = await createConnection({ uri: server.url })
    await connection.query('CREATE OR REPLACE DATABASE start_away CHARACTER SET utf8mb4')
    await connection.end()
    const url = `${server.url}/start_away`
    const database = openDatabaseAt(url)
    await migrate(database)
    return { url, database, drop: () => database.close() }
  }

  const restart = async () => {
    await world.gateway.kill()
    world.gateway.start()
    await world.gateway.ready()
  }

  it('goes on taking in what is signed, and loses nothing of it', async () => {
    const { gateway, simulator } = world
    const { market, notifications } = simulator
    const { seller } = await world.consent()
    const orders = Array.from({ length: 3 }, () => market.addOrder(seller.userId).orderId)
    const callback = `${gateway.url}/open/order/callback/1`
    const told = new Map<string, string[]>(orders.map((orderId) => [orderId, []]))
    const tellOfAll = async () => {
      for (const orderId of orders) {
        const message = notifications.orderConfirmation(orderId)
        // Right after a start eBay's keys are still to be asked for.
        expect((await notifications.send(callback, message, { attempts: 20, pause: 50 })).at(-1)).to.equal(204)
        told.get(orderId)?.push(message.notification.notificationId)
      }
    }
    await tellOfAll()
    await everythingArrived(world)
    await eventually('a start is prepared', async () => (await readdir(spool)).includes('start.json'))

    process.kill(server.pid, 'SIGKILL')
    await tellOfAll()
    await restart()
    await tellOfAll()
    const feedback = notifications.message('FEEDBACK_LEFT', { userId: seller.userId })
    expect(await notifications.send(callback, feedback)).to.deep.equal([204])
    const forged = notifications.orderConfirmation(orders[0] ?? '')
    expect(await notifications.send(callback, forged, { signature: 'wrong' })).to.deep.equal([412])
    const { status, services } = await gateway.health()
    expect(status).to.equal('degraded')
    expect(services.map(({ name }) => name)).to.deep.equal(['ingest', 'database'])
    expect(services[0]?.details?.['spool']).to.include({ waiting: 7 })
    await restart()
    await tellOfAll()

    server = await startMariaDb({ ...PRIVATE, port: server.port })
    await eventually('everything is well again', async () => (await gateway.health()).status === 'ok')
    await tellOfAll()
    await everythingArrived(world)
    const events = await world.events()
    const notified = Map.groupBy(
      events.flatMap((event) => (event.type === 'OrderNotified' ? [event.data] : [])),
      ({ orderId }) => orderId,
    )
    for (const [orderId, ids] of told)
      expect(notified.get(orderId)?.map(({ notificationId }) => notificationId)).to.deep.equal(ids)
    const received = events.flatMap((event) => (event.type === 'NotificationReceived' ? [event.data.notificationId] : []))
    expect(received).to.deep.equal([feedback.notification.notificationId])
    await tablesEqualTheLog(world)
    await deliveriesFollowTheLog(world)
    expect(await gateway.stop()).to.include({ code: 0 })
  })

  it('is told to stop as ever while it waits for the database', async () => {
    await server.stop()
    world.gateway.start()
    await world.gateway.ready()
    expect(await world.gateway.stop()).to.deep.equal({ code: 0 })
  })

  it('does not start without what was kept for it, and says why', async () => {
    await rm(join(spool, 'start.json'))
    const { code, errors } = await world.gateway.run(['serve', 'ingest'])
    expect(code).to.equal(1)
    expect(errors).to.include('[DATABASE_UNAVAILABLE]')
  })
})
