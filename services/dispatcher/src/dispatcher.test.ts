import { retryLanes } from '@tributary/delivery'
import { createEvent, encodeEvent, ORDER_TOPIC, orderKey, timeOrderedEventId } from '@tributary/events'
import { EXAMPLE_DATA } from '@tributary/events/examples'
import type { Service } from '@tributary/runtime'
import { until } from '@tributary/test/servers'
import { createSpiReceiver, type SpiReceiver } from '@tributary/test/simulators/spi'
import { expect } from 'chai'
import { GROUP, keyAt, openStage, QUICK, SECRET, SELLER, type Stage } from './testing/stage.ts'

describe('The dispatcher', () => {
  let stage: Stage
  let receiver: SpiReceiver
  let services: Service[]
  beforeEach(async () => {
    stage = await openStage('dispatcher')
    receiver = await createSpiReceiver({ secret: SECRET })
    services = []
    await stage.setCodes(['warehouse'])
  })
  afterEach(async () => {
    await Promise.all(services.map((service) => service.stop()))
    await receiver.close()
    await stage.close()
  })

  const start = async (known: Record<string, string> = { warehouse: receiver.url }, policy = QUICK): Promise<Service> => {
    const service = stage.dispatcher(known, policy)
    services.push(service)
    await service.start()
    return service
  }
  /** An order whose sealed part is no seal of ours. */
  const appendBroken = async (orderId: string): Promise<void> => {
    const data = { ...EXAMPLE_DATA.OrderReceived, sellerId: SELLER, orderId }
    const about = { subject: `orders/1/x/${orderId}`, partitionkey: orderKey(1, SELLER, orderId), time: Date.now() }
    const id = timeOrderedEventId()
    const broken = createEvent({ id, type: 'OrderReceived', source: '/tributary/test', ...about, data })
    await stage.log.append(ORDER_TOPIC, [encodeEvent(broken)])
  }
  const hasAll = (ids: readonly string[]) => until('every order has arrived', () => ids.every(receiver.record.has))
  const isSettled = async () => (await stage.count('lane')) === 0 && (await stage.count('waiting')) === 0

  it('delivers what a seller’s codes name, signed, with opened data, and records one attempt each', async () => {
    await stage.addService('warehouse')
    const ids = await stage.appendOrders(['A', 'B', 'A'])
    await start()
    await hasAll(ids)
    expect(receiver.unverified).to.equal(0)
    const [first] = receiver.record.arrivals
    expect(JSON.parse(first?.body ?? '{}')).to.deep.include({ personalData: 'present', buyer: { name: 'Alma Example' } })
    await until('the cursor has moved', async () => (await stage.cursor('warehouse')) === 3)
    const rows = await stage.database.query(
      'SELECT DISTINCT endpoint, outcome, status, attempt, answer FROM tributary_delivery_attempt',
    )
    expect(rows).to.deep.equal([
      { endpoint: `${GROUP}:warehouse`, outcome: 'delivered', status: 200, attempt: 1, answer: '{"success":true}' },
    ])
    expect(await stage.count('attempt')).to.equal(3)
  })

  it('delivers to a service whose code is as long as its column allows', async () => {
    const code = 'w'.repeat(50)
    await stage.addService(code)
    await stage.setCodes([code])
    const ids = await stage.appendOrders(['A'])
    await start({ [code]: receiver.url })
    await hasAll(ids)
    await until('the cursor has moved', async () => (await stage.cursor(code)) === 1)
  })

  it('passes over sellers that do not name the code, other types, and what is older than the row', async () => {
    const createTime = Date.now() - 1_000
    await stage.addService('warehouse', { createTime })
    await stage.setCodes(['another'], 'someone')
    await stage.appendOrders(['old'], { time: createTime - 1 })
    await stage.appendOrders(['other'], { sellerId: 'someone' })
    const ids = await stage.appendOrders(['new'], { time: createTime })
    await start()
    await hasAll(ids)
    await until('the cursor has moved', async () => (await stage.cursor('warehouse')) === 3)
    expect(receiver.record.keys()).to.deep.equal([keyAt('new')])
    expect(await stage.count('attempt')).to.equal(1)
  })

  it('tells receivers to forget, in the order of the key', async () => {
    await stage.addService('warehouse')
    const [order = ''] = await stage.appendOrders(['A'])
    const id = timeOrderedEventId()
    const data = { ...EXAMPLE_DATA.PersonalDataErased, sellerId: SELLER, orderId: 'A' }
    const about = { subject: 'orders/1/x/A', partitionkey: orderKey(1, SELLER, 'A'), time: Date.now() }
    const erased = createEvent({ id, type: 'PersonalDataErased', source: '/tributary/test', ...about, data })
    await stage.log.append(ORDER_TOPIC, [encodeEvent(erased)])
    await stage.vault.destroy(stage.vault.subject('ebay:user', 'A'))
    await start()
    await hasAll([order, `msg_${id}`])
    expect(receiver.record.firstTaken(keyAt('A'))).to.deep.equal([order, `msg_${id}`])
    expect(JSON.parse(receiver.record.arrivals[0]?.body ?? '{}')).to.include({ personalData: 'erased', buyer: null })
  })

  it('waits for the row of a seller it does not know yet, without delaying others', async () => {
    await stage.addService('warehouse')
    const early = await stage.appendOrders(['early'], { sellerId: 'newcomer' })
    const known = await stage.appendOrders(['known'])
    await start()
    await hasAll(known)
    expect(receiver.record.has(early[0] ?? '')).to.equal(false)
    await stage.setCodes(['warehouse'], 'newcomer')
    await hasAll(early)
    await until('nothing is set aside', isSettled)
  })

  it('keeps the order of a key through failures, and delays no other key', async () => {
    await stage.addService('warehouse')
    receiver.fault({ kind: 'status', status: 500 }, { key: keyAt('bad') })
    const bad = await stage.appendOrders(['bad', 'bad', 'bad'])
    const good = await stage.appendOrders(Array.from({ length: 40 }, (_, index) => `good-${index % 10}`))
    await start()
    await hasAll(good)
    expect(bad.some(receiver.record.has)).to.equal(false)
    receiver.heal()
    const later = await stage.appendOrders(['bad'])
    await hasAll([...bad, ...later])
    expect(receiver.record.firstTaken(keyAt('bad'))).to.deep.equal([...bad, ...later])
    await until('nothing is set aside', isSettled)
    expect(receiver.record.duplicates).to.equal(0)
  })

  it('moves a key that hangs out of the way of the others', async () => {
    await stage.addService('warehouse')
    const others = Promise.withResolvers<void>()
    receiver.fault({ kind: 'held', until: others.promise }, { key: keyAt('slow'), times: 1 })
    const slow = await stage.appendOrders(['slow', 'slow'])
    await start(undefined, { ...QUICK, patience: 100 })
    await until('the slow one is being sent', () => receiver.record.arrivals.length === 1)
    await hasAll(await stage.appendOrders(['a', 'b', 'c']))
    others.resolve()
    await hasAll(slow)
    expect(receiver.record.firstTaken(keyAt('slow'))).to.deep.equal(slow)
    await until('nothing is set aside', isSettled)
    expect(receiver.record.duplicates).to.equal(0)
  })

  it('stands still while the endpoint is down, and brings everything in order when it is back', async () => {
    await stage.addService('warehouse')
    receiver.fault({ kind: 'status', status: 503, headers: { 'retry-after': '0' } })
    const orders = Array.from({ length: 300 }, (_, index) => `order-${index % 30}`)
    const ids = await stage.appendOrders(orders)
    const service = await start()
    await until('the endpoint fails', async () => (await service.health()).status === 'degraded')
    await until('it is probed', () => receiver.record.arrivals.length > 25)
    expect(await stage.count('lane')).to.be.below(30)
    expect((await service.health()).details?.['warehouse']).to.include({ state: 'failing' })
    receiver.heal()
    await hasAll(ids)
    for (const order of new Set(orders)) {
      const expected = ids.filter((_, index) => orders[index] === order)
      expect(receiver.record.firstTaken(keyAt(order))).to.deep.equal(expected)
    }
    await until('nothing is set aside', isSettled)
    await until('health is well', async () => (await service.health()).status === 'ok')
  })

  it('does not send what was erased while the endpoint was down', async () => {
    await stage.addService('warehouse')
    receiver.fault({ kind: 'status', status: 500 })
    const orders = Array.from({ length: 40 }, (_, index) => `order-${index}`)
    const ids = await stage.appendOrders(orders)
    const service = await start(undefined, { ...QUICK, freshness: 20 })
    await until('the endpoint fails', async () => (await service.health()).status === 'degraded')
    for (const order of orders) await stage.vault.destroy(stage.vault.subject('ebay:user', order))
    receiver.heal()
    await hasAll(ids)
    const taken = receiver.record.arrivals.filter((arrival) => arrival.taken)
    expect(taken.filter(({ body }) => body.includes('Alma')).length).to.be.at.most(1)
  })

  it('blocks a key when its schedule is used up, and resumes it by hand', async () => {
    await stage.addService('warehouse')
    receiver.fault({ kind: 'no success' }, { key: keyAt('A') })
    const ids = await stage.appendOrders(['A', 'A'])
    const service = await start(undefined, { ...QUICK, schedule: [5, 5] })
    await until('the key is blocked', async () => (await service.health()).reason?.includes('blocked') === true)
    expect(await stage.count('attempt')).to.equal(3)
    receiver.heal()
    expect(await retryLanes(stage.database, `${GROUP}:warehouse`, { key: orderKey(1, SELLER, 'A') })).to.equal(1)
    await hasAll(ids)
    expect(receiver.record.firstTaken(keyAt('A'))).to.deep.equal(ids)
    await until('nothing is set aside', isSettled)
  })

  it('parks the key of an event that cannot be opened, and delivers the others', async () => {
    await stage.addService('warehouse')
    const [before = ''] = await stage.appendOrders(['bad'])
    await appendBroken('bad')
    const [behind = ''] = await stage.appendOrders(['bad'])
    const good = await stage.appendOrders(['a', 'b', 'c'])
    const service = await start()
    await hasAll([before, ...good])
    await until('health tells of it', async () => (await service.health()).reason?.includes('parked') === true)
    expect(receiver.record.has(behind)).to.equal(false)
    expect(receiver.record.duplicates).to.equal(0)
  })

  it('blocks a key at an event that cannot be opened when its turn in the lane comes', async () => {
    await stage.addService('warehouse')
    receiver.fault({ kind: 'status', status: 500 }, { key: keyAt('bad') })
    const [before = ''] = await stage.appendOrders(['bad'])
    const service = await start(undefined, { ...QUICK, schedule: Array(200).fill(20) })
    await until('the key has a lane', async () => (await stage.count('lane')) === 1)
    await appendBroken('bad')
    const [behind = ''] = await stage.appendOrders(['bad'])
    await until('both wait', async () => (await stage.count('waiting')) === 2)
    receiver.heal()
    await hasAll([before])
    await until('health tells of it', async () => (await service.health()).reason?.includes('blocked') === true)
    expect(receiver.record.has(behind)).to.equal(false)
    const [lane] = await stage.database.query('SELECT state, reason FROM tributary_delivery_lane')
    expect(lane).to.deep.equal({ state: 'blocked', reason: 'VAULT_SEAL_BROKEN' })
  })

  it('starts a new endpoint, changes its secret and address, and stops it, as its row says', async () => {
    await start({ warehouse: receiver.url, elsewhere: receiver.url })
    const row = await stage.addService('warehouse', { secret: '' })
    const ids = await stage.appendOrders(['A'])
    const reason = async () => (await services[0]?.health())?.reason ?? ''
    await until('health asks for a secret', async () => (await reason()).includes('empty'))
    await stage.database.query('UPDATE eg_spi SET secret = ?, server_name = ? WHERE id = ?', [SECRET, 'unknown', row])
    await until('health asks for the address', async () => (await reason()).includes('qifu.eg.spi.services.unknown'))
    expect(receiver.record.arrivals.length).to.equal(0)
    await stage.database.query('UPDATE eg_spi SET server_name = ? WHERE id = ?', ['elsewhere', row])
    await hasAll(ids)
    await stage.database.query('UPDATE eg_spi SET deleted = id')
    await until('the endpoint is gone', async () => Object.keys((await services[0]?.health())?.details ?? {}).length === 0)
    await stage.appendOrders(['B'])
    expect(receiver.record.keys()).to.deep.equal([keyAt('A')])
  })

  it('has each endpoint at its own place: one that hangs delays no other', async () => {
    await stage.addService('warehouse')
    await stage.addService('hanging')
    await stage.setCodes(['warehouse', 'hanging'])
    const other = await createSpiReceiver({ secret: SECRET })
    other.fault({ kind: 'hang' })
    const ids = await stage.appendOrders(Array.from({ length: 100 }, (_, index) => `order-${index}`))
    await start({ warehouse: receiver.url, hanging: other.url })
    await hasAll(ids)
    await until('the cursor has moved', async () => (await stage.cursor('warehouse')) === 100)
    expect(other.mostOpen).to.be.at.most(20)
    await Promise.all(services.map((service) => service.stop()))
    await other.close()
  })

  it('shares the partitions with another dispatcher, and neither loses nor repeats', async () => {
    await stage.addService('warehouse')
    await start()
    await start()
    const orders = Array.from({ length: 200 }, (_, index) => `order-${index % 20}`)
    const ids = await stage.appendOrders(orders)
    await hasAll(ids)
    for (const order of new Set(orders)) {
      const expected = ids.filter((_, index) => orders[index] === order)
      expect(receiver.record.firstTaken(keyAt(order))).to.deep.equal(expected)
    }
  })

  it('stops without sending anything twice', async () => {
    await stage.addService('warehouse')
    receiver.fault({ kind: 'slow', milliseconds: 20 })
    const ids = await stage.appendOrders(Array.from({ length: 100 }, (_, index) => `order-${index % 25}`))
    const first = await start()
    await until('it has begun', () => receiver.record.taken > 10)
    await first.stop()
    expect(receiver.record.taken).to.be.below(100)
    receiver.heal()
    await start()
    await hasAll(ids)
    await until('nothing is set aside', isSettled)
    expect(receiver.record.duplicates).to.equal(0)
  })
})
