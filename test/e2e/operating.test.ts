import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listParked } from '@tributary/consumer'
import { type ListedOutcome, listDeliveries } from '@tributary/delivery'
import { createEvent, type EventOf, encodeEvent, ORDER_TOPIC, timeOrderedEventId } from '@tributary/events'
import { expect } from 'chai'
import { eventually } from './gateway/eventually.ts'
import { arrivalsOf, deliveriesOf, orderRow, rowsWith, snapshotsOf } from './gateway/look.ts'
import { openWorld, type Seller, type World } from './gateway/world.ts'

describe('a running gateway, looked after by commands', function () {
  this.timeout(60_000)
  let world: World
  let seller: Seller
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tributary-spool-'))
    const settings = { ingest: { spool: { folder } } }
    world = await openWorld({ name: 'operating', receivers: ['warehouse', 'accounting'], settings })
    seller = (await world.consent({ codes: 'warehouse' })).seller
  })
  after(async () => {
    await world.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function command(...args: string[]): Promise<string> {
    const { code, output, errors } = await world.gateway.run(args)
    expect(code, errors).to.equal(0)
    return output
  }
  const list = async (what: string, ...options: string[]): Promise<Record<string, unknown>[]> =>
    (await command(what, 'list', '--json', ...options))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  async function sendOrder(): Promise<string> {
    const { orderId } = world.simulator.market.addOrder(seller.userId)
    expect(await world.notify(orderId)).to.deep.equal([204])
    return orderId
  }
  const service = async (name: string) => (await world.gateway.health()).services.find((one) => one.name === name)

  it('is ready and well, and says how each service does', async () => {
    await deliveriesOf(world, 'warehouse', await sendOrder())
    expect((await fetch(`${world.gateway.url}/readyz`)).status).to.equal(200)
    const health = await eventually('all is well', async () => {
      const report = await world.gateway.health()
      return report.status === 'ok' && report
    })
    const figures = new Map(health.services.map(({ name, details }) => [name, Object.keys(details ?? {})]))
    for (const name of ['ingest', 'order-sync', 'projector', 'dispatcher']) expect(figures.get(name), name).not.to.be.empty
    expect(await command('doctor')).not.to.match(/^FIX/m)
  })

  it('shows what ingest has on its own disk', async () => {
    expect(await command('spool', 'list')).to.equal('0 wait for the log, 0 bytes. Set aside:\n(none)\n')
    expect(await command('spool', 'list', '--json')).to.equal('')
    const { code, errors } = await world.gateway.run(['spool', 'retry'])
    expect([code, errors]).to.deep.equal([
      1,
      'tributary: No such thing is set aside. See: tributary spool list [SPOOL_NOTHING_SET_ASIDE]\n',
    ])
  })

  it('tells receivers of a change once, in order, and of a notification heard twice nothing new', async () => {
    const orderId = await sendOrder()
    await deliveriesOf(world, 'warehouse', orderId)
    const changed = world.simulator.market.updateOrder(orderId, (order) => {
      order.orderFulfillmentStatus = 'FULFILLED'
      order.lineItems = order.lineItems.slice(0, 1).map((line) => ({ ...line, title: 'renamed' }))
    })
    expect(await world.notify(orderId, { copies: 3 })).to.deep.equal([204, 204, 204])
    const row = await orderRow(world, orderId, ({ status }) => status === 'SHIPPED')
    const lines = await rowsWith(world, 'eg_order_order_detail', 'order_id', row['id'])
    expect(lines.filter(({ deleted }) => deleted === 0).map(({ title }) => title)).to.deep.equal(['renamed'])
    expect(lines.filter(({ deleted }) => deleted !== 0).every(({ id, deleted }) => deleted === id)).to.equal(true)
    await deliveriesOf(world, 'warehouse', orderId, 2)
    const received = arrivalsOf(world, 'warehouse', orderId).map(({ body }) => JSON.parse(body).sourceTime)
    expect(received.at(-1)).to.equal(Date.parse(changed.lastModifiedDate))
    expect(await snapshotsOf(world, orderId)).to.have.length(2)
    expect(received).to.have.length(2)
  })

  it('shows the lane of an order that its receiver refuses, while others pass', async () => {
    const { market } = world.simulator
    const { orderId } = market.addOrder(seller.userId)
    const key = `1:${seller.userId}:${orderId}`
    world.receivers['warehouse']?.fault({ kind: 'status', status: 500 }, { key, times: 1 })
    // The second try comes by the schedule; it ends when the command has seen the lane.
    const seen = Promise.withResolvers<void>()
    world.receivers['warehouse']?.fault({ kind: 'held', until: seen.promise }, { key, times: 1 })
    await world.notify(orderId)
    await eventually('the receiver refused it', () => arrivalsOf(world, 'warehouse', orderId).length > 0)
    await deliveriesOf(world, 'warehouse', await sendOrder())
    const [lane, ...others] = await list('deliveries', '--outcome', 'retrying')
    expect(lane).to.deep.include({ endpoint: 'egOrderSpiConsumerGroup:warehouse', key, outcome: 'retrying', attempt: 1 })
    expect(others).to.deep.equal([])
    seen.resolve()
    await deliveriesOf(world, 'warehouse', orderId)
    expect(arrivalsOf(world, 'warehouse', orderId).map(({ taken }) => taken)).to.deep.equal([false, true])
  })

  it('shows what was delivered, skips what is refused and sends it after all, and tells what is missing', async () => {
    const name = 'egOrderSpiConsumerGroup:warehouse'
    const receiver = world.receivers['warehouse']
    const listed = (outcome?: ListedOutcome) =>
      listDeliveries(world.database, { endpoints: [name], limit: 1, ...(outcome ? { outcome } : {}) })
    await deliveriesOf(world, 'warehouse', await sendOrder())
    const { orderId } = world.simulator.market.addOrder(seller.userId)
    const key = `1:${seller.userId}:${orderId}`
    receiver?.fault({ kind: 'status', status: 400 }, { key })
    await world.notify(orderId)
    await eventually('it is in a lane', async () => (await listed('retrying'))[0]?.key === key)
    const id = String(arrivalsOf(world, 'warehouse', orderId)[0]?.id)
    await command('deliveries', 'skip', name, id, '--reason', 'typed in twice')
    await eventually('it is given up', async () => (await listed('given-up'))[0]?.reason === 'skipped: typed in twice')
    receiver?.heal()
    await command('deliveries', 'retry', name, id)
    await eventually('it is delivered', async () => (await listed())[0]?.outcome === 'delivered')

    const shown = JSON.parse(await command('deliveries', 'show', id, '--json'))
    const standings = shown.endpoints.map(({ endpoint, standing }: Record<string, unknown>) => [endpoint, standing])
    expect(standings).to.deep.include.members([
      [name, 'delivered'],
      ['egOrderSpiConsumerGroup:accounting', 'not for it'],
    ])
    const outcomes = shown.endpoints[0].tries.map(({ outcome }: Record<string, unknown>) => outcome)
    expect([outcomes[0], outcomes.at(-1)]).to.deep.equal(['refused', 'delivered'])
    expect(shown.endpoints[0].tries.at(-1)).to.include({ answer: '{"success":true}', status: 200 })
    const [last, ...others] = await list('deliveries', '--order', key, '--outcome', 'delivered')
    expect(last).to.deep.include({ endpoint: name, place: shown.place, eventId: id.replace('msg_', '') })
    expect(others).to.deep.equal([])

    await world.database.query('DELETE FROM tributary_delivery_attempt WHERE event_id = ?', [id.replace('msg_', '')])
    const { code, output } = await world.gateway.run(['deliveries', 'verify', '--endpoint', name, '--json'])
    const verified = JSON.parse(output)
    expect([code, verified.missing, verified.deliveries[0].key]).to.deep.equal([1, 1, key])
    expect(verified.endpoints[0].delivered).to.be.above(0)
  })

  it('keeps an endpoint where it stands while it is paused, and delivers a range again', async () => {
    const name = 'egOrderSpiConsumerGroup:warehouse'
    const before = await sendOrder()
    await deliveriesOf(world, 'warehouse', before)
    await command('endpoint', 'pause', name, '--reason', 'Stocktaking.')
    expect((await list('endpoint'))[0]).to.include({ endpoint: name, state: 'paused', reason: 'Stocktaking.' })
    await eventually('its gate is shut', async () => String((await service('dispatcher'))?.reason).includes('Stocktaking.'))
    const waiting = await sendOrder()
    await orderRow(world, waiting)
    expect(arrivalsOf(world, 'warehouse', waiting)).to.deep.equal([])
    await command('endpoint', 'resume', name)
    await deliveriesOf(world, 'warehouse', waiting)

    const key = `1:${seller.userId}:${before}`
    const dryRun = JSON.parse(await command('replay', name, '--from', '0', '--key', key, '--dry-run', '--json'))
    expect(dryRun).to.include({ endpoint: name, events: 1 })
    expect(arrivalsOf(world, 'warehouse', before)).to.have.length(1)
    const nothing = await world.gateway.run(['replay', name, '--from', '0', '--key', '1:nobody:nothing', '--yes'])
    expect(nothing).to.include({ code: 1 }).and.property('errors').includes('REPLAY_EMPTY')
    await command('replay', name, '--from', '0', '--key', key, '--yes')
    await deliveriesOf(world, 'warehouse', before, 2)
    const ids = arrivalsOf(world, 'warehouse', before).map(({ id }) => id)
    expect(ids[1]).to.equal(ids[0])
    expect(arrivalsOf(world, 'warehouse', waiting)).to.have.length(1)
  })

  it('parks an order whose event cannot be applied, and goes on with it when an operator says so', async () => {
    const orderId = await sendOrder()
    await deliveriesOf(world, 'warehouse', orderId)
    await orderRow(world, orderId)
    const [snapshot] = await snapshotsOf(world, orderId)
    if (!snapshot) throw new Error(`Nothing was read of ${orderId}, though it was delivered`)
    await appendPoison(world, snapshot)
    await eventually('the projector parked the key', async () => (await service('projector'))?.status === 'degraded')
    const [parked] = await list('parked', '--consumer', 'orders')
    const key = `1:${snapshot.data.sellerRowId}:${orderId}`
    expect(parked).to.include({ key, state: 'parked', errorCode: 'PROJECTION_PERSONAL_PART_INVALID', waiting: 1 })

    world.simulator.market.updateOrder(orderId, { buyerCheckoutNotes: 'waits behind' })
    await world.notify(orderId)
    await eventually('the later event waits behind', async () => {
      const [waiting] = await listParked(world.database, { consumer: 'orders' })
      return waiting?.waiting === 2
    })
    await orderRow(world, await sendOrder())
    await command('parked', 'skip', 'orders', key, String(parked?.['position']), '--yes')
    await command('parked', 'requeue', 'orders', key)
    await orderRow(world, orderId, (row) => row['buyer_remark'] === 'waits behind')
  })

  it('sends the orders of a seller where `seller route` says', async () => {
    const words = await command('seller', 'route', 'ebay', seller.userId, '--spi', 'accounting')
    expect(words).to.include('go to: accounting')
    await eventually('the seller has its route', async () => {
      const [row] = await rowsWith(world, 'eg_order_app_seller', 'seller_id', seller.userId)
      return row?.['spi_server_codes'] === 'accounting'
    })
    const [listed] = await list('seller')
    expect(listed).to.deep.include({ seller: seller.userId, spi: ['accounting'], grant: 'standing' })
    const ends = String(listed?.['grantEnds'])
    expect(new Date(ends).toISOString()).to.equal(ends)
    expect((Date.parse(ends) - Date.now()) / 86_400_000).to.be.within(547, 548)
    // What is sent counts from two seconds after the row says so (docs/spi.md).
    const orderId = await eventually('an order goes to accounting alone', async () => {
      const sent = await sendOrder()
      await deliveriesOf(world, 'accounting', sent)
      return arrivalsOf(world, 'warehouse', sent).length === 0 && sent
    })
    expect(arrivalsOf(world, 'warehouse', orderId)).to.deep.equal([])
  })
})

/** An event like `snapshot`, in which a seal holds what no seal of an order holds. */
async function appendPoison({ vault, log }: World, snapshot: EventOf<'OrderReceived'>): Promise<void> {
  const id = timeOrderedEventId()
  const { data, subject, source, partitionkey } = snapshot
  const [sealed] = await vault.seal([{ subject: data.subject, eventId: id, plaintext: '{}' }])
  if (sealed?.kind !== 'sealed') throw new Error('The person of the order is erased')
  const event = createEvent({
    ...{ id, type: 'OrderReceived', subject, source, partitionkey, time: Date.now() },
    data: { ...data, sourceTime: data.sourceTime + 1, sealed: sealed.jwe },
  })
  await log.append(ORDER_TOPIC, [encodeEvent(event)])
}
