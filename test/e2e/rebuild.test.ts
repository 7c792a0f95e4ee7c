import { expect } from 'chai'
import { deliveriesOf, orderRow } from './gateway/look.ts'
import { openWorld, type Seller, type World } from './gateway/world.ts'

describe('rebuilding by commands, while a gateway runs', function () {
  this.timeout(90_000)
  let world: World
  let seller: Seller
  let orderId: string
  before(async () => {
    world = await openWorld({ name: 'rebuilding' })
    seller = (await world.consent({ codes: 'warehouse' })).seller
    orderId = await sendOrder()
  })
  after(() => world.close())

  async function sendOrder(): Promise<string> {
    const order = world.simulator.market.addOrder(seller.userId)
    await world.notify(order.orderId)
    await deliveriesOf(world, 'warehouse', order.orderId)
    await orderRow(world, order.orderId)
    return order.orderId
  }
  const run = (...args: string[]) => world.gateway.run(['rebuild', 'orders', ...args])
  async function done(...args: string[]): Promise<string> {
    const { code, output, errors } = await run(...args)
    expect(code, errors + output).to.equal(0)
    return output
  }
  const status = async () => JSON.parse((await world.gateway.run(['projection', 'status', 'orders', '--json'])).output)
  const setBuyer = (name: string) =>
    world.database.query('UPDATE eg_order_order SET buyer_name = ? WHERE order_id = ?', [name, orderId])

  it('asks before it does anything, and goes on with nothing that was not begun', async () => {
    const { code, output, errors } = await run()
    expect(code).to.equal(1)
    expect((await run('--resume', '--yes')).errors).to.include('REBUILD_UNKNOWN')
    expect((await run('--pause')).errors).to.include('REBUILD_UNKNOWN')
    expect((await run('--abort')).errors).to.include('REBUILD_UNKNOWN')
    expect(output).to.include('A rebuild of orders to generation 2:').and.to.include('events of the log')
    expect(errors).to.include('Add --yes')
    expect(await status()).to.include({ generation: 1, lag: 0, rate: 0, parked: 0, lastRebuild: 'none' })
  })

  it('compares only, when told so, and tells what would change without showing what is personal', async () => {
    const plan = await done('--verify-only')
    expect(plan).to.include('nothing is swapped').and.to.include('The tables are what the log says.')
    const row = await orderRow(world, orderId)
    await setBuyer('somebody else')
    const { code, output } = await run('--verify-only', '--explain-diff')
    expect(code).to.equal(2)
    expect(output).to.include('eg_order_order: 1 rows live, 1 rebuilt, 1 differ')
    expect(output).to.include(`eg_order_order ${row['id']} buyer_name: ••• → •••`)
    expect(await status()).to.include({ generation: 1 })
  })

  it('tells of a rebuild that was killed that nobody runs it, and gives it up', async () => {
    const [latest] = await world.database.query<{ generation: number }[]>(
      "SELECT MAX(generation) AS generation FROM tributary_rebuild WHERE projection = 'orders'",
    )
    // As a process leaves it that was killed.
    await world.database.query("UPDATE tributary_rebuild SET state = 'building' WHERE generation = ?", [latest?.generation])
    expect((await status()).lastRebuild).to.match(/^generation \d+ building .*Z, nobody runs it$/)
    expect((await run('--pause')).errors).to.include('REBUILD_IDLE')
    expect(await done('--abort')).to.include('Aborted')
    expect((await status()).lastRebuild).to.match(/^generation \d+ aborted .*Z$/)
  })

  it('swaps the tables and tells how long that took; new orders go on into them', async () => {
    const output = await done('--yes')
    expect(output).to.match(/orders is at generation \d+\. The rename took [\d.]+ ms/)
    expect((await orderRow(world, orderId))['buyer_name']).not.to.equal('somebody else')
    await sendOrder()
    const { output: checksums } = await world.gateway.run(['projection', 'status', 'orders', '--checksum', '--json'])
    expect(checksums).to.match(/"table":"eg_order_order","rows":2,"checksum":"\d+:\d+"/)
  })

  it('makes one order alone right in the live tables', async () => {
    const row = await orderRow(world, orderId)
    await setBuyer('by hand')
    const key = `${row['channel']}:${row['order_app_seller_id']}:${orderId}`
    expect(await done('--only-key', key)).to.match(/^\d+ events? of \S+: rows made right: 1 of eg_order_order\.$/m)
    expect(await orderRow(world, orderId)).to.deep.equal(row)
    expect(await done('--only-key', key)).to.include('every row was right')
    await sendOrder()
    expect((await run('--only-key', '1:2:3')).errors).to.include('KEY_UNKNOWN')
  })

  it('rolls back, once', async () => {
    expect(await done('--rollback', '--yes')).to.match(
      /orders is at generation 1 again\. The rename took [\d.]+ ms; the projector stood still for \d+ ms\./,
    )
    const { code, errors } = await run('--rollback', '--yes')
    expect(code).to.equal(1)
    expect(errors).to.include('only one that is done can be rolled back')
    await sendOrder()
  })
})
