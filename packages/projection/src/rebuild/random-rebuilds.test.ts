import { randomBytes } from 'node:crypto'
import { consumeTo } from '@tributary/consumer'
import { openStage, quietLogger, type Stage } from '@tributary/consumer/testing'
import type { Database } from '@tributary/database'
import { derivedEventId, encodeEvent, type StoredEvent } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { createRandom, type Random } from '@tributary/test/random'
import { openVault, type Vault } from '@tributary/vault'
import { expect } from 'chai'
import type { Projection } from '../definition.ts'
import { defineProjectionConsumer } from '../projection-consumer.ts'
import { createRemarkBook } from '../remark-counts.ts'
import { openMortalDatabase } from '../testing/mortal-database.ts'
import { rebuildProjection } from './rebuild.ts'
import { rollBackRebuild } from './roll-back.ts'

/** The same in every run of the suite, so that what it proves does not depend on the day; `TRIBUTARY_TEST_SEED` tries others. */
const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? 756_886)
const RUNS = Number(process.env['TRIBUTARY_TEST_RUNS'] ?? 500)
/** Runs at once: they wait for the server more than they work. */
const AT_ONCE = 8
const PARTITIONS = 2
const KEYS = 6
const PRIME = 1_000_003

/** A fold that shows every event that is lost, comes twice or comes in another order. */
function sensitive(name: string): Projection {
  return {
    name,
    topic: `TOPIC_${name}`,
    types: ['OrderNotified'],
    tables: [{ name, primaryKey: 'id', columns: ['id', 'order_id', 'trail'], by: { columns: ['order_id'] } }],
    key: (event) => (event.type === 'OrderNotified' ? [event.data.orderId] : undefined),
    fold: (state, event) => {
      if (event.type !== 'OrderNotified') return { state, remarks: [] }
      const { orderId, notifiedTime } = event.data
      const trail = next(Number(state[name]?.[0]?.['trail'] ?? 1), notifiedTime)
      return { state: { [name]: [{ id: Number(orderId), order_id: orderId, trail }] }, remarks: [] }
    },
  }
}

const next = (trail: number, heard: number): number => (trail * 31 + heard) % PRIME

/**
 * Random histories of appends, live work, rebuilds, rollbacks and second rebuilds at the same time, each killed at a random
 * statement, before or after the server did it. The model is the fold of the log: whatever happened, the tables that
 * readers see are there at every moment, and in the end they equal it.
 */
