import { randomInt } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { expect } from 'chai'
import type { Gateway } from '../e2e/gateway/gateway.ts'
import { deliveriesFollowTheLog, everythingArrived, tablesEqualTheLog } from '../e2e/gateway/proof.ts'
import { openWorld, type Seller, type World } from '../e2e/gateway/world.ts'
import { createRandom, type Random } from '../random.ts'

const ORDERS = 2_000
const KILLS = 50
/** Of a hundred orders, so many change once more, so that there is an order of events to keep. */
const CHANGED = 30

describe('the whole process, killed at random moments', function () {
  this.timeout(600_000)

  it(`ends with tables equal to the fold of the log and every order delivered in order (${KILLS} kills, ${ORDERS} orders)`, async () => {
    const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31))
    const world = await openWorld({ name: 'kill', seed, settings: { logging: { level: 'warn', format: 'json' } } })
    try {
      const { seller, page } = await world.consent()
      expect(page.status).to.equal(200)
      const { kills, notified } = await run(world, seller, createRandom(seed))
      await everythingArrived(world, { patience: 180_000 })
      await tablesEqualTheLog(world)
      const read = await deliveriesFollowTheLog(world)
      const { duplicates } = world.receivers['warehouse']?.record ?? {}
      process.stdout.write(
        `    seed ${seed}: ${kills} kills, ${notified} notifications, ${read} orders read, each delivered, ${duplicates} again\n`,
      )
    } catch (error) {
      process.stdout.write(`    failed with SEED=${seed}\n`)
      throw error
    } finally {
      await world.close()
    }
  })
})

/** Orders flow while the process dies again and again; as eBay does, the sender repeats until it is acknowledged. */
async function run(world: World, seller: Seller, random: Random): Promise<{ kills: number; notified: number }> {
  const killing = killAgainAndAgain(world.gateway, random)
  const notified = await sendOrders(world, seller, random, killing.finished)
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

async function sendOrders(world: World, { userId }: Seller, random: Random, killed: () => number): Promise<number> {
  const { market } = world.simulator
  const sending: Promise<unknown>[] = []
  for (let sent = 0; sent < ORDERS; sent += 1) {
    // Orders keep pace with the kills, so that every part of the flow is hit.
    while (sent / ORDERS > killed() + 1 / KILLS) await wait(10)
    const { orderId } = market.addOrder(userId)
    sending.push(notify(world, orderId))
    if (random.chance(CHANGED / 100)) {
      sending.push(
        delivered(world, `1:${userId}:${orderId}`).then(() => {
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
async function delivered({ receivers }: World, key: string): Promise<void> {
  while (receivers['warehouse']?.record.firstTaken(key).length === 0) await wait(100)
}

async function notify(world: World, orderId: string): Promise<void> {
  const statuses = await world.notify(orderId, { attempts: 10_000, pause: 100 })
  expect(statuses.at(-1)).to.equal(204)
}
