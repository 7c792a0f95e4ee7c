import { type DeliveryPolicy, listDeliveries, planReplay, setEndpointState, startReplay } from '@tributary/delivery'
import { ORDER_TOPIC, orderKey } from '@tributary/events'
import { createLogger, type Service } from '@tributary/runtime'
import { until } from '@tributary/test/servers'
import { createSpiReceiver, type SpiReceiver } from '@tributary/test/simulators/spi'
import { expect } from 'chai'
import { createDispatcher } from './dispatcher.ts'
import { contextOf, GROUP, keyAt, openStage, QUICK, SECRET, SELLER, type Stage } from './testing/stage.ts'

const NAME = `${GROUP}:warehouse`

describe('An endpoint', () => {
  let stage: Stage
  let receiver: SpiReceiver
  let service: Service | undefined
  beforeEach(async () => {
    stage = await openStage('endpoint_policy')
    receiver = await createSpiReceiver({ secret: SECRET })
    service = undefined
    await stage.setCodes(['warehouse'])
    await stage.addService('warehouse')
  })
  afterEach(async () => {
    await service?.stop()
    await receiver.close()
    await stage.close()
  })

  const start = async (policy = {}): Promise<Service> => {
    service = stage.dispatcher({ warehouse: receiver.url }, { ...QUICK, ...policy })
    await service.start()
    return service
  }
  const hasAll = (ids: readonly string[]) => until('every order has arrived', () => ids.every(receiver.record.has))
  const cursorAt = (position: number) =>
    until(`the cursor stands at ${position}`, async () => (await stage.cursor('warehouse')) === position)
  const isSettled = () =>
    until('nothing is set aside', async () => (await stage.count('lane')) + (await stage.count('waiting')) === 0)
  const deadLetters = () => listDeliveries(stage.database, { endpoints: [NAME], outcome: 'given-up', limit: 10 })
  const arrivalsOf = (order: string) => receiver.record.arrivals.filter(({ key }) => key === keyAt(order)).map(({ id }) => id)

  it('stands at its cursor while it is paused, and gets everything in order when it is resumed', async () => {
    const running = await start()
    await hasAll(await stage.appendOrders(['A', 'B']))
    await cursorAt(2)
    await setEndpointState(stage.database, { name: NAME, state: 'paused', reason: 'Stocktaking.' })
    await until('it is shut', async () => String((await running.health()).reason).includes('Stocktaking.'))
    const ids = await stage.appendOrders(['A', 'B', 'A'])
    await stage.addService('other')
    expect(receiver.record.taken).to.equal(2)
    expect(await stage.cursor('warehouse')).to.equal(2)
    await setEndpointState(stage.database, { name: NAME, state: 'active', reason: '' })
    await hasAll(ids)
    expect(receiver.record.duplicates).to.equal(0)
    expect(receiver.record.firstTaken(keyAt('A')).slice(1)).to.deep.equal([ids[0], ids[2]])
  })

  it('is disabled by 410 Gone, keeps what comes, and sends again when a person resumes it', async () => {
    receiver.fault({ kind: 'status', status: 410 }, { times: 1 })
    await start()
    const ids = await stage.appendOrders(['A', 'A'])
    const stateOf = async () =>
      (await stage.database.query<{ state: string }[]>('SELECT state FROM tributary_endpoint'))[0]?.state
    await until('it is disabled', async () => (await stateOf()) === 'disabled')
    expect(receiver.record.arrivals).to.have.length(1)
    await setEndpointState(stage.database, { name: NAME, state: 'active', reason: '' })
    await hasAll(ids)
    expect(receiver.record.firstTaken(keyAt('A'))).to.deep.equal(ids)
  })

  it('that cannot be reached gives nothing up, however short its schedule is', async () => {
    const { url } = receiver
    await receiver.close()
    const running = await start({ schedule: [], exhausted: 'skip' })
    const ids = await stage.appendOrders(['A', 'B', 'A', 'C'])
    await until('it fails', async () => String((await running.health()).reason).includes('ECONNREFUSED'))
    const probes = async () => JSON.stringify((await running.health()).details?.['warehouse'], ['nextProbeTime'])
    const first = await probes()
    await until('it was probed in vain', async () => (await probes()) !== first)
    receiver = await createSpiReceiver({ secret: SECRET, port: Number(new URL(url).port) })
    await hasAll(ids)
    expect(receiver.record.firstTaken(keyAt('A'))).to.deep.equal([ids[0], ids[2]])
    expect(await deadLetters()).to.deep.equal([])
  })

  it('at an address that is closed to it stands there, says so, and costs no key a try', async () => {
    const services = { warehouse: 'http://169.254.169.254/latest/meta-data' }
    service = stage.dispatcher(services, { ...QUICK, schedule: [] })
    await service.start()
    const ids = await stage.appendOrders(['A', 'B', 'A', 'C'])
    await until('health knows', async () => String((await service?.health())?.reason).includes('allow-addresses'))
    const probes = async () => JSON.stringify((await service?.health())?.details?.['warehouse'], ['nextProbeTime'])
    const first = await probes()
    await until('it was probed in vain', async () => (await probes()) !== first)
    expect(await stage.cursor('warehouse')).to.equal(0)
    services.warehouse = receiver.url
    await hasAll(ids)
    await cursorAt(4)
    await isSettled()
    expect(receiver.record.duplicates).to.equal(0)
    expect(receiver.record.firstTaken(keyAt('A'))).to.deep.equal([ids[0], ids[2]])
    const refused = { endpoints: [NAME], outcome: 'address-refused', limit: 1 } as const
    expect((await listDeliveries(stage.database, refused))[0]).to.include({ reason: 'address refused', status: 0 })
  })

  it('that skips goes on with the key when the schedule is used up, and keeps a dead letter', async () => {
    receiver.fault({ kind: 'status', status: 400 }, { key: keyAt('A'), times: 3 })
    await start({ schedule: [5, 5], exhausted: 'skip' })
    const ids = await stage.appendOrders(['A', 'B', 'A'])
    await hasAll(ids.slice(1))
    await isSettled()
    expect(receiver.record.has(ids[0] ?? '')).to.equal(false)
    const letters = await deadLetters()
    expect(letters.map(({ key, attempt, reason }) => ({ key, attempt, reason }))).to.deep.equal([
      { key: keyAt('A'), attempt: 3, reason: 'status 400' },
    ])
  })

  it('that wants the latest gets only the last of what waited when the schedule is used up', async () => {
    const refusal = { kind: 'status', status: 400 } as const
    const waiting = Promise.withResolvers<void>()
    receiver.fault(refusal, { key: keyAt('A'), times: 1 })
    receiver.fault({ kind: 'held', until: waiting.promise, answer: refusal }, { key: keyAt('A'), times: 1 })
    await start({ schedule: [20], exhausted: 'latest' })
    const ids = await stage.appendOrders(['A', 'A', 'A', 'A'])
    await until('they wait', async () => (await stage.count('waiting')) === 3)
    waiting.resolve()
    await hasAll(ids.slice(3))
    await isSettled()
    expect(receiver.record.firstTaken(keyAt('A'))).to.deep.equal([ids[3]])
    expect((await deadLetters()).map(({ reason }) => reason).sort()).to.deep.equal(['status 400', 'superseded', 'superseded'])
  })

  it('of strict order gets one at a time, and nothing past one that fails', async () => {
    receiver.fault({ kind: 'status', status: 500 }, { key: keyAt('B'), times: 4 })
    const single = await openStage('endpoint_strict', { partitions: 1 })
    try {
      await single.setCodes(['warehouse'])
      await single.addService('warehouse')
      const ids = await single.appendOrders(['A', 'B', 'C', 'A', 'D'])
      const strict = single.dispatcher({ warehouse: receiver.url }, { ...QUICK, order: 'strict' })
      await strict.start()
      await hasAll(ids)
      await strict.stop()
      const taken = receiver.record.arrivals.filter(({ taken: isTaken }) => isTaken).map(({ id }) => id)
      expect(taken).to.deep.equal(ids)
      expect(receiver.mostOpen).to.equal(1)
    } finally {
      await single.close()
    }
  })

  it('keeps what waits, in order and before all that comes, when it is given another order', async () => {
    const single = await openStage('endpoint_reorder', { partitions: 1 })
    const fails = (...orders: string[]) => {
      receiver.heal()
      for (const order of orders) receiver.fault({ kind: 'status', status: 500 }, { key: keyAt(order) })
    }
    let running: Service | undefined
    const startAs = async (order: DeliveryPolicy['order']) => {
      await running?.stop()
      running = single.dispatcher({ warehouse: receiver.url }, { ...QUICK, schedule: Array(50).fill(50), order })
      await running.start()
    }
    const settledAt = (position: number, lanes: number) =>
      until(
        `${lanes} lanes at ${position}`,
        async () => (await single.cursor('warehouse')) === position && (await single.count('lane')) === lanes,
      )
    const takenSince = (start: number) =>
      receiver.record.arrivals
        .filter(({ taken }) => taken)
        .map(({ id }) => id)
        .slice(start)
    try {
      await single.setCodes(['warehouse'])
      await single.addService('warehouse')
      fails('A', 'B')
      await startAs('key')
      const first = await single.appendOrders(['A', 'B', 'A', 'B'])
      await settledAt(4, 2)
      await startAs('strict')
      first.push(...(await single.appendOrders(['C', 'A'])))
      await settledAt(6, 1)
      expect(takenSince(0), 'nothing passes in strict order').to.deep.equal([])
      receiver.heal()
      await until('all have arrived', () => first.every(receiver.record.has))
      expect(takenSince(0)).to.deep.equal(first)
      await settledAt(6, 0)

      fails('A', 'B', 'C')
      const second = await single.appendOrders(['B', 'A', 'C', 'A'])
      await settledAt(10, 1)
      fails('A')
      await startAs('key')
      second.push(...(await single.appendOrders(['A', 'C'])))
      const ofOthers = [0, 2, 5].map((index) => second[index] ?? '')
      await until('the other keys go on', () => ofOthers.every(receiver.record.has))
      await settledAt(12, 1)
      await startAs('none')
      await settledAt(12, 3)
      await startAs('key')
      await settledAt(12, 1)
      receiver.heal()
      await until('all have arrived', () => second.every(receiver.record.has))
      expect(receiver.record.firstTaken(keyAt('A')).slice(-3)).to.deep.equal([1, 3, 4].map((index) => second[index]))
    } finally {
      await running?.stop()
      await single.close()
    }
  })

  it('is treated as the configuration says of it by its name, and all others as ever', async () => {
    receiver.fault({ kind: 'status', status: 400 }, { key: keyAt('A') })
    const context = contextOf(stage, { warehouse: receiver.url, books: receiver.url }, { ...QUICK, schedule: [60_000] })
    const endpoints = { [NAME]: { exhausted: 'skip', schedule: [5], order: 'none', perSecond: 1_000 }, nobody: {} } as const
    const lines: string[] = []
    const logger = createLogger({ level: 'warn', format: 'json', destination: { write: (line) => void lines.push(line) } })
    const delivery = { ...context.configuration.delivery, endpoints }
    await stage.addService('books')
    await stage.setCodes(['warehouse', 'books'])
    service = createDispatcher({ ...context, logger, configuration: { ...context.configuration, delivery } })
    await service.start()
    const warned = lines.map((line) => JSON.parse(line).unknown).filter((unknown) => unknown !== undefined)
    expect(warned).to.deep.equal([['nobody']])
    await stage.appendOrders(['A', 'A'])
    await until('both were given up', async () => (await deadLetters()).length === 2)
    await until('the other waits', async () => (await stage.count('lane')) === 1)
    const [lane] = await stage.database.query('SELECT endpoint, state FROM tributary_delivery_lane')
    expect(lane).to.deep.equal({ endpoint: `${GROUP}:books`, state: 'retrying' })
  })

  it('gets a key again while another that begins like it is in trouble, but none while its one lane of all keys is', async () => {
    receiver.fault({ kind: 'status', status: 400 }, { key: keyAt('12') })
    const single = await openStage('endpoint_replay_key', { partitions: 1 })
    const replayOf = async (order: string) => {
      const asked = { endpoint: NAME, topic: ORDER_TOPIC, by: 'test' }
      const plan = await planReplay(single.database, { ...asked, from: [0], key: orderKey(1, SELLER, order) })
      return await startReplay(single.database, { ...asked, plan }).then(
        () => 'begun',
        (error: { code: string }) => error.code,
      )
    }
    const deliver = async (policy: Partial<DeliveryPolicy>, done: () => Promise<boolean>) => {
      const running = single.dispatcher({ warehouse: receiver.url }, { ...QUICK, ...policy })
      await running.start()
      await until('it stands there', done)
      await running.stop()
    }
    try {
      await single.setCodes(['warehouse'])
      await single.addService('warehouse')
      await single.appendOrders(['1', '12', '1'])
      await deliver(
        { schedule: [] },
        async () => (await single.cursor('warehouse')) === 3 && (await single.count('lane')) === 1,
      )
      expect(await replayOf('12')).to.equal('DELIVERY_REPLAY_REFUSED')
      expect(await replayOf('1')).to.equal('begun')
      await deliver({ schedule: [] }, async () => (await single.cursor('warehouse')) === 3)
      await single.database.query("UPDATE tributary_delivery_lane SET event_key = '*'")
      expect(await replayOf('1')).to.equal('DELIVERY_REPLAY_REFUSED')
    } finally {
      await single.close()
    }
  })

  it('without order gets the others of a key while one fails', async () => {
    receiver.fault({ kind: 'status', status: 500 }, { key: keyAt('A'), times: 1 })
    await start({ order: 'none', schedule: [60_000] })
    const ids = await stage.appendOrders(['A', 'A', 'A'])
    await until('two have arrived', () => ids.filter(receiver.record.has).length === 2)
    await until('one is set aside', async () => (await stage.count('lane')) === 1)
  })

  it('gets a range again in the order of each key, and then what came meanwhile', async () => {
    await start()
    const ids = await stage.appendOrders(['A', 'B', 'A', 'C'])
    await hasAll(ids)
    await cursorAt(4)
    const plan = await planReplay(stage.database, { endpoint: NAME, topic: ORDER_TOPIC, from: [0, 0] })
    await startReplay(stage.database, { endpoint: NAME, topic: ORDER_TOPIC, plan, by: 'test' })
    const live = await stage.appendOrders(['A'])
    await until('all came again', () => receiver.record.arrivals.length >= 9)
    await cursorAt(5)
    // Until it notices, the owner from before may have sent what came meanwhile; it comes once more, in its place.
    expect(arrivalsOf('A').slice(-3)).to.deep.equal([ids[0], ids[2], live[0]])
  })

  it('gets only the part and the key again that was asked for, and nothing twice after that', async () => {
    await start()
    const ids = await stage.appendOrders(['A', 'B', 'A', 'B'])
    await hasAll(ids)
    await cursorAt(4)
    const plan = await planReplay(stage.database, { endpoint: NAME, topic: ORDER_TOPIC, from: [0, 0], key: keyAt('A') })
    await startReplay(stage.database, { endpoint: NAME, topic: ORDER_TOPIC, plan, by: 'test' })
    const live = await stage.appendOrders(['B', 'A'])
    await hasAll(live)
    await cursorAt(6)
    expect(arrivalsOf('A').slice(-3)).to.deep.equal([ids[0], ids[2], live[1]])
    expect([...new Set(arrivalsOf('B'))]).to.deep.equal([ids[1], ids[3], live[0]])
    expect(arrivalsOf('B').filter((id) => id !== live[0])).to.have.length(2)
    await service?.stop()
    await start()
    const replays = () => stage.database.query('SELECT 1 FROM tributary_replay')
    await until('the replay is forgotten', async () => (await replays()).length === 0)
  })

  it('refuses a second replay, and a part of a range while a key of it is in trouble', async () => {
    receiver.fault({ kind: 'status', status: 500 }, { key: keyAt('A') })
    await start({ schedule: [60_000] })
    await hasAll((await stage.appendOrders(['A', 'B', 'B'])).slice(1))
    await cursorAt(3)
    const range = { endpoint: NAME, topic: ORDER_TOPIC, from: [0, 0] }
    const begin = async (changes: object) =>
      startReplay(stage.database, {
        endpoint: NAME,
        topic: ORDER_TOPIC,
        plan: await planReplay(stage.database, { ...range, ...changes }),
        by: 'test',
      }).then(
        () => 'begun',
        (error: { code?: string }) => error.code,
      )
    expect(await begin({ key: keyAt('A') })).to.equal('DELIVERY_REPLAY_REFUSED')
    expect(await stage.cursor('warehouse')).to.equal(3)
    await setEndpointState(stage.database, { name: NAME, state: 'paused', reason: 'test' })
    await until('it is shut', async () => String((await service?.health())?.reason).includes('paused'))
    expect(await begin({})).to.equal('begun')
    const again = { ...range, from: [0, 0] }
    const rows = await planReplay(stage.database, again)
    expect(rows).to.deep.equal([])
  })
})
