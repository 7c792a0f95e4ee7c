import { randomBytes } from 'node:crypto'
import type { SourceOrder } from '@tributary/channels'
import type { Database } from '@tributary/database'
import { migratedTestDatabase } from '@tributary/test/servers'
import { openVault, type Vault } from '@tributary/vault'
import { expect } from 'chai'
import { type ChangedOrder, changeOf, DOUBTFUL } from './order-changes.ts'
import { forgetPersonalData, loadSeenOrders, rememberOrders, sweepOpenOrders } from './seen-orders.ts'

const seller = { channel: 1, sellerId: 's1' }

describe('what was seen of orders', () => {
  let database: Database
  let vault: Vault
  let drop: () => Promise<void>
  before(async () => {
    const made = await migratedTestDatabase('seen_orders')
    database = made.database
    drop = made.drop
    vault = await openVault({ database, masterKeys: [randomBytes(32)] })
  })
  beforeEach(() => database.query('DELETE FROM tributary_order_seen'))
  after(() => drop())

  const source = (
    change: { orderId?: string; time?: number; digest?: string; buyer?: object; status?: 'SHIPPED' } = {},
  ): SourceOrder => ({
    orderId: change.orderId ?? 'o1',
    sourceTime: change.time ?? 1_000,
    person: { kind: 'ebay:user', id: 'buyer 1' },
    order: {
      status: change.status ?? 'AWAITING_SHIPMENT',
      sellerName: '',
      cancelState: '',
      cancelledDate: '',
      creationDate: '',
      creationTime: 500,
      lastModifiedDate: '',
      fulfillmentStatus: '',
      paymentStatus: '',
      digest: change.digest ?? 'one',
      lines: [],
      linesComplete: true,
    },
    personal: { buyer: { id: 'buyer 1', ...change.buyer }, receiver: { city: 'Springfield' }, original: '{}' },
    problems: [],
  })
  const seen = async (orderId = 'o1') => (await loadSeenOrders(database, seller, [orderId])).get(orderId)
  const compare = async (order: SourceOrder) =>
    changeOf({ ...seller, orderId: order.orderId }, order, await seen(order.orderId), vault)
  const changed = async (order: SourceOrder): Promise<ChangedOrder> => {
    const change = await compare(order)
    if (!change) throw new Error('this is no change')
    return change
  }
  const remember = async (order: SourceOrder) => {
    const change = await changed(order)
    expect(await rememberOrders(database, seller, [change])).to.deep.equal([])
    return change
  }

  it('makes what is equal, late, or has aged out no change', async () => {
    await remember(source({ buyer: { name: 'Pat', email: 'pat@example' } }))
    for (const order of [
      source({ buyer: { name: 'Pat', email: 'pat@example' } }),
      source(),
      source({ time: 999, digest: 'another' }),
      source({ time: 0 }),
    ])
      expect(await compare(order)).to.equal(null)
  })

  it('makes another time, another digest, and a personal field that is new or different a change', async () => {
    await remember(source({ buyer: { name: 'Pat' } }))
    for (const order of [
      source({ time: 1_001 }),
      source({ digest: 'two' }),
      source({ time: 0, digest: 'two' }),
      source({ buyer: { name: 'Pam' } }),
      source({ buyer: { taxId: '7' } }),
    ])
      expect(await compare(order)).not.to.equal(null)
  })

  it('goes on knowing a field that one snapshot left out', async () => {
    await remember(source({ buyer: { name: 'Pat' } }))
    await remember(source({ time: 2_000 }))
    expect(await compare(source({ time: 2_000, buyer: { name: 'Pat' } }))).to.equal(null)
    expect(await compare(source({ time: 2_000, buyer: { name: 'Pam' } }))).not.to.equal(null)
  })

  it('holds no personal data', async () => {
    await remember(source({ buyer: { name: 'Pat Example', email: 'pat@example' } }))
    expect(JSON.stringify(await database.query('SELECT * FROM tributary_order_seen'))).not.to.match(/pat|springfield|buyer 1/i)
  })

  it('gives a change the same name for whoever finds it first, and each later change another', async () => {
    const first = await changed(source())
    expect((await changed(source())).eventId).to.equal(first.eventId)
    expect((await changed(source({ buyer: { name: 'Pat' } }))).eventId).not.to.equal(first.eventId)
    await rememberOrders(database, seller, [first])
    const there = await remember(source({ digest: 'two' }))
    const back = await remember(source())
    expect(new Set([first, there, back].map(({ eventId }) => eventId)).size).to.equal(3)
  })

  it('may be told twice', async () => {
    const change = await changed(source())
    for (let time = 0; time < 2; time++) expect(await rememberOrders(database, seller, [change])).to.deep.equal([])
    expect((await seen())?.digest).to.equal('one')
  })

  it('is doubtful when two processes appended different snapshots, so that the next read appends for sure', async () => {
    const [one, other] = [await changed(source()), await changed(source({ digest: 'two' }))]
    await rememberOrders(database, seller, [one])
    expect(await rememberOrders(database, seller, [other])).to.deep.equal(['o1'])
    expect((await seen())?.digest).to.equal(DOUBTFUL)
    expect(await compare(source({ digest: 'two' }))).not.to.equal(null)
    await remember(source())
    expect(await compare(source())).to.equal(null)
  })

  it('forgets what is personal after an erasure, whatever is remembered later', async () => {
    const { seen: before } = await remember(source({ buyer: { name: 'Pat' } }))
    const late = await changed(source({ time: 2_000 }))
    await forgetPersonalData(database, [{ ...seller, orderId: 'o1', subject: before.subject }])
    expect((await seen())?.personal).to.equal(null)
    expect(await compare(source({ buyer: { name: 'Pam' } }))).to.equal(null)
    await rememberOrders(database, seller, [late])
    expect((await seen())?.personal).to.equal(null)
    expect((await changed(source({ time: 3_000 }))).seen.personal).to.equal(null)
  })

  it('tells which orders are not shipped yet', async () => {
    await remember(source())
    await remember(source({ orderId: 'o2', status: 'SHIPPED' }))
    await sweepOpenOrders(database, seller, { since: 501, now: 10, spread: 0 })
    expect(await database.query('SELECT order_id FROM tributary_order_read')).to.deep.equal([])
    for (let time = 0; time < 2; time++) await sweepOpenOrders(database, seller, { since: 500, now: 10, spread: 5 })
    const tasks = await database.query<{ order_id: string; due_time: number }[]>(
      'SELECT order_id, due_time FROM tributary_order_read',
    )
    expect(tasks.map(({ order_id }) => order_id)).to.deep.equal(['o1'])
    expect(tasks[0]?.due_time).to.be.within(10, 15)
  })
})
