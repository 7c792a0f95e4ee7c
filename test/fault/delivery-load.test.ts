import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { randomNumbers } from '@tributary/consumer/testing'
import { migrate, openDatabase } from '@tributary/database'
import { keyAt, openStageOn, SECRET, type Stage } from '@tributary/dispatcher/testing'
import { ORDER_TOPIC } from '@tributary/events'
import { expect } from 'chai'
import { type PrivateServer, startMariaDb } from '../servers/index.ts'
import { createSpiReceiver, inversions, type SpiReceiver } from '../simulators/spi/index.ts'
import { type DispatcherProcess, startDispatcherProcess } from './delivery-process.ts'

const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? Date.now() % 1_000_000)
/** The long run is 120 seconds at 500 events a second. */
const SECONDS = Number(process.env['TRIBUTARY_FAULT_SECONDS'] ?? 10)
const RATE = Number(process.env['TRIBUTARY_FAULT_RATE'] ?? 100)
const KEYS = 200
const PARTITIONS = 4
/** Of one kill: what may be under way at the cap, and a batch that is written and one ahead in each partition. */
const AGAIN_AT_MOST = 64 + 2 * 128 * PARTITIONS
const FOLDER = join(import.meta.dirname, '../../.local/fault-mariadb')

describe(`Deliveries under load while the process and the database are killed (seed ${SEED})`, function () {
  this.timeout(120_000 + SECONDS * 4_000)
  let server: PrivateServer
  let stage: Stage
  let receiver: SpiReceiver
  let sender: Promise<DispatcherProcess>
  const random = randomNumbers(SEED)
  const acknowledged = new Set<string>()

  before(async () => {
    server = await startMariaDb({ folder: FOLDER, durable: true })
    const name = 'delivery_load'
    const admin = openDatabase(server.url)
    await admin.query(`DROP DATABASE IF EXISTS ${name}`)
    await admin.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`)
    await admin.close()
    const url = `${server.url}/${name}`
    const database = openDatabase(url)
    await migrate(database)
    stage = await openStageOn({ url, database, drop: () => database.close() }, { partitions: PARTITIONS })
    receiver = await createSpiReceiver({ secret: SECRET })
    await stage.setCodes(['warehouse'])
    await stage.addService('warehouse')
  })
  after(async () => {
    await (await sender)?.kill()
    await receiver?.close()
    await stage?.close()
    await server?.stop()
    await rm(FOLDER, { recursive: true, force: true })
  })

  const start = async (): Promise<DispatcherProcess> => {
    const options = {
      url: stage.url,
      masterKey: stage.masterKey.toString('base64'),
      services: { warehouse: receiver.url },
      lease: 500,
    }
    // While the database is away none begins.
    for (;;) {
      try {
        return await startDispatcherProcess(options)
      } catch {
        await wait(100)
      }
    }
  }
  const killSender = async () => {
    const victim = sender
    sender = victim.then(async (process) => {
      await process.kill()
      return start()
    })
    await sender
  }
  const killDatabase = async () => {
    process.kill(server.pid, 'SIGKILL')
    server = await startMariaDb({ folder: FOLDER, durable: true, port: server.port })
  }
  /** Appends at an even rate; what an append that failed may have kept is found in the log at the end. */
  const append = async (until: () => boolean): Promise<void> => {
    const started = performance.now()
    for (let sent = 0; !until(); await wait(20)) {
      const due = Math.floor(((performance.now() - started) / 1_000) * RATE) - sent
      if (due <= 0) continue
      const orders = Array.from({ length: Math.min(due, 50) }, () => `order-${random.from(0, KEYS - 1)}`)
      sent += orders.length
      const ids = await stage.appendOrders(orders).catch(() => [])
      for (const id of ids) acknowledged.add(id)
    }
  }
  const eventsOfLog = async (): Promise<Map<string, string[]>> => {
    const byKey = new Map<string, string[]>()
    for (const [partition, end] of (await stage.log.ends(ORDER_TOPIC)).entries())
      for (let next = 0; next < end; ) {
        const slice = await stage.log.read(ORDER_TOPIC, partition, next)
        for (const { event } of slice.events)
          byKey.set(event.partitionkey, [...(byKey.get(event.partitionkey) ?? []), `msg_${event.id}`])
        next = slice.next
      }
    return byKey
  }

  const everythingArrives = async (ids: readonly string[]): Promise<void> => {
    // As long as more comes it may take its time.
    for (let before = ids.length, since = Date.now(); ; await wait(200)) {
      const missing = ids.filter((id) => !receiver.record.has(id)).length
      if (missing === 0) return
      if (missing < before) since = Date.now()
      else if (Date.now() - since > 30_000) throw new Error(`${missing} of ${ids.length} did not come.`)
      before = missing
    }
  }

  it(`loses nothing, inverts no key, and repeats only what was under way (${SECONDS} s at ${RATE}/s)`, async () => {
    sender = start()
    await sender
    let isOver = false
    const appending = append(() => isOver)
    const kills = { process: 0, database: 0 }
    for (const end = performance.now() + SECONDS * 1_000; performance.now() < end || kills.database === 0; ) {
      await wait(random.from(300, 2_000))
      const kind = kills.process > 0 && (kills.database === 0 || random.from(0, 2) === 0) ? 'database' : 'process'
      await (kind === 'database' ? killDatabase() : killSender())
      kills[kind] += 1
    }
    isOver = true
    await appending
    const expected = await eventsOfLog()
    const ids = [...expected.values()].flat()
    await everythingArrives(ids)
    const known = new Set(ids)
    const keys = Array.from({ length: KEYS }, (_, order) => keyAt(`order-${order}`))
    // InnoDB shows a commit to readers before it is on the disk. An event of an append that was never acknowledged can be
    // delivered, and be gone from the log after the kill.
    const unkept = keys.flatMap((key) => receiver.record.firstTaken(key)).filter((id) => !known.has(id))
    const inverted = keys.reduce((sum, key) => {
      const seen = receiver.record.firstTaken(key).filter((id) => known.has(id))
      return sum + inversions(seen, expected.get(key) ?? [])
    }, 0)
    const { duplicates } = receiver.record
    process.stdout.write(
      `    ${ids.length} events, ${kills.process} kills of the process, ${kills.database} of the database, ${duplicates} sent again, ${unkept.length} sent though the log did not keep them\n`,
    )
    expect(inverted).to.equal(0)
    expect(unkept.filter((id) => acknowledged.has(id))).to.deep.equal([])
    expect(receiver.unverified).to.equal(0)
    expect(duplicates).to.be.at.most((kills.process + kills.database) * AGAIN_AT_MOST)
  })
})
