import { randomInt } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { until } from '@tributary/test/servers'
import { expect } from 'chai'
import fc from 'fast-check'
import { listOrderReads } from './order-read-operations.ts'
import { childProcesses } from './testing/child-processes.ts'
import { type OrderSyncUnderTest, startUnderTest } from './testing/order-sync-under-test.ts'

const KILLS = 5

describe('order-sync that is killed', () => {
  let its: OrderSyncUnderTest
  const children = childProcesses(() => its.surroundings)
  before(async () => {
    its = await startUnderTest()
  })
  after(async () => {
    children.end()
    await its.close()
  })

  it('at random moments has every order and every change in the log once, in their order', async function () {
    this.timeout(60_000)
    const seed = Number(process.env['TRIBUTARY_TEST_SEED'] ?? randomInt(2 ** 31))
    const random = fc.sample(fc.double({ min: 0, max: 1, noNaN: true }), { seed, numRuns: 200 }).values()
    const fraction = () => random.next().value ?? 0
    const seller = await its.addSeller()
    const configuration = { pollIntervalSeconds: 0.2 }
    const titles = new Map<string, string[]>()
    const orders: string[] = []

    async function happen(): Promise<void> {
      const order = its.ebay.market.addOrder(seller)
      orders.push(order.orderId)
      titles.set(order.orderId, ['new'])
      if (fraction() < 0.7) await its.notify(seller, order.orderId)
      const changed = orders[Math.floor(fraction() * orders.length)] ?? order.orderId
      titles.get(changed)?.push(`change ${orders.length}`)
      its.ebay.market.updateOrder(changed, { salesRecordReference: '1', buyerCheckoutNotes: `change ${orders.length}` })
      if (fraction() < 0.7) await its.notify(seller, changed)
    }

    try {
      for (let kill = 0; kill < KILLS; kill++) {
        const child = await children.start({ worker: 1 + kill, configuration })
        const end = Date.now() + 50 + fraction() * 500
        while (Date.now() < end) {
          await happen()
          await pause(10 + fraction() * 20)
        }
        await child.kill()
      }
      await its.run({ configuration })
      const isLatest = async () => {
        const seen = new Map((await its.events('OrderReceived')).map((event) => [event.data.orderId, event]))
        for (const [orderId, versions] of titles) {
          const event = seen.get(orderId)
          if (!event) return false
          const last = versions.at(-1)
          if (last !== 'new' && (await its.personal(event))?.buyer.remark !== last) return false
        }
        return true
      }
      await until('no task is left', async () => (await listOrderReads(its.database)).length === 0)
      await until('every order stands in the log as it is at last', isLatest)
      await its.rest()

      const events = await its.events('OrderReceived')
      for (const [orderId, ofOrder] of Map.groupBy(events, ({ data }) => data.orderId)) {
        const contents = await Promise.all(ofOrder.map(async (event) => (await its.personal(event))?.original))
        expect(new Set(contents).size, `${orderId} was appended twice`).to.equal(contents.length)
        const times = ofOrder.map(({ data }) => data.sourceTime)
        expect(times, `${orderId} went back`).to.deep.equal(times.toSorted((one, other) => one - other))
      }
    } catch (error) {
      throw new Error(`With TRIBUTARY_TEST_SEED=${seed}`, { cause: error })
    }
  })
})
