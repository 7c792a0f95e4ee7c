import { expect } from 'chai'
import { eventually } from './gateway/eventually.ts'
import { createGateway, type Gateway } from './gateway/gateway.ts'
import { deliveriesFollowTheLog, everythingArrived, snapshots, tablesEqualTheLog } from './gateway/proof.ts'
import { openWorld, type Seller, type World } from './gateway/world.ts'

const ORDERS = 200
const AT_ONCE = 8

type Sharing = { stage: string; lag: number }[]

describe('two processes with every service each', function () {
  this.timeout(60_000)
  let world: World
  let other: Gateway
  let seller: Seller
  before(async () => {
    world = await openWorld({ name: 'several' })
    seller = (await world.consent()).seller
    const receivers = { warehouse: world.receivers['warehouse']?.url ?? '' }
    const { masterKey } = world.gateway
    other = await createGateway({ databaseUrl: world.databaseUrl, ebay: world.simulator.urls, receivers, masterKey })
    other.start()
    await other.ready()
  })
  after(async () => {
    await other?.remove()
    await world.close()
  })

  /** How many partitions a process has of a consumer. */
  async function share(gateway: Gateway, service: string, consumer: string): Promise<number> {
    const { services } = await gateway.health()
    const details = services.find(({ name }) => name === service)?.details?.[consumer] as { partitions: Sharing }
    return details.partitions.filter(({ stage }) => stage !== 'elsewhere').length
  }
  const shares = async (gateway: Gateway) =>
    Promise.all([
      share(gateway, 'projector', 'orders'),
      share(gateway, 'projector', 'sellers'),
      share(gateway, 'order-sync', 'hints'),
    ])

  /** As through a load balancer: eBay's repetition may reach the other process. */
  async function notify(orderId: string, first: Gateway): Promise<void> {
    for (let to = first; ; to = to === other ? world.gateway : other) {
      const [status] = await world.notify(orderId, { to })
      if (status === 204) return
      expect(status, 'no answer from a process that has gone, 503 from one that goes').to.be.oneOf([0, 503])
    }
  }

  async function sendOrders(count: number): Promise<void> {
    const { market } = world.simulator
    let left = count
    const sendOn = async () => {
      while (left > 0) {
        left -= 1
        const { orderId } = market.addOrder(seller.userId)
        await notify(orderId, left % 2 === 0 ? world.gateway : other)
        if (left % 3 > 0) continue
        market.updateOrder(orderId, { buyerCheckoutNotes: `changed ${orderId}` })
        await notify(orderId, left % 2 === 0 ? other : world.gateway)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, sendOn))
  }

  it('share the partitions, and one that is stopped in the middle leaves nothing undone and nothing done twice', async () => {
    await eventually('both have half of every consumer', async () =>
      [...(await shares(world.gateway)), ...(await shares(other))].every((partitions) => partitions === 4),
    )
    await sendOrders(ORDERS / 2)
    const sending = sendOrders(ORDERS / 2)
    expect(await other.stop()).to.deep.equal({ code: 0 })
    await sending
    await everythingArrived(world)
    await tablesEqualTheLog(world)
    const delivered = await deliveriesFollowTheLog(world)
    expect(world.receivers['warehouse']?.record.duplicates).to.equal(0)
    const states = new Set((await snapshots(world)).map(({ data }) => `${data.orderId} ${data.sourceTime}`))
    expect(states).to.have.length(delivered)
    await eventually('the other has all partitions', async () =>
      (await shares(world.gateway)).every((partitions) => partitions === 8),
    )
    expect((await world.gateway.health()).status).to.equal('ok')
  })
})
