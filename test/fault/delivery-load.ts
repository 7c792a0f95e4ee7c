import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { migrate, openDatabase } from '@tributary/database'
import { keyAt, openStageOn, SECRET, type Stage } from '@tributary/dispatcher/testing'
import { ORDER_TOPIC } from '@tributary/events'
import { expect } from 'chai'
import { createRandom } from '../random.ts'
import { type PrivateServer, startMariaDb } from '../servers/index.ts'
import { createSpiReceiver, inversions, type SpiReceiver } from '../simulators/spi/index.ts'
import { type DispatcherProcess, startDispatcherProcess } from './delivery-process.ts'

const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? Date.now() % 1_000_000)
/** The long run is 120 seconds at 500 events a second. */
const SECONDS = Number(process.env['TRIBUTARY_FAULT_SECONDS'] ?? 10)
const RATE = Number(process.env['TRIBUTARY_FAULT_RATE'] ?? 100)
/** Kills of each, however long the servers take to come back. */
const LEAST_KILLS = 2
const KEYS = 200
const PARTITIONS = 4
/** Of one kill: what may be under way at the cap, and a batch that is written and one ahead in each partition. */
const AGAIN_AT_MOST = 64 + 2 * 128 * PARTITIONS

/** A log with a server of its own, that is killed like the others. */
export type KilledLog = { url: string; killAndRestart(): Promise<void>; close(): Promise<void> }

type Victim = 'process' | 'database' | 'broker'

/**
 * Appends orders at an even rate while a dispatcher delivers them, and kills the dispatcher, the database and the broker of
 * the log, where it has one, at seeded moments. Every event of the log must arrive, in the order of its key.
 */
export function describeDeliveriesUnderLoad(log: string, openLog?: () => Promise<KilledLog>): void {
  const victims: readonly Victim[] = openLog ? ['process', 'broker', 'database'] : ['process', 'database']
  describe(`Deliveries under load on ${log} while the ${victims.join(', ')} are killed (seed ${SEED})`, function () {
    this.timeout(120_000 + SECONDS * 4_000)
    loadWithKills({ folder: join(import.meta.dirname, `../../.local/fault-load-${log.toLowerCase()}`), victims, openLog })
  })
}

function loadWithKills({
  folder,
  victims,
  openLog,
}: {
  folder: string
  victims: readonly Victim[]
  openLog: (() => Promise<KilledLog>) | undefined
}): void {
  let server: PrivateServer
  let log: KilledLog | undefined
  let stage: Stage
  let receiver: SpiReceiver
  let sender: Promise<DispatcherProcess>
  const random = createRandom(SEED)
  const acknowledged = new Set<string>()

  before(async () => {
    ;[server, log] = await Promise.all([startMariaDb({ folder, durable: true }), openLog?.()])
    const name = 'delivery_load'
    const admin = openDatabase(server.url)
    await admin.query(`DROP DATABASE IF EXISTS ${name}`)
    await admin.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`)
    await admin.close()
    const url = `${server.url}/${name}`
    const database = openDatabase(url)
    await migrate(database)
    const logUrl = log?.url ?? url
    stage = await openStageOn({ url, database, drop: () => database.close() }, { partitions: PARTITIONS, logUrl })
    receiver = await createSpiReceiver({ secret: SECRET })
    await stage.setCodes(['warehouse'])
    await stage.addService('warehouse')
  })
  after(async () => {
    await (await sender)?.kill()
    await receiver?.close()
    await stage?.close()
    await Promise.all([server?.stop(), log?.close()])
    await rm(folder, { recursive: true, force: true })
  })

  const start = async (): Promise<DispatcherProcess> => {
    const options = {
      ...{ url: stage.url, logUrl: log?.url ?? stage.url },
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
    server = await startMariaDb({ folder, durable: true, port: server.port })
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
    const kills = new Map(victims.map((victim) => [victim, 0]))
    const kill = { process: killSender, database: killDatabase, broker: async () => await log?.killAndRestart() }
    const spared = () => victims.find((victim) => (kills.get(victim) ?? 0) < LEAST_KILLS)
    for (const end = performance.now() + SECONDS * 1_000; performance.now() < end || spared(); ) {
      await wait(random.from(300, 2_000))
      // The process twice as often as a server, which takes longer to come back.
      const victim = spared() ?? victims[Math.max(0, random.from(-1, victims.length - 1))] ?? 'process'
      await kill[victim]()
      kills.set(victim, (kills.get(victim) ?? 0) + 1)
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
    const all = [...kills.values()].reduce((sum, count) => sum + count, 0)
    const told = [...kills].map(([victim, count]) => `${victim} ${count}`).join(', ')
    process.stdout.write(
      `    ${ids.length} events, kills: ${told}; ${duplicates} sent again, ${unkept.length} sent though the log did not keep them\n`,
    )
    expect(inverted).to.equal(0)
    expect(unkept.filter((id) => acknowledged.has(id))).to.deep.equal([])
    expect(receiver.unverified).to.equal(0)
    expect(duplicates).to.be.at.most(all * AGAIN_AT_MOST)
  })
}
