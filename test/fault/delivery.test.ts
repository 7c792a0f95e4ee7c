import { setTimeout as wait } from 'node:timers/promises'
import { keyAt, openStage, SECRET, type Stage } from '@tributary/dispatcher/testing'
import { expect } from 'chai'
import { createRandom, type Random } from '../random.ts'
import { until } from '../servers/index.ts'
import { createSpiReceiver, inversions, type SpiReceiver } from '../simulators/spi/index.ts'
import { type DispatcherProcess, startDispatcherProcess } from './delivery-process.ts'

const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? Date.now() % 1_000_000)
const LEASE = 500
const KEYS = 40

describe(`A dispatcher in a process of its own (seed ${SEED})`, function () {
  this.timeout(90_000)
  let stage: Stage
  let receiver: SpiReceiver
  let random: Random
  let orders: string[]
  let ids: string[]
  let processes: DispatcherProcess[]

  beforeEach(async () => {
    stage = await openStage('delivery_fault', { partitions: 4 })
    receiver = await createSpiReceiver({ secret: SECRET })
    random = createRandom(SEED)
    orders = []
    ids = []
    processes = []
    await stage.setCodes(['warehouse'])
    await stage.addService('warehouse')
  })
  afterEach(async () => {
    for (const one of processes) one.resume()
    await Promise.all(processes.map((one) => one.kill()))
    await receiver.close()
    await stage.close()
  })

  const start = async (): Promise<DispatcherProcess> => {
    const masterKey = stage.masterKey.toString('base64')
    const started = await startDispatcherProcess({
      url: stage.url,
      masterKey,
      services: { warehouse: receiver.url },
      lease: LEASE,
    })
    processes.push(started)
    return started
  }
  const append = async (count: number) => {
    const more = Array.from({ length: count }, () => `order-${random.from(0, KEYS - 1)}`)
    orders.push(...more)
    ids.push(...(await stage.appendOrders(more)))
  }
  const everythingArrives = async () => {
    await until('every order has arrived', () => ids.every(receiver.record.has))
    await until('nothing is set aside', async () => (await stage.count('lane')) + (await stage.count('waiting')) === 0)
    await until('the cursor stands at the end', async () => (await stage.cursor('warehouse')) === ids.length)
  }
  const countInversions = () =>
    [...new Set(orders)].reduce((sum, order) => {
      const expected = ids.filter((_, index) => orders[index] === order)
      return sum + inversions(receiver.record.firstTaken(keyAt(order)), expected)
    }, 0)

  it('killed at random moments while requests fail, delivers everything, in the order of each key', async () => {
    const kills = 8
    receiver.fault({ kind: 'status', status: 500 }, { key: keyAt('order-1') })
    receiver.fault({ kind: 'reset' }, { key: keyAt('order-2'), times: 15 })
    receiver.fault({ kind: 'hang' }, { key: keyAt('order-3'), times: 3 })
    // Two at a time share the partitions; while one dies, the next is already on its way.
    let next = start()
    for (let kill = 0; kill < kills; kill += 1) {
      const victim = await next
      next = start()
      const target = receiver.record.arrivals.length + random.from(1, 60)
      await append(80)
      await Promise.race([until('it has sent a little', () => receiver.record.arrivals.length >= target), wait(1_500)])
      await victim.kill()
    }
    await next
    receiver.heal()
    await everythingArrives()
    expect(receiver.unverified).to.equal(0)
    expect(countInversions()).to.equal(0)
    // At most what was under way at each kill, and what resets and hangs left in doubt.
    expect(receiver.record.duplicates).to.be.at.most(kills * 80 + 20)
    expect(receiver.record.taken).to.equal(ids.length)
  })

  it('stalled until another has taken over, harms nothing when it wakes', async () => {
    const zombie = await start()
    receiver.fault({ kind: 'slow', milliseconds: 20 })
    await append(200)
    await until('it is at work', () => receiver.record.taken > 20)
    zombie.stall()
    await start()
    await until('another has taken over', async () => (await stage.cursor('warehouse')) > 20 && receiver.record.taken > 100)
    zombie.resume()
    await append(100)
    await everythingArrives()
    expect(countInversions()).to.equal(0)
    expect(await stage.count('attempt')).to.be.at.least(ids.length)
    const [twice] = await stage.database.query<{ events: number }[]>(
      "SELECT COUNT(*) AS events FROM (SELECT event_id FROM tributary_delivery_attempt WHERE outcome = 'delivered' GROUP BY event_id HAVING COUNT(*) > 1) AS twice",
    )
    expect(twice?.events).to.equal(0)
  })

  it('told to stop, sends nothing twice, and does not wait for a receiver that hangs', async () => {
    receiver.fault({ kind: 'slow', milliseconds: 5 })
    const first = await start()
    await append(400)
    await until('it is at work', () => receiver.record.taken > 50)
    await first.stop()
    expect(receiver.record.taken).to.be.below(400)
    await start()
    await everythingArrives()
    expect(receiver.record.duplicates).to.equal(0)
    receiver.heal()
    receiver.fault({ kind: 'hang' })
    await append(5)
    await until('it waits for an answer', () => receiver.open > 0)
    await processes[1]?.stop()
    const late = "SELECT 1 FROM tributary_delivery_attempt WHERE outcome = 'timed-out'"
    expect(await stage.database.query(late)).to.deep.equal([])
  })
})