describe(`rebuilds in random histories (seed ${SEED}, ${RUNS} runs)`, () => {
  let stage: Stage
  let vault: Vault
  before(async () => {
    stage = await openStage('rebuilds', { partitions: PARTITIONS })
    vault = await openVault({ database: stage.database, masterKeys: [randomBytes(32)] })
  })
  after(() => stage.close())

  it('end in tables that equal the fold of the log', async () => {
    const waiting = Array.from({ length: RUNS }, (_, run) => run)
    let deaths = 0
    let swaps = 0
    const work = async () => {
      for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) {
        const history = await play(stage, vault, run, createRandom(SEED * 1_000 + run))
        deaths += history.deaths
        swaps += history.swaps
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    expect(deaths, 'nobody was killed').to.be.greaterThan(RUNS / 4)
    expect(swaps, 'nothing was swapped').to.be.greaterThan(RUNS / 2)
  }).timeout(300_000)
})

async function play(stage: Stage, vault: Vault, run: number, random: Random): Promise<{ deaths: number; swaps: number }> {
  const projection = sensitive(`m${run}`)
  const { name, topic } = projection
  const { operator, operatorLog: log } = stage
  const counts = { deaths: 0, swaps: 0 }
  const model = new Map<string, number>()
  let made = 0
  await operator.query(
    'CREATE TABLE ?? (id BIGINT PRIMARY KEY, order_id VARCHAR(20) NOT NULL, trail INT NOT NULL, KEY (order_id))',
    [name],
  )

  const append = async (): Promise<void> => {
    const events = Array.from({ length: random.from(1, 12) }, (): StoredEvent => {
      made += 1
      const orderId = String(random.from(1, KEYS))
      model.set(orderId, next(model.get(orderId) ?? 1, made))
      const event = exampleEvent('OrderNotified', derivedEventId(name, made), { data: { orderId, notifiedTime: made } })
      return encodeEvent({ ...event, partitionkey: orderId })
    })
    await log.append(topic, events)
    // Heard twice, kept once.
    if (random.from(1, 4) === 1) await log.append(topic, events)
  }
  /** A process that does some work on a pool of its own, and may be killed in the midst of it. */
  const inProcess = async (
    mortal: boolean,
    work: (database: Database, signal: AbortSignal) => Promise<void>,
  ): Promise<void> => {
    const dieAt = mortal ? random.from(1, 70) : Number.POSITIVE_INFINITY
    const database = openMortalDatabase(stage.url, { dieAt, after: random.from(0, 1) === 1 })
    try {
      await work(database, database.death)
    } catch (error) {
      if (!database.death.aborted) throw error
    } finally {
      if (database.death.aborted) counts.deaths += 1
      await database.close().catch(() => {})
    }
  }
  const live = async (database: Database, signal: AbortSignal): Promise<void> => {
    const definition = defineProjectionConsumer({ projection, database, vault, book: createRemarkBook(name, quietLogger) })
    for (const [partition, to] of (await log.ends(topic)).entries())
      await consumeTo({ definition, database, log, logger: quietLogger, owner: 'live', partition, to, signal }).catch(
        (error) => {
          if (!isExpected(error, signal)) throw error
        },
      )
  }
  const rebuild = async (database: Database, signal: AbortSignal): Promise<void> => {
    const pace = { parallel: random.from(1, 2), share: 1, again: 1 }
    const accept = async () => random.from(1, 5) > 1
    await rebuildProjection({ projection, database, log, vault, logger: quietLogger, pace, signal, accept }).then(
      ({ kind }) => {
        if (kind === 'done') counts.swaps += 1
      },
      (error) => {
        if (!isExpected(error, signal)) throw error
      },
    )
  }
  const rollBack = (database: Database, signal: AbortSignal): Promise<unknown> =>
    rollBackRebuild({ projection, database, signal }).catch((error) => {
      if (!isExpected(error, signal)) throw error
    })

  const readers = watchReaders(stage.database, name)
  await append()
  for (let step = random.from(3, 6); step > 0; step -= 1) {
    const mortal = random.from(1, 2) === 1
    switch (random.from(1, 6)) {
      case 1:
        await append()
        break
      case 2:
        await inProcess(mortal, live)
        break
      case 3:
        await inProcess(mortal, rebuild)
        break
      case 4:
        await Promise.all([inProcess(mortal, rebuild), inProcess(false, live), append()])
        break
      case 5:
        await Promise.all([inProcess(mortal, rebuild), inProcess(random.from(1, 2) === 1, rebuild)])
        break
      default:
        await Promise.all([inProcess(mortal, async (database, signal) => void (await rollBack(database, signal))), append()])
    }
  }
  await append()
  await settle(() => inProcess(false, live), operator, projection, await log.ends(topic))
  await readers.stop()
  const rows = await operator.query<{ order_id: string; trail: number }[]>('SELECT order_id, trail FROM ?? ORDER BY id', [name])
  const expected = [...model].sort(([one], [other]) => Number(one) - Number(other))
  expect(
    rows.map(({ order_id, trail }) => [order_id, trail]),
    `run ${run}`,
  ).to.deep.equal(expected)
  return counts
}

/** What a killed process leaves needs a moment at the server before the next may take its place. */
async function settle(live: () => Promise<void>, operator: Database, { name }: Projection, ends: number[]): Promise<void> {
  for (let attempt = 1; attempt < 500; attempt += 1) {
    await live()
    const rows = await operator.query<{ partition_no: number; next_position: number }[]>(
      'SELECT partition_no, next_position FROM tributary_cursor WHERE consumer = ?',
      [name],
    )
    const at = new Map(rows.map((row) => [row.partition_no, row.next_position]))
    if (ends.every((end, partition) => (at.get(partition) ?? 0) >= end)) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`The live tables of ${name} never came to the end of the log.`)
}

/** Reads the live table over and over: it is there at every moment. */
function watchReaders(database: Database, table: string) {
  let stopped = false
  const reading = (async () => {
    while (!stopped) {
      await database.query('SELECT COUNT(*) FROM ??', [table])
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
  })()
  return {
    stop: async () => {
      stopped = true
      await reading
    },
  }
}

const EXPECTED = ['PROJECTION_FENCED', 'PROJECTION_REBUILD_REFUSED', 'PROJECTION_SWAP_BLOCKED', 'CONSUMER_FENCED']

function isExpected(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted || EXPECTED.includes(String((error as { code?: unknown }).code))
}
