import { expect } from 'chai'
import { eventually } from './gateway/eventually.ts'
import { deliveriesOf, orderRow, rowsWith, snapshotsOf } from './gateway/look.ts'
import { openWorld, type Seller, type World } from './gateway/world.ts'

/** Polling keeps a minute from now, because clocks differ: what it is to find must be older. */
const POLLABLE = 90_000

describe('sellers, asked for their orders without any notification', function () {
  this.timeout(60_000)
  let world: World
  let steady: Seller
  let leaving: Seller
  before(async () => {
    world = await openWorld({ name: 'polling', settings: { 'order-sync': { 'poll-interval-seconds': 1 } } })
    steady = (await world.consent()).seller
    leaving = (await world.consent()).seller
  })
  after(() => world.close())

  const ago = (milliseconds: number) => new Date(Date.now() - milliseconds).toISOString()
  const addOld = (seller: Seller): string => {
    const times = { creationDate: ago(POLLABLE), lastModifiedDate: ago(POLLABLE) }
    return world.simulator.market.addOrder(seller.userId, times).orderId
  }
  const pollsOf = ({ userId }: Seller): number =>
    world.simulator.requests.filter(
      ({ operation, authorization }) =>
        operation === 'getOrders' && world.simulator.market.accessOf(authorization.replace('Bearer ', ''))?.userId === userId,
    ).length
  const orderSync = async () => (await world.gateway.health()).services.find(({ name }) => name === 'order-sync')
  const rowOf = async ({ userId }: Seller) => (await rowsWith(world, 'eg_order_app_seller', 'seller_id', userId))[0]

  it('brings orders and their changes, once each', async () => {
    const orderId = addOld(steady)
    await deliveriesOf(world, 'warehouse', orderId)
    const [snapshot] = await snapshotsOf(world, orderId)
    expect(snapshot?.data).to.include({ origin: 'poll' })
    world.simulator.market.updateOrder(orderId, {
      orderFulfillmentStatus: 'FULFILLED',
      lastModifiedDate: ago(POLLABLE - 10_000),
    })
    await orderRow(world, orderId, ({ status }) => status === 'SHIPPED')
    // Windows overlap, so it is found again and again: it must not count as changed.
    const polls = pollsOf(steady)
    await eventually('two more polls', () => pollsOf(steady) >= polls + 2)
    expect(await snapshotsOf(world, orderId)).to.have.length(2)
    expect(world.simulator.count('getOrder')).to.equal(0)
  })

  it('ends for a seller who revoked the grant, who is named; the others go on', async () => {
    const { simulator, gateway } = world
    simulator.market.revoke(leaving.userId)
    const message = simulator.notifications.authorizationRevocation(leaving.userId)
    expect(await simulator.notifications.send(`${gateway.url}/open/order/callback/1`, message)).to.deep.equal([204])
    await eventually('the row shows it', async () => (await rowOf(leaving))?.['refresh_token'] === '')
    const report = await eventually('health names the seller', async () => {
      const found = await orderSync()
      return found?.status === 'degraded' && found
    })
    expect(report.reason).to.include('1 sellers must consent again')
    expect(report.details).to.deep.include({ mustConsentAgain: [leaving.userId] })
    expect((await world.events()).filter(({ type }) => type === 'SellerDeauthorized')).to.have.length(1)

    const { output } = await gateway.run(['seller', 'list'])
    expect(output.split('\n').find((line) => line.includes(leaving.userId))).to.match(/consent/)
    expect(output.split('\n').find((line) => line.includes(steady.userId))).to.match(/in \d+ days/)

    const [asked, tokens, polls] = [pollsOf(leaving), simulator.count('token'), pollsOf(steady)]
    await eventually('the other seller is polled three more times', () => pollsOf(steady) >= polls + 3)
    expect([pollsOf(leaving), simulator.count('token')]).to.deep.equal([asked, tokens])
  })

  it('begins again with a new consent, on the same row, where it had stopped', async () => {
    const missed = addOld(leaving)
    const before = await rowOf(leaving)
    const { page } = await world.consent({ seller: leaving })
    expect(page.status).to.equal(200)
    await deliveriesOf(world, 'warehouse', missed)
    const row = await rowOf(leaving)
    expect(row).to.include({ id: before?.['id'], spi_server_codes: 'warehouse', deleted: 0 })
    expect(row?.['refresh_token']).not.to.equal('')
    await eventually('health is well again', async () => (await orderSync())?.status === 'ok')
  })
})
