import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Database } from '@tributary/database'
import {
  describeOnKafka,
  freePort,
  migratedTestDatabase,
  ofWorker,
  type PrivateBroker,
  type Relay,
  startKafka,
  startRelay,
} from '@tributary/test/servers'
import { expect } from 'chai'
import { type EventLog, EventLogError } from '../index.ts'
import { anEvent } from '../testing/an-event.ts'
import { openKafkaLog } from './kafka-log.ts'

const FOLDER = join(import.meta.dirname, `../../../../.local/kafka-silent${ofWorker()}`)
/** Behind the length a request says what it asks for: https://kafka.apache.org/protocol#protocol_api_keys */
const FETCH = 1

describeOnKafka('A broker of Kafka that falls silent', function () {
  this.timeout(60_000)
  let broker: PrivateBroker
  let relay: Relay
  let database: Database
  let drop: () => Promise<void>
  let log: EventLog
  let topic: string
  const [first, second] = [anEvent(), anEvent()]
  before(async () => {
    const listening = await freePort()
    relay = await startRelay(`kafka://127.0.0.1:${listening}`)
    const ports = { listening, advertised: Number(new URL(relay.url).port) }
    ;[broker, { database, drop }] = await Promise.all([
      startKafka({ folder: FOLDER, ports }),
      migratedTestDatabase('kafka_silence'),
    ])
  })
  after(async () => {
    await drop?.()
    await broker?.kill()
    await relay?.close()
    await rm(FOLDER, { recursive: true, force: true })
  })
  beforeEach(async () => {
    topic = `SILENT_${randomUUID().slice(0, 8)}`
    // A thirtieth of what it is: an event whose answer is lost is looked for again, and the broker is waited for a few times.
    log = openKafkaLog({ url: broker.url, database, partitions: 1 }, 500)
    await keep(first)
    expect(await ids()).to.deep.equal([first.id])
  })
  afterEach(async () => {
    relay.heal()
    await log.close()
  })

  const idsOf = async () => (await log.read(topic, 0, 0)).events.map(({ event }) => event.id)
  const codeOf = (work: Promise<unknown>) =>
    work.then(
      () => undefined,
      (error: unknown) => (error instanceof EventLogError ? { code: error.code, retriable: error.retriable } : error),
    )

  /** Until it is kept, and what is kept: on a slow machine the broker may need longer than it is given. */
  const keep = async (event: typeof first) => {
    while ((await codeOf(log.append(topic, [event]))) !== undefined);
  }
  const ids = async (): Promise<string[]> => {
    for (;;) {
      const found = await idsOf().catch(() => undefined)
      if (found) return found
    }
  }

  it('because its machine has vanished, is given up, by who appends and who reads, and found again when it is back', async () => {
    relay.stall()
    const gone = { code: 'LOG_UNAVAILABLE', retriable: true }
    expect(await Promise.all([codeOf(log.append(topic, [second])), codeOf(idsOf())])).to.deep.equal([gone, gone])
    relay.heal()
    await keep(second)
    expect(await ids()).to.deep.equal([first.id, second.id])
  })

  it('in the middle of an answer, is understood on the next connection', async () => {
    const isFetch = (chunk: Buffer) => chunk.readInt16BE(4) === FETCH
    relay.breakWhere((chunk) => {
      if (!isFetch(chunk)) return undefined
      relay.breakWhere(undefined)
      return { kind: 'half' }
    })
    await idsOf().catch(() => {})
    expect(await ids()).to.deep.equal([first.id])
  })

  it('because something between has lost the connections, is dialled anew', async () => {
    relay.forget()
    await keep(second)
    expect(await ids()).to.deep.equal([first.id, second.id])
  })
})
