import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ORDER_TOPIC, orderKey } from '@tributary/events'
import type { RowHistory } from '@tributary/history'
import { findEvents } from '@tributary/history'
import { expect } from 'chai'
import { migratedTestDatabase } from '../servers/index.ts'
import { eventually } from './gateway/eventually.ts'
import { createGateway } from './gateway/gateway.ts'
import { deliveriesOf, orderRow, snapshotsOf } from './gateway/look.ts'
import { openWorld, type Seller, type World } from './gateway/world.ts'

type Shown = {
  type: string
  partition: number
  position: number
  recordedTime: number
  id: string
  partitionkey: string
  data: { orderId: string; sealed?: unknown }
}

describe('looking into the log by commands', function () {
  this.timeout(60_000)
  let world: World
  let seller: Seller
  let orderId: string
  before(async () => {
    world = await openWorld({ name: 'history' })
    seller = (await world.consent({ codes: 'warehouse' })).seller
    orderId = world.simulator.market.addOrder(seller.userId, { buyerCheckoutNotes: 'first words' }).orderId
    await world.notify(orderId)
    await deliveriesOf(world, 'warehouse', orderId)
    world.simulator.market.updateOrder(orderId, (order) => {
      order.orderFulfillmentStatus = 'FULFILLED'
      order.buyerCheckoutNotes = 'second words'
    })
    await world.notify(orderId)
    await orderRow(world, orderId, ({ status }) => status === 'SHIPPED')
  })
  after(() => world.close())

  async function command(...args: string[]): Promise<string> {
    const { code, output, errors } = await world.gateway.run(args)
    expect(code, errors).to.equal(0)
    return output
  }
  const lines = async <T>(...args: string[]): Promise<T[]> =>
    (await command(...args))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T)
  const find = (...args: string[]) => lines<Shown>('events', 'find', '--json', ...args)
  const audits = () => world.database.query<{ action: string; target: string }[]>('SELECT action, target FROM tributary_audit')

  it('finds the events of an order and of a seller, in order, sealed', async () => {
    const found = await find('--order', `1:${seller.userId}:${orderId}`)
    expect(found.map(({ type }) => type)).to.deep.equal(['OrderNotified', 'OrderReceived', 'OrderNotified', 'OrderReceived'])
    expect(found.every(({ data }) => data.orderId === orderId)).to.equal(true)
    expect(JSON.stringify(found)).not.to.contain('words')
    const ofSeller = await find('--seller', `1:${seller.userId}`)
    expect(ofSeller.map(({ type }) => type)).to.deep.equal(['SellerAuthorized'])
    expect(await find('--order', `ebay:${seller.userId}:${orderId}`)).to.have.length(4)
    expect(await find('--order', `1:${seller.userId}:none`)).to.deep.equal([])
    expect(await command('events', 'find', '--order', `1:${seller.userId}:none`)).to.equal('(none)\n')
  })

  it('finds by time, and no more than was asked for', async () => {
    const all = await find('--since', '2020-01-01')
    expect(all).to.have.length(5)
    const second = all[2]?.recordedTime ?? 0
    const since = await find('--since', String(second))
    expect(since.map(({ id }) => id)).to.deep.equal(
      all.filter(({ recordedTime }) => recordedTime >= second).map(({ id }) => id),
    )
    expect(await find('--since', '2020-01-01', '--until', String(all[1]?.recordedTime))).to.have.length(1)
    expect(await find('--since', '2020-01-01', '--limit', '2')).to.have.length(2)
    expect(await find('--since', '2020-01-01', '--type', 'OrderReceived')).to.have.length(2)
  })

  it('finds what the index has not come to, too', async () => {
    const key = orderKey(1, seller.userId, orderId)
    const matches = ({ event }: { event: { partitionkey: string } }) => event.partitionkey === key
    const count = async () => (await findEvents(world, ORDER_TOPIC, { kind: 'key', key }, { matches })).length
    await eventually('the index is through', async () => {
      const [row] = await world.database.query<{ count: number }[]>('SELECT COUNT(*) AS count FROM tributary_event_index')
      return Number(row?.count) >= 10
    })
    expect(await count()).to.equal(4)
    await world.gateway.stop()
    await world.database.query("DELETE FROM tributary_cursor WHERE consumer = 'event-index'")
    await world.database.query('DELETE FROM tributary_event_index')
    expect(await count()).to.equal(4)
    world.gateway.start()
    await world.gateway.ready()
  })

  it('shows an event by its id and by its place, opens it only when told to, and records that', async () => {
    const [snapshot] = await snapshotsOf(world, orderId)
    const shown = JSON.parse(await command('events', 'show', snapshot?.id ?? '')) as Shown
    expect(shown.data.sealed).to.be.a('string')
    expect(await audits()).to.deep.equal([])
    const place = `${ORDER_TOPIC}/${shown.partition}/${shown.position}`
    const opened = JSON.parse(await command('events', 'show', place, '--open')) as Shown
    expect(opened.id).to.equal(snapshot?.id)
    expect(opened.data.sealed).to.have.nested.property('buyer.remark', 'first words')
    expect(await audits()).to.deep.equal([{ action: 'events show --open', target: place }])
    const { code, errors } = await world.gateway.run(['events', 'show', `${ORDER_TOPIC}/0/999999`])
    expect({ code, errors }).to.deep.equal({
      code: 1,
      errors: `tributary: There is no event at ${ORDER_TOPIC}/0/999999. [EVENT_UNKNOWN]\n`,
    })
  })

  it('ends the tail with what there is, newest last', async () => {
    const all = await lines<Shown>('events', 'tail', '--json', '--last', '50')
    expect(all.map(({ recordedTime }) => recordedTime)).to.deep.equal(all.map(({ recordedTime }) => recordedTime).toSorted())
    expect(all).to.have.length(5)
  })

  it('tells why a row is as it is, what each event changed, and how it was', async () => {
    const row = await orderRow(world, orderId)
    const why = async (...args: string[]) =>
      (await lines<RowHistory>('row', 'why', 'eg_order_order', String(row['id']), '--json', ...args))[0]
    const history = await why('--open')
    expect(history?.steps.map(({ type, state }) => [type, state])).to.deep.equal([
      ['OrderReceived', 'applied'],
      ['OrderReceived', 'applied'],
    ])
    const changes = new Map(history?.steps[1]?.changes.map((change) => [change.column, change]))
    expect(changes.get('status')).to.include({ before: 'AWAITING_SHIPMENT', after: 'SHIPPED' })
    expect(changes.get('buyer_remark')).to.include({ before: 'first words', after: 'second words' })
    expect(changes.has('receiver_city')).to.equal(false)
    expect(history?.row).to.deep.equal(row)
    expect(history?.unexplained).to.deep.equal([])

    const first = history?.steps[0]?.recordedTime ?? 0
    expect((await why('--at', String(first)))?.row).to.include({ status: 'AWAITING_SHIPMENT', buyer_remark: '•••' })
    expect((await why('--at', String(first - 1)))?.row).to.equal(undefined)
    const closed = await command('row', 'why', 'eg_order_order', String(row['id']))
    expect(closed).to.include('status: "AWAITING_SHIPMENT" → "SHIPPED"').and.not.to.contain('words')
  })

  it('tells why a line of an order is as it is, and which columns no event explains', async () => {
    const row = await orderRow(world, orderId)
    const [line] = await world.database.query<{ id: number; title: string }[]>(
      'SELECT id, title FROM eg_order_order_detail WHERE order_id = ?',
      [row['id']],
    )
    const setTitle = (title: unknown) =>
      world.database.query('UPDATE eg_order_order_detail SET title = ? WHERE id = ?', [title, line?.id])
    await setTitle('by hand')
    const [history] = await lines<RowHistory>('row', 'why', 'eg_order_order_detail', String(line?.id), '--json')
    expect(history?.steps[0]?.changes.map(({ column }) => column)).to.include('title')
    expect(history?.unexplained).to.deep.equal(['title'])
    await setTitle(line?.title)
    for (const [table, id, problem] of [
      ['eg_order_order', '7', 'HISTORY_ROW_UNKNOWN'],
      ['eg_spi', '1', 'HISTORY_TABLE_UNKNOWN'],
    ] as const) {
      const { code, errors } = await world.gateway.run(['row', 'why', table, id])
      expect(code).to.equal(1)
      expect(errors).to.contain(problem)
    }
  })

  it('makes the same tables, ids included, from an archive in another place', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tributary-archive-'))
    const { url, database, drop } = await migratedTestDatabase('restored')
    const { simulator, gateway } = world
    const other = await createGateway({ databaseUrl: url, ebay: simulator.urls, receivers: {}, masterKey: gateway.masterKey })
    try {
      expect(await command('export', '--to', folder, '--with-keys')).to.match(/holds 5 events in \d+ files, \d+ data keys/)
      const { code, output, errors } = await other.run(['restore', '--from', folder, '--with-keys'])
      expect(code, errors).to.equal(0)
      expect(output).to.include('holds all 5 events of the archive, 5 of them new')
      other.start()
      await other.ready()
      for (const table of ['eg_order_order', 'eg_order_order_detail', 'eg_order_order_original', 'eg_order_app_seller']) {
        const rows = (from: World['database']) => from.query<object[]>('SELECT * FROM ?? ORDER BY id', [table])
        const expected = await rows(world.database)
        await eventually(`${table} is equal`, async () => JSON.stringify(await rows(database)) === JSON.stringify(expected))
        expect(expected).not.to.deep.equal([])
      }
    } finally {
      await other.remove()
      await drop()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
