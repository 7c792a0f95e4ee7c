import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { listParked, type RunningConsumer, requeue, startConsumer } from '@tributary/consumer'
import type { Database } from '@tributary/database'
import { type EventLog, openEventLog } from '@tributary/event-log'
import { derivedEventId, encodeEvent, ORDER_TOPIC } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { createLogger, pause } from '@tributary/runtime'
import { migratedTestDatabase, until } from '@tributary/test/servers'
import { expect } from 'chai'
import { createCatchUp } from './catch-up.ts'
import { createEndpoint } from './endpoint.ts'
import { endpointConsumer } from './endpoint-consumer.ts'
import { createSender } from './send.ts'
import { keyOf } from './testing/signing.ts'

const logger = createLogger({ level: 'silent', format: 'json' })
/** Batches of them are cut by their bytes, far below the number that a batch may have. */
const BYTES = 40_000
const EVENTS = 300

describe('An endpoint that catches up with large events', () => {
  let database: Database
  let log: EventLog
  let drop: () => Promise<void>
  const running: RunningConsumer[] = []
  before(async () => {
    let url: string
    ;({ database, url, drop } = await migratedTestDatabase('large_events'))
    log = await openEventLog({ url, database, partitions: 1 })
    await log.append(
      ORDER_TOPIC,
      Array.from({ length: EVENTS }, (_, number) => largeEvent(number)),
    )
  })
  after(async () => {
    await Promise.all(running.map((consumer) => consumer.stop()))
    await log.close()
    await drop()
  })

  it('counts as at the head only at the end of its log', async () => {
    // Endpoints of tests before this one are remembered for a moment.
    while (await makesOthersWait()) await pause(50)
    const [first, held] = [moment(), moment()]
    let arrived = 0
    const receiver = createServer(async (request, response) => {
      request.resume()
      arrived += 1
      first.resolve()
      await held.promise
      response.end()
    })
    receiver.listen(0, '127.0.0.1')
    await once(receiver, 'listening')
    try {
      running.push(deliverTo(`http://127.0.0.1:${(receiver.address() as AddressInfo).port}`))
      await first.promise
      expect(await makesOthersWait(), 'while it is behind').to.equal(false)
      held.resolve()
      const all = (count: number) => until(`${count} have arrived`, () => arrived >= count)
      await all(EVENTS)
      // One by itself after another, because an endpoint counts as at the head for a moment only, which a slow machine may miss.
      for (let count = EVENTS; !(await makesOthersWait()); count += 1) {
        await log.append(ORDER_TOPIC, [largeEvent(count)])
        await all(count + 1)
      }
    } finally {
      receiver.closeAllConnections()
      receiver.close()
    }
  })

  it('does not count as at the head for a key that is requeued', async () => {
    const [parked, held] = [largeId(0), largeId(100)]
    const [reached, released, requeued] = [moment(), moment(), moment()]
    const receiver = createServer(async (request, response) => {
      const id = await text(request)
      if (id === parked) requeued.resolve()
      if (id === held) reached.resolve()
      if (id === held) await released.promise
      response.end()
    })
    await once(receiver.listen(0, '127.0.0.1'), 'listening')
    let isBroken = true
    const bodies = async (ids: string[]) => {
      if (isBroken && ids.includes(parked)) throw new Error('It cannot be rendered.')
      return ids
    }
    try {
      while (await makesOthersWait()) await pause(50)
      running.push(deliverTo(`http://127.0.0.1:${(receiver.address() as AddressInfo).port}`, { name: 'requeued', bodies }))
      await reached.promise
      isBroken = false
      const [one] = await listParked(database, { consumer: 'requeued' })
      await requeue(database, 'requeued', one?.key ?? '')
      await requeued.promise
      expect(await makesOthersWait()).to.equal(false)
    } finally {
      released.resolve()
      receiver.closeAllConnections()
      receiver.close()
    }
  })

  const deliverTo = (url: string, { name = 'large', bodies = async (ids: string[]) => ids } = {}): RunningConsumer => {
    const endpoint = createEndpoint(
      {
        ...{ name, topic: ORDER_TOPIC, group: name, types: ['OrderReceived'], contract: 1 },
        // Nobody loses patience while the receiver holds its answers back.
        policy: { patience: 60_000 },
        route: async (events) => events.map(() => 'deliver'),
        bodies: (events) => bodies(events.map(({ id }) => id)),
      },
      createSender({ reach: { scope: 'internal', allow: [] } }),
    )
    endpoint.retarget({ url, keys: [keyOf('a secret for tests only')] })
    return startConsumer({ definition: endpointConsumer(endpoint, { log, logger }), database, log, logger })
  }
})

const moment = () => Promise.withResolvers<void>()

const largeId = (number: number) => derivedEventId('large', number)

const largeEvent = (number: number) =>
  encodeEvent(
    exampleEvent('OrderReceived', largeId(number), {
      data: { orderId: `order-${number}`, sealed: 'x'.repeat(BYTES) },
    }),
  )

/** Whether another endpoint that catches up has to wait for spare time, because one is at the head. */
async function makesOthersWait(): Promise<boolean> {
  let waits = false
  const spare = {
    turn: async () => {
      waits = true
    },
  }
  await createCatchUp('another', { spare }).turn(new AbortController().signal)
  return waits
}
