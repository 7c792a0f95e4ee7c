import { randomBytes, randomUUID } from 'node:crypto'
import { openStage, quietLogger, type Stage } from '@tributary/consumer/testing'
import { type Database, openDatabase } from '@tributary/database'
import { type EventLog, openEventLog } from '@tributary/event-log'
import { CONTACT_TOPIC, ORDER_TOPIC } from '@tributary/events'
import { checksumTable, rebuildProjection } from '@tributary/projection'
import type { WeworkCustomer } from '@tributary/runtime'
import { createRandom } from '@tributary/test/random'
import { describeOnKafka, migratedTestDatabase, testKafkaUrl } from '@tributary/test/servers'
import { openVault, type Vault } from '@tributary/vault'
import { expect } from 'chai'
import { projectionsOf } from './index.ts'
import { anyChange, CUSTOMER, createDirectoryWorld, SUITE_ID } from './testing/directory-world.ts'
import { createOrderWorld } from './testing/order-world.ts'

const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? Date.now() % 1_000_000)
const STEPS = 150
const PARTITIONS = 3
const CORPS = ['wpFirst', 'wpSecond']
/** Two of these ids are one for the unique index: a parked key must be parked in every log. */
const USERS = ['ann', 'Ann', 'bob', 'carl']
const suite = { suiteId: SUITE_ID, providerCorpId: '', token: 'x', encodingAesKey: 'x' }
const corps = { wpFirst: { directory: 'departments' as const } }
const wework: Record<string, WeworkCustomer> = {
  [CUSTOMER]: { apiUrl: 'http://127.0.0.1:1', webhooks: [], suite, corps, selfBuilt: {} },
}
const PROJECTIONS = projectionsOf({ wework })

/** How a rebuild goes about it. */
type Manner = { parallel: number; eventsAtOnce: number }

describeOnKafka(`tables from the same events (seed ${SEED})`, function () {
  this.timeout(90_000)
  let stage: Stage
  let vault: Vault
  let beside: { url: string; database: Database; drop(): Promise<void> }
  let kafka: EventLog
  let kafkaDatabase: Database
  before(async () => {
    stage = await openStage('rebuild_logs', { partitions: PARTITIONS })
    vault = await openVault({ database: stage.database, masterKeys: [randomBytes(32)] })
    beside = await migratedTestDatabase('rebuild_kafka')
    kafkaDatabase = openDatabase(beside.url, { connections: 8 })
    kafka = renamed(await openEventLog({ url: await testKafkaUrl(), database: kafkaDatabase, partitions: PARTITIONS }))
  })
  after(async () => {
    await kafka.close()
    await kafkaDatabase.close()
    await beside.drop()
    await stage.close()
  })

  it('are equal to the byte on MySQL and on Kafka, whatever the parallelism and the size of batches', async () => {
    const random = createRandom(SEED)
    const orderWorld = createOrderWorld(vault, random)
    const directories = createDirectoryWorld(vault)
    for (let step = 0; step < STEPS; step += 1) {
      const orders = await orderWorld.next()
      const told = [anyChange(random, step, { steps: STEPS, users: USERS })]
      const changes = await directories.changes(random.pick(CORPS), told)
      for (const log of [stage.log, kafka]) {
        await log.append(ORDER_TOPIC, orders)
        await log.append(CONTACT_TOPIC, changes)
      }
    }
    const expected = await rebuilt(stage.database, stage.log, { parallel: 1, eventsAtOnce: 500 })
    expect(Object.values(expected.tables).filter(({ rows }) => rows > 0)).to.have.length.above(7)
    for (const manner of [
      { parallel: 3, eventsAtOnce: 1 + (SEED % 7) },
      { parallel: 2, eventsAtOnce: 40 },
    ])
      expect(await rebuilt(stage.database, stage.log, manner), JSON.stringify(manner)).to.deep.equal(expected)
    for (const manner of [
      { parallel: 1, eventsAtOnce: 7 + (SEED % 7) },
      { parallel: 3, eventsAtOnce: 500 },
    ])
      expect(await rebuilt(kafkaDatabase, kafka, manner), `Kafka, ${JSON.stringify(manner)}`).to.deep.equal(expected)
  })

  /** Every table after a rebuild of every projection, and which keys are parked. */
  async function rebuilt(database: Database, log: EventLog, { parallel, eventsAtOnce }: Manner) {
    const tables: Record<string, { rows: number; checksum: string }> = {}
    for (const projection of PROJECTIONS) {
      const outcome = await rebuildProjection({
        ...{ projection, database, log: inSlices(log, eventsAtOnce), vault, logger: quietLogger },
        ...{ pace: { parallel, share: 1, again: 10 }, signal: new AbortController().signal, accept: async () => true },
      })
      expect(outcome.kind).to.equal('done')
      for (const { name } of projection.tables) tables[name] = await checksumTable(database, name)
    }
    const parked = await database.query<{ consumer: string; event_key: string }[]>(
      "SELECT consumer, event_key FROM tributary_parked_key WHERE consumer NOT LIKE '%\\_\\_old\\_%' ORDER BY consumer, event_key",
    )
    return { tables, parked }
  }
})

/** The same log under other names of topics: others on the same broker use the usual ones. */
function renamed(log: EventLog): EventLog {
  const suffix = randomUUID().slice(0, 8)
  const nameOf = (topic: string) => `${topic}_${suffix}`
  return {
    ...log,
    append: (topic, ...rest) => log.append(nameOf(topic), ...rest),
    read: (topic, ...rest) => log.read(nameOf(topic), ...rest),
    ends: (topic, ...rest) => log.ends(nameOf(topic), ...rest),
    partitions: (topic, ...rest) => log.partitions(nameOf(topic), ...rest),
  }
}

/** The same log giving few events at once. */
const inSlices = (log: EventLog, most: number): EventLog => ({
  ...log,
  read: (topic, partition, from, options) =>
    log.read(topic, partition, from, { ...options, limit: Math.min(most, options?.limit ?? most) }),
})
