import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type Delivery,
  dropOldRoutings,
  listDeliveries,
  retryDelivery,
  retryLanes,
  type Standing,
  setEndpointState,
  skipHead,
  verifyDeliveries,
} from '@tributary/delivery'
import { ORDER_TOPIC } from '@tributary/events'
import type { Service } from '@tributary/runtime'
import { until } from '@tributary/test/servers'
import { createSpiReceiver, type SpiReceiver } from '@tributary/test/simulators/spi'
import { expect } from 'chai'
import { endpointDefinitions } from './known-endpoints.ts'
import { contextOf, GROUP, keyAt, openStage, QUICK, SECRET, type Stage } from './testing/stage.ts'

const NAME = `${GROUP}:warehouse`

describe('Deliveries, looked after by a person', () => {
  let stage: Stage
  let receiver: SpiReceiver
  let service: Service
  beforeEach(async () => {
    stage = await openStage('deliveries', { partitions: 1 })
    receiver = await createSpiReceiver({ secret: SECRET })
    await stage.setCodes(['warehouse'])
    await stage.addService('warehouse')
  })
  afterEach(async () => {
    await service.stop()
    await receiver.close()
    await stage.close()
  })

  const start = async (policy = {}): Promise<void> => {
    service = stage.dispatcher({ warehouse: receiver.url }, { ...QUICK, ...policy })
    await service.start()
  }
  const hasAll = (ids: readonly string[]) => until('every order has arrived', () => ids.every(receiver.record.has))
  const list = (outcome: 'retrying' | 'blocked' | 'given-up') =>
    listDeliveries(stage.database, { endpoints: [NAME], outcome, limit: 10 })
  const only = async (outcome: 'retrying' | 'blocked' | 'given-up') => {
    await until(`one is ${outcome}`, async () => (await list(outcome)).length === 1)
    const [delivery] = await list(outcome)
    if (!delivery) throw new Error('It was there a moment ago.')
    return delivery
  }
  const retried = (letter: Delivery) =>
    stage.database.transaction((connection) => retryDelivery(connection, letter, { partitionKey: keyAt('A'), by: 'test' }))
  const arrivalsOf = (order: string) => receiver.record.arrivals.filter(({ key }) => key === keyAt(order)).map(({ id }) => id)

  it('skip a blocked one, after which its key goes on, and get it again when it is wanted after all', async () => {
    receiver.fault({ kind: 'status', status: 400 }, { key: keyAt('A'), times: 1 })
    await start({ schedule: [] })
    const ids = await stage.appendOrders(['A', 'A', 'B', 'A'])
    const blocked = await only('blocked')
    expect(await skipHead(stage.database, blocked, 'typed in twice')).to.equal(true)
    await hasAll(ids.slice(1))
    const letter = await only('given-up')
    expect(letter).to.include({ position: blocked.position, key: keyAt('A'), reason: 'skipped: typed in twice', attempt: 1 })
    expect(receiver.record.has(ids[0] ?? '')).to.equal(false)
    await until('the lane has ended', async () => (await stage.count('lane')) === 0)

    expect(await retried(letter)).to.equal(true)
    await hasAll(ids)
    await until('the cursor is back', async () => (await stage.cursor('warehouse')) === 4)
    expect(arrivalsOf('A')).to.deep.equal([ids[0], ids[1], ids[3], ids[0]])
    expect(arrivalsOf('B')).to.deep.equal([ids[2]])
    expect(await list('given-up')).to.deep.equal([])
    expect(await retried(letter)).to.equal(false)
  })

  it('skip one that is just being tried, which its answer does not undo', async () => {
    const answered = Promise.withResolvers<void>()
    let requests = 0
    const server = createServer((request, response) => {
      requests += 1
      const isFirst = requests === 1
      request.resume().once('end', async () => {
        if (isFirst) await answered.promise
        response.writeHead(isFirst ? 500 : 200).end()
      })
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
      service = stage.dispatcher({ warehouse: url }, { ...QUICK, patience: 100, schedule: [86_400_000] })
      await service.start()
      await stage.appendOrders(['A', 'A'])
      expect(await skipHead(stage.database, await only('retrying'), 'not wanted')).to.equal(true)
      answered.resolve()
      expect(await only('given-up')).to.include({ position: 0, reason: 'skipped: not wanted', attempt: 1 })
      await until('the next has arrived', () => requests === 2)
    } finally {
      answered.resolve()
      server.closeAllConnections()
      server.close()
    }
  })

  it('try one again at once that would wait for its schedule', async () => {
    receiver.fault({ kind: 'status', status: 500 }, { key: keyAt('A'), times: 1 })
    await start({ schedule: [86_400_000] })
    const ids = await stage.appendOrders(['A', 'A'])
    const { nextTime } = await only('retrying')
    expect(nextTime).to.be.above(Date.now() + 80_000_000)
    expect(await retryLanes(stage.database, NAME, { key: keyAt('A') })).to.equal(1)
    await hasAll(ids)
    expect(arrivalsOf('A')).to.deep.equal([ids[0], ids[0], ids[1]])
  })

  it('find every one accounted for, and the one that is not', async () => {
    receiver.fault({ kind: 'status', status: 400 }, { key: keyAt('A') })
    await start({ schedule: [] })
    await stage.appendOrders(['A', 'A', 'A', 'B', 'C', 'D'])
    await stage.appendOrders(['nobody'], { sellerId: 'of another service' })
    await stage.setCodes([], 'of another service')
    await until('the cursor has moved', async () => (await stage.cursor('warehouse')) === 7)
    const blocked = await only('blocked')
    await skipHead(stage.database, blocked, 'a test')
    await only('given-up')
    await until('the next is blocked', async () => (await list('blocked'))[0]?.position === blocked.position + 1)
    await setEndpointState(stage.database, { name: NAME, state: 'paused', reason: 'test' })
    await until('it is shut', async () => String((await service.health()).reason).includes('paused'))
    await stage.appendOrders(['E', 'F'])

    const well = { delivered: 3, 'given-up': 1, blocked: 1, waiting: 1, ahead: 2 }
    expect(await verify(9)).to.deep.equal({ counts: well, missing: [] })
    await stage.database.query('DELETE FROM tributary_delivery_attempt WHERE topic = ? AND position = 4', [ORDER_TOPIC])
    expect(await verify(9)).to.deep.equal({ counts: { ...well, delivered: 2, none: 1 }, missing: [keyAt('C')] })
  })

  it('are judged by who was to get them when the cursor passed, whatever is routed now', async () => {
    const restart = async () => {
      // A new dispatcher knows no codes from before.
      await service.stop()
      await start()
    }
    const passed = (count: number) =>
      until(`the cursor is at ${count}`, async () => (await stage.cursor('warehouse')) === count)
    const lose = (position: number) =>
      stage.database.query('DELETE FROM tributary_delivery_attempt WHERE position = ?', [position])
    await start()
    await hasAll(await stage.appendOrders(['A', 'B']))
    await passed(2)
    await stage.setCodes([])
    await restart()
    await stage.appendOrders(['C', 'D'])
    await passed(4)
    expect(await verify(4), 'routed elsewhere now').to.deep.equal({ counts: { delivered: 2 }, missing: [] })
    await lose(0)
    expect(await verify(4)).to.deep.equal({ counts: { delivered: 1, none: 1 }, missing: [keyAt('A')] })
    await stage.setCodes(['warehouse'])
    await restart()
    await hasAll(await stage.appendOrders(['E']))
    await passed(5)
    expect(await verify(5), 'C and D never were for it').to.deep.equal({
      counts: { delivered: 2, none: 1 },
      missing: [keyAt('A')],
    })
    await lose(4)
    expect((await verify(5)).missing).to.deep.equal([keyAt('A'), keyAt('E')])
    // What ended before attempts are kept is of no use any more.
    expect(await dropOldRoutings(stage.database, Date.now() - 60_000)).to.equal(0)
    expect(await dropOldRoutings(stage.database, Date.now() + 1)).to.equal(1)
    expect((await verify(5)).missing).to.deep.equal([keyAt('E')])
    await stage.database.query('DELETE FROM tributary_delivery_route')
    expect((await verify(5)).missing, 'not recorded').to.deep.equal(['A', 'C', 'D', 'E'].map((order) => keyAt(order)))
  })

  it('are not missed that waited in a lane and then were not for the endpoint any more', async () => {
    receiver.fault({ kind: 'status', status: 500 }, { key: keyAt('A') })
    await start({ schedule: [86_400_000] })
    await stage.appendOrders(['A', 'A', 'B'])
    await only('retrying')
    await until('the cursor is past them', async () => (await stage.cursor('warehouse')) === 3)
    await service.stop()
    await stage.setCodes([])
    await start({ schedule: [86_400_000] })
    await retryLanes(stage.database, NAME)
    await until('the lane has ended', async () => (await stage.count('lane')) === 0)
    expect(await verify(3)).to.deep.equal({ counts: { delivered: 1 }, missing: [] })
  })

  /** The first so many events of the log. */
  async function verify(to: number) {
    const [endpoint] = await endpointDefinitions(contextOf(stage, { warehouse: receiver.url }, QUICK))
    if (!endpoint) throw new Error('The endpoint is gone.')
    const missing: string[] = []
    let read = 0
    const onRead = (positions: number) => {
      read = positions
    }
    const counts = await verifyDeliveries(
      { connection: stage.database, log: stage.log },
      endpoint,
      [{ partition: 0, from: 0, to }],
      {
        ...{ onRead, signal: new AbortController().signal },
        onNone: ({ event }) => missing.push(event.partitionkey),
      },
    )
    expect(read).to.equal(to)
    return { counts: Object.fromEntries(counts) as Partial<Record<Standing, number>>, missing }
  }
})
