import { randomBytes, randomInt } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { addApp, addSpiService } from '@tributary/database'
import { type EventLog, openEventLog } from '@tributary/event-log'
import { decodeEvent, type EventOf, ORDER_TOPIC } from '@tributary/events'
import { orders } from '@tributary/orders'
import { verifyProjection } from '@tributary/projection'
import { sellers } from '@tributary/sellers'
import { openVault } from '@tributary/vault'
import { expect } from 'chai'
import { migratedTestDatabase } from '../servers/index.ts'
import { createEbaySimulator, type EbaySimulator } from '../simulators/ebay/index.ts'
import { createRandom, type Random } from '../simulators/ebay/random.ts'
import { createSpiReceiver, type SpiReceiver } from '../simulators/spi/index.ts'
import { createGateway, type Gateway } from './gateway/gateway.ts'

const ORDERS = 2_000
const KILLS = 50
/** Of a hundred orders, so many change once more, so that there is an order of events to keep. */
const CHANGED = 30

describe('the whole process, killed at random moments', function () {
  this.timeout(600_000)

  it(`ends with tables equal to the fold of the log and every order delivered in order (${KILLS} kills, ${ORDERS} orders)`, async () => {
    const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31))
    const world = await openWorld(seed)
    try {
      const { kills, notified } = await run(world, createRandom(seed))
      await everythingArrived(world)
      const facts = await compare(world)
      process.stdout.write(
        `    seed ${seed}: ${kills} kills, ${notified} notifications, ${facts.events} orders read, ` +
          `${facts.deliveries} deliveries, ${facts.duplicates} of them again\n`,
      )
    } catch (error) {
      process.stdout.write(`    failed with SEED=${seed}\n`)
      throw error
    } finally {
      await world.close()
    }
  })
})

type World = {
  simulator: EbaySimulator
  receiver: SpiReceiver
  gateway: Gateway
  log: EventLog
  database: Awaited<ReturnType<typeof migratedTestDatabase>>['database']
  userId: string
  close(): Promise<void>
}

async function openWorld(seed: number): Promise<World> {
  const { url, database, drop } = await migratedTestDatabase('kill')
  const simulator = await createEbaySimulator({ seed })
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const receiver = await createSpiReceiver({ secret })
  const gateway = await createGateway({ databaseUrl: url, ebay: simulator.urls, receivers: { warehouse: receiver.url } })
  const log = await openEventLog({ url, database, partitions: 8 })
  await addSpiService(database, { type: 1, serverCode: 'warehouse', serverName: 'warehouse', description: '', secret })
  const appId = await addApp(database, {
    channel: 1,
    name: 'kill test',
    clientId: simulator.app.clientId,
    clientSecret: simulator.app.clientSecret,
    developerId: '',
    scopes: [
      'https://api.ebay.com/oauth/api_scope/sell.fulfillment',
      'https://api.ebay.com/oauth/api_scope/commerce.identity.readonly',
    ],
    redirectUri: simulator.app.ruName,
    attachInfo: {},
  })
  gateway.start()
  await gateway.ready()
  const { userId } = await authorize(simulator, gateway.url, appId)
  return {
    ...{ simulator, receiver, gateway, log, database, userId },
    async close() {
      await gateway.remove()
      await log.close()
      await receiver.close()
      await simulator.close()
      await drop()
    },
  }
}

async function authorize(simulator: EbaySimulator, gatewayUrl: string, appId: number): Promise<{ userId: string }> {
  const seller = simulator.market.addSeller()
  simulator.app.acceptUrl = `${gatewayUrl}/open/order/oauth/callback/1`
  const start = await fetch(`${gatewayUrl}/open/order/oauth/authorize/1?app=${appId}&spi=warehouse`, { redirect: 'manual' })
  const cookie = start.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ')
  const address = await simulator.consent(start.headers.get('location') ?? '', { userId: seller.userId, accept: true })
  const back = await fetch(address, { headers: { cookie } })
  expect(back.status, await back.text()).to.equal(200)
  return seller
}

/** Orders flow while the process dies again and again; as eBay does, the sender repeats until it is acknowledged. */
async function run(world: World, random: Random): Promise<{ kills: number; notified: number }> {
  const killing = killAgainAndAgain(world.gateway, random)
  const notified = await sendOrders(world, random, killing.finished)
  return { kills: await killing.done, notified }
}

