import { randomBytes } from 'node:crypto'
import { openStage, quietLogger, type Stage } from '@tributary/consumer/testing'
import { type Database, openDatabase } from '@tributary/database'
import { ORDER_TOPIC } from '@tributary/events'
import { orders } from '@tributary/orders'
import { checksumTable, type RebuildOutcome, rebuildProjection } from '@tributary/projection'
import { verifyProjection } from '@tributary/projection/testing'
import { createRandom } from '@tributary/test/random'
import { until } from '@tributary/test/servers'
import { openVault, type Vault } from '@tributary/vault'
import { expect } from 'chai'
import { createProjector } from './index.ts'
import { createOrderWorld } from './testing/order-world.ts'

const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? Date.now() % 1_000_000)
const SWAPS = 20

describe(`rebuilding orders while everything goes on (seed ${SEED})`, function () {
  this.timeout(90_000)
  let stage: Stage
  let vault: Vault
  const masterKeys = [randomBytes(32)]
  beforeEach(async () => {
    stage = await openStage('rebuild_orders', { partitions: 3 })
    vault = await openVault({ database: stage.database, masterKeys })
  })
  afterEach(() => stage.close())

  const rebuild = (parallel: number): Promise<RebuildOutcome> =>
    rebuildProjection({
      ...{ projection: orders, database: stage.database, log: stage.log, vault, logger: quietLogger },
      ...{ pace: { parallel, share: 1, again: 10 }, signal: new AbortController().signal, accept: async () => true },
    })
  const untilThrough = () =>
    until('the live tables are through', async () => {
      const ends = (await stage.operatorLog.ends(ORDER_TOPIC)).reduce((sum, end) => sum + end, 0)
      const [row] = await stage.operator.query<{ sum: number }[]>(
        "SELECT COALESCE(SUM(next_position), 0) AS sum FROM tributary_cursor WHERE consumer = 'orders'",
      )
      return Number(row?.sum) === ends
    })

  it(`shows readers the old tables or the new ones through ${SWAPS} swaps, and loses nothing that comes meanwhile`, async () => {
    const world = createOrderWorld(vault, createRandom(SEED))
    for (let step = 0; step < 100; step += 1) await stage.appendStored(...(await world.next()))
    const projector = createProjector({ ...stage, configuration: { wework: {} }, vault, logger: quietLogger })
    await projector.start()
    const reader = openDatabase(stage.url, { connections: 2 })
    const readers = watchReaders(reader)
    const live = watchStandstill(reader)
    const writing = keepAppending(async () => void (await stage.appendStored(...(await world.next()))))
    const renames: number[] = []
    try {
      for (let swap = 1; swap <= SWAPS; swap += 1) {
        const outcome = await rebuild(1 + (swap % 3))
        expect(outcome).to.include({ kind: 'done', generation: swap + 1 })
        if (outcome.kind === 'done') renames.push(outcome.renameMilliseconds)
      }
    } finally {
      await writing.stop()
      await Promise.all([readers.stop(), live.stop()])
      await reader.close()
    }
    await untilThrough()
    await projector.stop()
    process.stdout.write(
      `    ${SWAPS} swaps, ${readers.reads} reads, the longest took ${readers.longest.toFixed(1)} ms; the longest rename ${Math.max(...renames).toFixed(1)} ms; ` +
        `no partition of the live tables stood still for more than ${live.longest.toFixed(0)} ms\n`,
    )
    expect(readers.problems).to.deep.equal([])
    expect(readers.reads).to.be.greaterThan(SWAPS)
    const { differences } = await verifyProjection({
      projection: orders,
      database: stage.operator,
      log: stage.operatorLog,
      vault,
    })
    expect(differences).to.deep.equal([])
  })

  it('makes byte-equal tables, ids and audit columns included, whatever the parallelism, and keeps readers’ grants', async () => {
    const world = createOrderWorld(vault, createRandom(SEED + 1))
    for (let step = 0; step < 120; step += 1) await stage.appendStored(...(await world.next()))
    const projector = createProjector({ ...stage, configuration: { wework: {} }, vault, logger: quietLogger })
    await projector.start()
    await untilThrough()
    await projector.stop()
    const checksums = () => Promise.all(orders.tables.map(({ name }) => checksumTable(stage.operator, name)))
    const [{ name: schema } = { name: '' }] = await stage.operator.query<{ name: string }[]>('SELECT DATABASE() AS name')
    const user = `reader_${randomBytes(4).toString('hex')}`
    await stage.operator.query('CREATE USER ?@? IDENTIFIED BY ?', [user, '127.0.0.1', randomBytes(12).toString('hex')])
    await stage.operator.query('GRANT SELECT ON ??.?? TO ?@?', [schema, 'eg_order_order', user, '127.0.0.1'])
    try {
      const grants = () => stage.operator.query<object[]>('SHOW GRANTS FOR ?@?', [user, '127.0.0.1'])
      const [before, granted] = [await checksums(), await grants()]
      for (const parallel of [1, 2, 3]) {
        expect((await rebuild(parallel)).kind).to.equal('done')
        expect(await checksums()).to.deep.equal(before)
      }
      expect(await grants()).to.deep.equal(granted)
      expect(JSON.stringify(granted)).to.contain('eg_order_order')
    } finally {
      await stage.operator.query('DROP USER ?@?', [user, '127.0.0.1'])
    }
  })
})

/** Joins the tables over and over: a mix of two generations would show orders without an original, or lines without an order. */
function watchReaders(database: Database) {
  let stopped = false
  const watched = {
    reads: 0,
    longest: 0,
    problems: [] as string[],
    stop: async () => {
      stopped = true
      await reading
    },
  }
  const read = async (): Promise<void> => {
    const began = performance.now()
    const [row] = await database.query<{ odd: number }[]>(
      `SELECT (SELECT COUNT(*) FROM eg_order_order o LEFT JOIN eg_order_order_original r ON r.order_id = o.id
                WHERE r.id IS NULL AND o.status <> 'UNKNOWN')
            + (SELECT COUNT(*) FROM eg_order_order_detail d LEFT JOIN eg_order_order o ON o.id = d.order_id WHERE o.id IS NULL) AS odd`,
    )
    watched.longest = Math.max(watched.longest, performance.now() - began)
    watched.reads += 1
    if (Number(row?.odd) > 0) watched.problems.push(`${row?.odd} rows of another generation`)
  }
  const reading = (async () => {
    while (!stopped) await read().catch((error: Error) => watched.problems.push(error.message))
  })()
  return watched
}

/** How long the live tables got nothing of a partition, while something came for each all the time. */
function watchStandstill(database: Database) {
  let stopped = false
  const moved = new Map<number, { next: number; since: number }>()
  const watched = {
    longest: 0,
    stop: async () => {
      stopped = true
      await watching
    },
  }
  const look = async (): Promise<void> => {
    const rows = await database.query<{ partition: number; next: number }[]>(
      "SELECT partition_no AS `partition`, next_position AS next FROM tributary_cursor WHERE consumer = 'orders'",
    )
    const now = performance.now()
    for (const { partition, next } of rows) {
      const before = moved.get(partition)
      if (before && before.next !== next) watched.longest = Math.max(watched.longest, now - before.since)
      if (before?.next !== next) moved.set(partition, { next, since: now })
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const watching = (async () => {
    while (!stopped) await look()
  })()
  return watched
}

function keepAppending(append: () => Promise<void>) {
  let stopped = false
  const appending = (async () => {
    while (!stopped) {
      await append()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })()
  return {
    stop: async () => {
      stopped = true
      await appending
    },
  }
}
