import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { listParked, type RunningConsumer, readCursors, requeue, startConsumer } from '@tributary/consumer'
import type { Connection, Database } from '@tributary/database'
import { type EventLog, openEventLog } from '@tributary/event-log'
import { derivedEventId, encodeEvent, ORDER_TOPIC } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { createLogger } from '@tributary/runtime'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { createEndpoint, type EndpointDefinition } from './endpoint.ts'
import { endpointConsumer } from './endpoint-consumer.ts'
import { planReplay, startReplay } from './replay.ts'
import { createSender } from './send.ts'
import { keyOf } from './testing/signing.ts'
import { verifyDeliveries } from './verify-deliveries.ts'

const NAME = 'verified'
const logger = createLogger({ level: 'silent', format: 'json' })

describe('Deliveries that are verified', () => {
  let database: Database
  let log: EventLog
  let drop: () => Promise<void>
  let running: RunningConsumer | undefined
  const receiver = createServer((request, response) => request.resume().once('end', () => response.end()))
  beforeEach(async () => {
    takenBack.clear()
    let url: string
    ;({ database, url, drop } = await migratedTestDatabase('verify_deliveries'))
    log = await openEventLog({ url, database, partitions: 1 })
    await once(receiver.listen(0, '127.0.0.1'), 'listening')
  })
  afterEach(async () => {
    await running?.stop()
    receiver.closeAllConnections()
    receiver.close()
    await log.close()
    await drop()
  })

  const append = (...orders: string[]) =>
    log.append(
      ORDER_TOPIC,
      orders.map((orderId) =>
        encodeEvent(exampleEvent('OrderReceived', derivedEventId('verified', orderId), { data: { orderId } })),
      ),
    )
  /** Whom an order is for is told by its seller; all are for the endpoint, and one of them cannot be rendered. */
  const takenBack = new Set<string>()
  const definition: EndpointDefinition = {
    ...{ name: NAME, topic: ORDER_TOPIC, group: NAME, types: ['OrderReceived'], contract: 1 },
    route: async (events) => events.map(({ id }) => (takenBack.has(id) ? 'pass' : 'deliver')),
    routedBy: (event) => (event.type === 'OrderReceived' && event.data.orderId === 'of another' ? 'another' : 'the seller'),
    bodies: async (events) => {
      if (events.some(({ id }) => id === derivedEventId('verified', 'poison'))) throw new Error('It cannot be rendered.')
      return events.map(({ id }) => id)
    },
  }
  const start = (): void => {
    const endpoint = createEndpoint(definition, createSender({ reach: { scope: 'internal', allow: [] } }))
    endpoint.retarget({
      url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
      keys: [keyOf('a secret for tests only')],
    })
    running = startConsumer({ definition: endpointConsumer(endpoint, { log, logger }), database, log, logger })
  }
  const untilPassed = async (count: number): Promise<void> => {
    for (;;) {
      const [cursor] = await readCursors(database, NAME, ORDER_TOPIC)
      if ((cursor?.next ?? 0) >= count) return
      await new Promise(setImmediate)
    }
  }
  const verify = async (
    to: number,
    { connection, log: read }: { connection: Connection; log: EventLog } = { connection: database, log },
  ) =>
    Object.fromEntries(
      await verifyDeliveries({ connection, log: read }, definition, [{ partition: 0, from: 0, to }], {
        ...{ onRead: () => {}, onNone: () => {} },
        signal: new AbortController().signal,
      }),
    )

  it('miss what was lost of a seller whose first order was parked, because it could not be rendered', async () => {
    await append('poison', 'second', 'third')
    start()
    await untilPassed(3)
    expect(await listParked(database, { consumer: NAME })).to.have.length(1)
    expect(await verify(3)).to.deep.equal({ parked: 1, delivered: 2 })
    await database.query('DELETE FROM tributary_delivery_attempt WHERE position = 2')
    expect(await verify(3)).to.deep.equal({ parked: 1, delivered: 1, none: 1 })
  })

  /** Has what is parked requeued when it is not for the endpoint any more. */
  const giveBack = async (): Promise<void> => {
    takenBack.add(derivedEventId('verified', 'poison'))
    const [parked] = await listParked(database, { consumer: NAME })
    await requeue(database, NAME, parked?.key ?? '')
    while ((await listParked(database, { consumer: NAME })).length > 0) await new Promise(setImmediate)
  }

  it('miss nothing that was parked and was not for the endpoint any more when it was requeued', async () => {
    await append('first', 'poison', 'third')
    start()
    await untilPassed(3)
    await giveBack()
    expect(await verify(3)).to.deep.equal({ delivered: 2 })
    // What comes later is for it all the same.
    await append('fourth')
    await untilPassed(4)
    await database.query('DELETE FROM tributary_delivery_attempt WHERE position = 3')
    expect(await verify(4)).to.deep.equal({ delivered: 2, none: 1 })
  })

  it('miss what was lost before a replay during which the record began', async () => {
    await append('first', 'second', 'third')
    start()
    await untilPassed(3)
    await running?.stop()
    // As a version left it that recorded nothing.
    await database.query('DELETE FROM tributary_delivery_route')
    await database.query('DELETE FROM tributary_delivery_attempt WHERE position = 1')
    const range = { endpoint: NAME, topic: ORDER_TOPIC, from: [0], to: [1] }
    await startReplay(database, { endpoint: NAME, topic: ORDER_TOPIC, plan: await planReplay(database, range), by: 'test' })
    start()
    await untilPassed(3)
    expect(await verify(3)).to.deep.equal({ delivered: 2, none: 1 })
  })

  /** The log in slices of one event. */
  const byTheEvent = (onRead: (position: number) => Promise<void> = async () => {}): EventLog => ({
    ...log,
    read: async (topic, partition, from, options) => {
      await onRead(from)
      return await log.read(topic, partition, from, { ...options, limit: 1 })
    },
  })

  it('read the record once for all that has passed', async () => {
    await append('first', 'second', 'third')
    start()
    await untilPassed(3)
    let reads = 0
    const query: Connection['query'] = (text, ...rest) => {
      if (text.includes('tributary_delivery_route')) reads += 1
      return database.query(text, ...rest)
    }
    expect(await verify(3, { connection: { query }, log: byTheEvent() })).to.deep.equal({ delivered: 3 })
    expect(reads).to.equal(1)
  })

  it('miss nothing that was given back while they were looked at', async () => {
    await append('first', 'poison', 'third')
    start()
    await untilPassed(3)
    const onRead = async (position: number) => {
      if (position === 1) await giveBack()
    }
    expect(await verify(3, { connection: database, log: byTheEvent(onRead) })).to.deep.equal({ delivered: 2 })
  })

  it('miss what was lost of a seller who began while they were looked at', async () => {
    await append('first')
    start()
    await untilPassed(1)
    await running?.stop()
    await append('of another')
    const passAndLose = async (position: number): Promise<void> => {
      if (position !== 1) return
      start()
      await untilPassed(2)
      await database.query('DELETE FROM tributary_delivery_attempt WHERE position = 1')
    }
    expect(await verify(2, { connection: database, log: byTheEvent(passAndLose) })).to.deep.equal({ delivered: 1, none: 1 })
  })
})
