import { randomUUID } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { type Relay, startRelay } from '@tributary/test/servers'
import { type StandIn, startEventStoreDb } from '@tributary/test/servers/eventstoredb'
import { expect } from 'chai'
import { type Connection, createConnection } from './connection.ts'
import { failureOf } from './failure.ts'
import { parseEventStoreDbUrl } from './url.ts'

/** More than the client writes at once, so that most of them wait for room. */
const MANY = 200

describe('A connection to EventStoreDB', () => {
  let server: StandIn
  const ways: { relay: Relay; connection: Connection }[] = []
  before(async () => {
    server = await startEventStoreDb()
  })
  after(() => server.stop())
  afterEach(async () => {
    for (const { relay, connection } of ways.splice(0)) {
      await connection.close()
      await relay.close()
    }
  })

  /** Connected, so that what follows waits for nothing but the network. */
  async function connect(patience?: number) {
    const relay = await startRelay(server.url)
    const connection = createConnection(parseEventStoreDbUrl(relay.url), patience)
    ways.push({ relay, connection })
    const append = (bytes = 10) =>
      connection
        .request((client) => client.appendToStream(randomUUID(), [anEvent(bytes)]))
        .then(
          () => 'kept',
          (error: unknown) => failureOf(error) ?? String(error),
        )
    expect(await append()).to.equal('kept')
    return { relay, connection, append }
  }

  it('fails every append that waits when it breaks, and nobody else in the process', async () => {
    const [broken, other] = [await connect(), await connect()]
    broken.relay.stall()
    other.relay.stall()
    const failing = Array.from({ length: MANY }, () => broken.append(20_000))
    const waiting = other.append()
    // All that the client can do without the network it has done then.
    for (let count = 0; count < 100; count += 1) await turn()
    broken.relay.cut()
    expect(new Set(await Promise.all(failing))).to.deep.equal(new Set(['unavailable']))
    other.relay.heal()
    expect(await waiting).to.equal('kept')
    broken.relay.heal()
    expect(await broken.append()).to.equal('kept')
  })

  it('gives up a request and a read that get no answer, and is well again when the network is', async () => {
    const { relay, connection, append } = await connect(300)
    const stream = randomUUID()
    const read = async () => (await connection.read((client) => client.readStream(stream)).next()).value?.event?.streamId
    const send = () => connection.request((client) => client.appendToStream(stream, [anEvent(10)]))
    await send()
    expect(await read()).to.equal(stream)
    // Together one of them takes the client from the other; alone each ends by itself.
    for (const together of [[send, read], [read], [send]]) {
      relay.stall()
      for (const work of together.map((begin) => begin().catch((error: unknown) => error)))
        expect(await work).to.include({ code: 'LOG_UNAVAILABLE', retriable: true })
      relay.heal()
      expect(await append()).to.equal('kept')
      expect(await read()).to.equal(stream)
    }
  })
})

const anEvent = (bytes: number) => ({
  id: randomUUID(),
  type: 'Test',
  contentType: 'application/octet-stream' as const,
  data: Buffer.alloc(bytes),
  metadata: undefined,
})
