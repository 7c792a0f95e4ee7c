import type { Row } from '@tributary/projection'
import { openVault } from '@tributary/vault'
import { expect } from 'chai'
import { deliveriesOf, eventsOf, orderRow, rowsWith } from './gateway/look.ts'
import { openWorld, type Seller, type World } from './gateway/world.ts'

const TABLES = ['eg_order_order', 'eg_order_order_detail', 'eg_order_order_original', 'tributary_order_fold']

describe('a person who deletes their eBay account', function () {
  this.timeout(60_000)
  let world: World
  let seller: Seller
  let theirs: string
  let another: string
  before(async () => {
    world = await openWorld({ name: 'erasure' })
    seller = (await world.consent()).seller
    theirs = await sendOrder('leaving_buyer')
    another = await sendOrder('staying_buyer')
  })
  after(() => world.close())

  async function sendOrder(username: string): Promise<string> {
    const { orderId } = world.simulator.market.addOrder(seller.userId, (order) => {
      order.buyer.username = username
      order.buyerCheckoutNotes = `a remark of ${username}`
    })
    expect(await world.notify(orderId)).to.deep.equal([204])
    await deliveriesOf(world, 'warehouse', orderId)
    await orderRow(world, orderId)
    return orderId
  }
  function deleteAccount(username: string): Promise<number[]> {
    const { notifications } = world.simulator
    const message = notifications.accountDeletion({ username, userId: `SYN-${username}` })
    return notifications.send(`${world.gateway.url}/open/order/callback/1`, message)
  }
  const personal = (row: Row) => Object.entries(row).filter(([column]) => /^(buyer|receiver)_/.test(column))
  const isBlank = (row: Row) => personal(row).every(([, value]) => value === '')
  const originalOf = async (row: Row) =>
    (await rowsWith(world, 'eg_order_order_original', 'order_id', row['id']))[0]?.['original']
  async function everyRow(): Promise<Record<string, Row[]>> {
    const found: Record<string, Row[]> = {}
    for (const table of TABLES) found[table] = await world.database.query<Row[]>('SELECT * FROM ?? ORDER BY id', [table])
    return found
  }

  it('and of whom we never heard changes nothing', async () => {
    const [rows, events] = [await everyRow(), (await world.events()).length]
    expect(await deleteAccount('a_stranger')).to.deep.equal([204])
    expect(await world.events()).to.have.length(events)
    expect(await everyRow()).to.deep.equal(rows)
  })

  it('goes blank in every row and nobody else does; the receiver is told to forget', async () => {
    const before = await orderRow(world, theirs)
    expect(isBlank(before)).to.equal(false)
    await world.database.query('CREATE TABLE copied_key AS SELECT * FROM tributary_subject_key')
    expect(await deleteAccount('leaving_buyer')).to.deep.equal([204])
    const row = await orderRow(world, theirs, isBlank)
    expect(await originalOf(row)).to.equal(null)
    const kept = (one: Row) => Object.entries(one).filter(([column]) => !/^(buyer_|receiver_|update_time)/.test(column))
    expect(kept(row)).to.deep.equal(kept(before))
    const other = await orderRow(world, another)
    expect(other).to.include({ buyer_id: 'staying_buyer' })
    expect(await originalOf(other)).to.include('staying_buyer')
    expect((await eventsOf(world, theirs)).at(-1)).to.include({ type: 'PersonalDataErased' })
    const told = (await deliveriesOf(world, 'warehouse', theirs, 2)).at(-1)
    expect(JSON.parse(told?.body ?? '{}')).to.include({ type: 'PersonalDataErased', orderId: theirs, personalData: 'erased' })
  })

  it('stays blank when their order changes, or the notice comes again', async () => {
    world.simulator.market.updateOrder(theirs, { orderFulfillmentStatus: 'FULFILLED' })
    await world.notify(theirs)
    const row = await orderRow(world, theirs, ({ status }) => status === 'SHIPPED')
    expect(isBlank(row)).to.equal(true)
    expect(await originalOf(row)).to.equal(null)
    const events = (await world.events()).length
    expect(await deleteAccount('leaving_buyer')).to.deep.equal([204])
    expect(await world.events()).to.have.length(events)
  })

  it('stays blank when the tables are made again from the log, and every row is as it was', async () => {
    const before = await everyRow()
    const { code, output, errors } = await world.gateway.run(['rebuild', 'orders', '--yes'])
    expect(code, errors).to.equal(0)
    expect(output).to.match(/is at generation 2/)
    expect(isBlank(await orderRow(world, theirs, ({ status }) => status === 'SHIPPED'))).to.equal(true)
    expect(await everyRow()).to.deep.equal(before)
    expect((await deliveriesOf(world, 'warehouse', another)).length, 'deliveries are not repeated').to.equal(1)
  })

  const openTheirs = async () => {
    const sealed = (await eventsOf(world, theirs)).flatMap((event) =>
      event.type === 'OrderReceived' && event.data.sealed !== null
        ? [{ subject: event.data.subject, eventId: event.id, jwe: event.data.sealed }]
        : [],
    )
    expect(sealed).not.to.have.length(0)
    // A vault of its own: one that is open remembers whose key it saw destroyed.
    const vault = await openVault({ database: world.database, masterKeys: [world.gateway.masterKey] })
    return [...new Set((await vault.open(sealed)).map(({ kind }) => kind))]
  }

  it('leaves nothing of theirs in the log that any key opens', async () => {
    expect(await openTheirs()).to.deep.equal(['erased'])
  })

  it('is erased again where their key came back with an older copy of the database', async () => {
    await world.database.query('REPLACE INTO tributary_subject_key SELECT * FROM copied_key')
    expect(await openTheirs()).to.deep.equal(['opened'])
    const { code, output, errors } = await world.gateway.run(['vault', 'erase-again'])
    expect(code, errors).to.equal(0)
    expect(output).to.include('The log tells of 1 erasure;')
    expect(await openTheirs()).to.deep.equal(['erased'])
  })
})