function killAgainAndAgain(gateway: Gateway, random: Random): { finished: () => number; done: Promise<number> } {
  let kills = 0
  const done = (async () => {
    while (kills < KILLS) {
      await wait(300 + random.fraction() * 2_000)
      await gateway.kill()
      kills += 1
      gateway.start()
    }
    return kills
  })()
  return { finished: () => kills / KILLS, done }
}

async function sendOrders(world: World, random: Random, killed: () => number): Promise<number> {
  const { market } = world.simulator
  const sending: Promise<unknown>[] = []
  for (let sent = 0; sent < ORDERS; sent += 1) {
    // Orders keep pace with the kills, so that every part of the flow is hit.
    while (sent / ORDERS > killed() + 1 / KILLS) await wait(10)
    const { orderId } = market.addOrder(world.userId)
    sending.push(notify(world, orderId))
    if (random.chance(CHANGED / 100)) {
      sending.push(
        delivered(world, orderId).then(() => {
          market.updateOrder(orderId, { buyerCheckoutNotes: `changed ${orderId}` })
          return notify(world, orderId)
        }),
      )
    }
  }
  await Promise.all(sending)
  return sending.length
}

/** A change that came before the first read would be one event, and there would be no order to keep. */
async function delivered({ receiver, userId }: World, orderId: string): Promise<void> {
  while (receiver.record.firstTaken(`1:${userId}:${orderId}`).length === 0) await wait(100)
}

async function notify({ simulator, gateway }: World, orderId: string): Promise<void> {
  const message = simulator.notifications.orderConfirmation(orderId)
  const statuses = await simulator.notifications.send(`${gateway.url}/open/order/callback/1`, message, {
    attempts: 10_000,
    pause: 100,
  })
  expect(statuses.at(-1)).to.equal(204)
}

/** Waits until the newest state of every order has been delivered. */
async function everythingArrived({ simulator, receiver, log }: World): Promise<void> {
  const deadline = Date.now() + 180_000
  for (;;) {
    const received = await ordersReceived(log)
    const newest = new Map(received.map(({ event }) => [event.data.orderId, event.data.sourceTime]))
    const read = [...simulator.market.orders.values()].every(
      ({ order }) => newest.get(order.orderId) === Date.parse(order.lastModifiedDate),
    )
    const undelivered = received.filter(({ event }) => !receiver.record.has(`msg_${event.id}`))
    if (read && undelivered.length === 0) return
    if (Date.now() > deadline) {
      throw new Error(`After three minutes ${newest.size} orders were read and ${undelivered.length} events undelivered`)
    }
    await wait(250)
  }
}

async function ordersReceived(log: EventLog): Promise<{ event: EventOf<'OrderReceived'> }[]> {
  const found: { event: EventOf<'OrderReceived'> }[] = []
  for (const [partition, end] of (await log.ends(ORDER_TOPIC)).entries()) {
    for (let next = 0; next < end; ) {
      const slice = await log.read(ORDER_TOPIC, partition, next, { limit: 2_000 })
      for (const { event } of slice.events) {
        if (event.type === 'OrderReceived') found.push({ event: decodeEvent(event) as EventOf<'OrderReceived'> })
      }
      next = slice.next
    }
  }
  return found
}

async function compare(world: World): Promise<{ events: number; deliveries: number; duplicates: number }> {
  const { log, database, gateway, receiver, simulator } = world
  const vault = await openVault({ database, masterKeys: [gateway.masterKey] })
  for (const projection of [sellers, orders]) {
    const { differences } = await verifyProjection({ projection, database, log, vault })
    expect(differences, `${projection.name}: tables and fold`).to.deep.equal([])
  }
  const [row] = await database.query<{ rows: number }[]>('SELECT COUNT(*) AS `rows` FROM eg_order_order')
  expect(row?.rows).to.equal(simulator.market.orders.size)
  const events = await ordersReceived(log)
  const idsByOrder = Map.groupBy(events, ({ event }) => `1:${event.data.sellerId}:${event.data.orderId}`)
  for (const [key, recorded] of idsByOrder) {
    const expected = recorded.map(({ event }) => `msg_${event.id}`)
    expect(receiver.record.firstTaken(key), `deliveries of ${key}, in the order of the log`).to.deep.equal(expected)
  }
  const { taken, duplicates } = receiver.record
  expect(taken).to.equal(events.length)
  return { events: events.length, deliveries: taken + duplicates, duplicates }
}
