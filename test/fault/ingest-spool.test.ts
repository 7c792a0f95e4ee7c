import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect } from 'chai'
import { eventually } from '../e2e/gateway/eventually.ts'
import { openWorld, type World } from '../e2e/gateway/world.ts'
import { createRandom, type Random } from '../random.ts'
import { describeOnKafka, type PrivateBroker, startKafka } from '../servers/index.ts'

const SENDERS = 6
const ORDERS_OF_A_SENDER = 4
const KILLS = 3
/** Some 2,400 notifications: more than a fast machine takes in while ingest is killed, so that the bound is met after that. */
const MAX_BYTES = 4 * 1024 * 1024

/** What a sender was told yes to: notifications of each order, in the order in which they were sent. */
type Acknowledged = Map<string, string[]>

/**
 * Senders notify of their orders without pause, each notification again until it is acknowledged, as eBay does. The broker dies
 * under them, and while it is gone ingest dies again and again and then fills its spool to the bound. When the broker is back,
 * every acknowledged notification must stand in the log once, in the order of its key.
 */
describeOnKafka('the log away under load, and ingest killed meanwhile', function () {
  this.timeout(300_000)
  const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31))
  let folder: string
  let broker: PrivateBroker
  let world: World
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tributary-spool-'))
    broker = await startKafka({ folder: join(import.meta.dirname, '../../.local/fault-spool-kafka') })
    const settings = {
      ingest: { spool: { folder, 'max-bytes': MAX_BYTES } },
      logging: { level: 'warn', format: 'json' },
    }
    world = await openWorld({ name: 'spool', seed, logUrl: broker.url, settings })
  })
  after(async () => {
    await world?.close()
    await broker?.kill()
    await rm(folder, { recursive: true, force: true })
  })

  it(`loses nothing that was acknowledged and keeps the order of every key (seed ${seed})`, async () => {
    const random = createRandom(seed)
    const acknowledged: Acknowledged = new Map()
    const statuses = new Map<number, number>()
    const [sending, failed] = [new AbortController(), new AbortController()]
    const count = () => [...acknowledged.values()].reduce((sum, { length }) => sum + length, 0)
    const more = (notifications: number) => {
      const enough = count() + notifications
      return eventually(`${notifications} more are acknowledged`, () => count() >= enough, 60_000)
    }
    const senders = Array.from({ length: SENDERS }, () => send(world, acknowledged, statuses, sending.signal, failed.signal))
    try {
      await more(60)
      await broker.kill()
      for (let kills = 0; kills < KILLS; kills += 1) {
        await more(10 + random.below(70))
        await killAfter(world, random)
      }
      await more(20)
      expect(await waiting(world), 'what was acknowledged waits on the disk').to.be.greaterThan(60)
      await eventually('the bound is met', () => (statuses.get(503) ?? 0) > 20, 120_000)
      await expectRefused(world)
      expect((await world.gateway.run(['spool', 'list'])).output).to.match(
        /^\d{3,4} wait for the log, \d+ bytes, the oldest since 20/,
      )
      await broker.restart()
      await more(60)
      await killAfter(world, random)
      await more(60)
    } catch (error) {
      // Nobody may wait for a yes that does not come, and hide why.
      failed.abort()
      throw error
    } finally {
      sending.abort()
      await Promise.all(senders)
    }
    await eventually('the spool is empty', async () => (await waiting(world)) === 0, 120_000)
    const kept = Map.groupBy(await notified(world), ({ orderId }) => orderId)
    for (const [orderId, ids] of acknowledged)
      expect(
        kept.get(orderId)?.map(({ notificationId }) => notificationId),
        orderId,
      ).to.deep.equal(ids)
    expect([...kept.keys()].filter((orderId) => !acknowledged.has(orderId))).to.deep.equal([])
    process.stdout.write(
      `    seed ${seed}: ${count()} acknowledged, ${KILLS + 1} kills, answers ${JSON.stringify([...statuses])}\n`,
    )
  })
})

async function killAfter({ gateway }: World, random: Random): Promise<void> {
  await wait(random.below(300))
  await gateway.kill()
  gateway.start()
}

/** Sends until it is told to stop, and then until the one in hand is acknowledged, unless all is given up. */
async function send(
  { simulator, gateway }: World,
  acknowledged: Acknowledged,
  statuses: Map<number, number>,
  signal: AbortSignal,
  givenUp: AbortSignal,
): Promise<void> {
  const { userId } = simulator.market.addSeller()
  const orders = Array.from({ length: ORDERS_OF_A_SENDER }, () => simulator.market.addOrder(userId).orderId)
  for (let number = 0; !signal.aborted; number += 1) {
    const orderId = orders[number % orders.length] ?? ''
    const message = simulator.notifications.orderConfirmation(orderId)
    let status: number | undefined
    do {
      if (givenUp.aborted) return
      if (status !== undefined) await wait(20)
      ;[status = 0] = await simulator.notifications.send(`${gateway.url}/open/order/callback/1`, message)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    } while (status !== 204)
    acknowledged.set(orderId, [...(acknowledged.get(orderId) ?? []), message.notification.notificationId])
  }
}

async function expectRefused({ simulator, gateway }: World): Promise<void> {
  const { keys, notifications } = simulator
  const refused = await eventually('a notification is refused', async () => {
    const body = Buffer.from(JSON.stringify(notifications.message('NEWS', { userId: 'SYNuser1' })))
    const headers = { 'X-EBAY-SIGNATURE': keys.header(body, keys.current) }
    const answer = await fetch(`${gateway.url}/open/order/callback/1`, { method: 'POST', body, headers })
    return answer.status === 503 && answer
  })
  expect(Number(refused.headers.get('retry-after'))).to.be.greaterThan(0)
  expect(await refused.json()).to.include({ code: 'NOT_KEPT' })
}

function waiting({ gateway }: World): Promise<number> {
  return eventually('ingest tells of its spool', async () => {
    const { services } = await gateway.health()
    const { spool } = (services.find(({ name }) => name === 'ingest')?.details ?? {}) as { spool?: { waiting?: number } }
    // Zero is an answer, too.
    return spool?.waiting === undefined ? undefined : { entries: spool.waiting }
  }).then(({ entries }) => entries)
}

async function notified(world: World): Promise<{ orderId: string; notificationId: string }[]> {
  return (await world.events()).flatMap((event) => (event.type === 'OrderNotified' ? [event.data] : []))
}
