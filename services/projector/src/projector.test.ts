import { randomBytes } from 'node:crypto'
import { listParked, type ParkedKey } from '@tributary/consumer'
import { openStage, quietLogger, type Stage } from '@tributary/consumer/testing'
import { derivedEventId, encodeEvent, ORDER_TOPIC, type StoredEvent } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { orders } from '@tributary/orders'
import { verifyProjection } from '@tributary/projection/testing'
import type { Service } from '@tributary/runtime'
import { sellers } from '@tributary/sellers'
import { createRandom } from '@tributary/test/random'
import { until } from '@tributary/test/servers'
import { openVault, type Vault } from '@tributary/vault'
import { expect } from 'chai'
import { createProjector } from './index.ts'
import { createOrderWorld } from './testing/order-world.ts'

const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? Date.now() % 1_000_000)

describe(`the projector (seed ${SEED})`, () => {
  let stage: Stage
  /** The world's; the projector has its own, as in another process: it still opens for a minute what was erased. */
  let vault: Vault
  let projectorVault: Vault
  const masterKeys = [randomBytes(32)]
  let running: Service[] = []

  beforeEach(async () => {
    running = []
    stage = await openStage('projector', { partitions: 3 })
    projectorVault = await openVault({ database: stage.database, masterKeys })
    vault = await openVault({ database: stage.operator, masterKeys })
  })
  afterEach(async () => {
    await Promise.all(running.map((projector) => projector.stop()))
    await stage.close()
  })

  const start = async (): Promise<Service> => {
    const projector = createProjector({ ...stage, configuration: { wework: {} }, vault: projectorVault, logger: quietLogger })
    await projector.start()
    running.push(projector)
    return projector
  }
  const untilThrough = () =>
    until('both projections are through', async () => {
      const ends = (await stage.operatorLog.ends(ORDER_TOPIC)).reduce((sum, end) => sum + end, 0)
      const rows = await stage.operator.query<{ sum: number }[]>(
        "SELECT consumer, SUM(next_position) AS sum FROM tributary_cursor WHERE consumer IN ('orders', 'sellers') GROUP BY consumer",
      )
      return rows.length === 2 && rows.every(({ sum }) => Number(sum) === ends)
    })
  const verify = async (projection: typeof orders) =>
    verifyProjection({ projection, database: stage.operator, log: stage.operatorLog, vault })

  it('keeps tables that equal the fold of the log, whatever arrives in whatever order, and whatever breaks', async () => {
    const random = createRandom(SEED)
    const world = createOrderWorld(vault, random)
    await start()
    await start()
    for (let step = 0; step < 150; step += 1) {
      await stage.appendStored(...(await world.next()))
      if (random.from(1, 25) === 1) await stage.killConnections()
      if (random.from(1, 40) === 1) await running.pop()?.stop()
      if (running.length < 2 && random.from(1, 5) === 1) await start()
    }
    if (running.length === 0) await start()
    await untilThrough()
    const ofOrders = await verify(orders)
    expect(ofOrders.differences).to.deep.equal([])
    expect(ofOrders.rows['eg_order_order']).to.be.greaterThan(5)
    const ofSellers = await verify(sellers)
    expect(ofSellers.differences).to.deep.equal([])
    expect(ofSellers.rows['eg_order_app_seller']).to.be.greaterThan(0)
  }).timeout(60_000)

  it('is checked by a comparison that finds every kind of difference', async () => {
    const world = createOrderWorld(vault, createRandom(SEED))
    for (let step = 0; step < 40; step += 1) await stage.appendStored(...(await world.next()))
    await start()
    await untilThrough()
    await Promise.all(running.map((projector) => projector.stop()))
    const ids = await stage.operator.query<{ id: number }[]>('SELECT id FROM eg_order_order ORDER BY id')
    const [first, second] = ids.map(({ id }) => id)
    await stage.operator.query("UPDATE eg_order_order SET status = 'odd', buyer_name = 'odd' WHERE id = ?", [first])
    await stage.operator.query('DELETE FROM eg_order_order WHERE id = ?', [second])
    await stage.operator.query('INSERT INTO eg_order_order_detail (id, order_id, create_time) VALUES (7, 7, 7)')
    expect((await verify(orders)).differences).to.have.deep.members([
      { table: 'eg_order_order', id: first, kind: 'different', columns: ['status', 'buyer_name'] },
      { table: 'eg_order_order', id: second, kind: 'missing' },
      { table: 'eg_order_order_detail', id: 7, kind: 'unexpected' },
    ])
  })

  it('parks an order whose seal is broken or holds something else, and goes on with the others', async () => {
    const subject = vault.subject('ebay:user', 'somebody')
    const sealed = async (orderId: string, plaintext: string): Promise<StoredEvent> => {
      const id = derivedEventId(orderId)
      const [seal] = await vault.seal([{ subject, eventId: id, plaintext }])
      const jwe = seal?.kind === 'sealed' ? seal.jwe : null
      return encodeEvent(exampleEvent('OrderReceived', id, { data: { orderId, subject, sealed: jwe } }))
    }
    const good = JSON.stringify({ buyer: {}, receiver: {}, original: '{}' })
    const broken = await sealed('broken', good)
    const cut = JSON.parse(broken.data)
    await stage.appendStored(
      { ...broken, data: JSON.stringify({ ...cut, sealed: `${cut.sealed.slice(0, -6)}AAAAAA` }) },
      await sealed('not-json', 'Alma Example'),
      await sealed('odd', '{"buyer":{}}'),
      await sealed('good', good),
    )
    const projector = await start()
    await untilThrough()
    const found = await listParked(stage.operator, { consumer: 'orders' })
    const codes = found.map(({ key, errorCode }: ParkedKey) => `${key.split(':').at(-1)} ${errorCode}`)
    expect(codes).to.have.members([
      'broken VAULT_SEAL_BROKEN',
      'not-json PROJECTION_PERSONAL_PART_INVALID',
      'odd PROJECTION_PERSONAL_PART_INVALID',
    ])
    expect(found.map(({ error }) => error).join()).to.not.include('Alma')
    expect(await stage.operator.query('SELECT order_id FROM eg_order_order')).to.deep.equal([{ order_id: 'good' }])
    expect((await verify(orders)).differences).to.deep.equal([])
    // The rows can be seen before it hears of its commit.
    const reason = async () => (await projector.health()).reason ?? ''
    await until('health tells', async () => (await reason()).includes('orders: 3 keys are parked'))
    expect((await projector.health()).status).to.equal('degraded')
  })

  it('waits, and parks no order, while it lacks the master key that another process wraps keys by', async () => {
    const [fresh, former] = [randomBytes(32), masterKeys[0] ?? randomBytes(32)]
    const ahead = await openVault({ database: stage.operator, masterKeys: [fresh, former] })
    const subject = ahead.subject('ebay:user', 'somebody')
    const id = derivedEventId('ahead')
    const plaintext = JSON.stringify({ buyer: {}, receiver: {}, original: '{}' })
    const [seal] = await ahead.seal([{ subject, eventId: id, plaintext }])
    const sealed = seal?.kind === 'sealed' ? seal.jwe : null
    await stage.appendStored(encodeEvent(exampleEvent('OrderReceived', id, { data: { subject, sealed } })))
    const projector = await start()
    await until('it says what is missing', async () =>
      JSON.stringify((await projector.health()).details).includes('VAULT_MASTER_KEY_UNKNOWN'),
    )
    expect(await listParked(stage.operator)).to.deep.equal([])
    await projector.stop()
    projectorVault = await openVault({ database: stage.database, masterKeys: [former, fresh] })
    await start()
    await untilThrough()
    expect(await stage.operator.query('SELECT status FROM eg_order_order')).to.have.length(1)
  })

  it('counts what did not fit and what it did not know, and shows it in its health', async () => {
    const subject = vault.subject('ebay:user', 'somebody')
    const event = structuredClone(exampleEvent('OrderReceived', derivedEventId('long'), { data: { subject, sealed: null } }))
    event.data.order.lines[0] = { lineItemId: '10012345678901', quantity: 1, title: 'x'.repeat(300), sku: '' }
    event.data.order.status = 'UNKNOWN'
    await stage.appendStored(encodeEvent(event))
    const projector = await start()
    await untilThrough()
    const remarks = async () =>
      ((await projector.health()).details?.['orders'] as { remarks: Record<string, number> } | undefined)?.remarks ?? {}
    await until('it is counted', async () => Object.keys(await remarks()).length > 1)
    expect(await remarks()).to.deep.equal({
      'truncated eg_order_order_detail.title': 1,
      'unknown-value eg_order_order.status': 1,
    })
    expect((await projector.health()).status).to.equal('ok')
  })

  it('is down until it is started', async () => {
    const projector = createProjector({ ...stage, configuration: { wework: {} }, vault, logger: quietLogger })
    expect((await projector.health()).status).to.equal('down')
    await projector.stop()
  })
})
