import type { Connection, Database } from '@tributary/database'
import { createRandom, type Random } from '@tributary/test/random'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { untriedLane } from './lane.ts'
import { countLanes, retryLanes, skipHead } from './lane-operations.ts'
import { type LaneRows, mysqlLaneRows } from './lane-rows.ts'
import { placed } from './place.ts'
import { createMemoryDatabase, memoryRows } from './testing/memory-rows.ts'

const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? Date.now() % 1_000_000)
const place = { endpoint: 'group:warehouse', topic: 'orders', partition: 3 }
const elsewhere = { ...place, partition: 4 }

describe('The rows of lanes', () => {
  let database: Database
  let drop: () => Promise<void>
  before(async () => {
    ;({ database, drop } = await migratedTestDatabase('lane_rows'))
  })
  after(() => drop())

  it(`do in MySQL what they do in memory, where random histories are played (seed ${SEED})`, async () => {
    const memory = createMemoryDatabase()
    const [one, two] = [createRandom(SEED), createRandom(SEED)]
    for (let round = 0; round < 60; round += 1) {
      const expected = await memory.transaction((connection) => act(memoryRows, connection, one, round))
      const found = await database.transaction((connection) => act(mysqlLaneRows, connection, two, round))
      expect(found, `round ${round}`).to.deep.equal(expected)
    }
  })

  it('tell keys apart byte for byte, and partitions', async () => {
    const keys = ['1:S:a', '1:S:A', '1:S:ä', '1:S:🎁']
    await mysqlLaneRows.insertLanes(
      database,
      placed(
        elsewhere,
        keys.map((key, index) => untriedLane(key, index, 0, '')),
      ),
    )
    await mysqlLaneRows.insertWaiting(database, placed(elsewhere, [{ key: '1:S:A', position: 9 }]))
    expect(await mysqlLaneRows.firstWaiting(database, elsewhere, '1:S:a')).to.equal(undefined)
    expect(await mysqlLaneRows.firstWaiting(database, elsewhere, '1:S:A')).to.equal(9)
    expect(await mysqlLaneRows.firstWaiting(database, place, '1:S:A')).to.equal(undefined)
    const loaded = await mysqlLaneRows.load(database, elsewhere)
    expect(loaded.map(({ lane }) => lane.key)).to.have.members(keys)
  })

  it('are counted for health, and tried again or skipped where a person says so', async () => {
    const endpoint = 'group:counted'
    const lane = untriedLane('a', 1, 500, '')
    await mysqlLaneRows.insertLanes(
      database,
      placed({ ...place, endpoint }, [lane, { ...lane, key: 'b', head: 3, state: 'blocked', failures: 10 }]),
    )
    await mysqlLaneRows.insertWaiting(database, placed({ ...place, endpoint }, [{ key: 'b', position: 2 }]))
    expect(await countLanes(database, endpoint)).to.deep.equal({ retrying: 1, blocked: 1, waiting: 1, oldestSince: 500 })
    // What is due already is not put off.
    expect(await retryLanes(database, endpoint, { key: 'a' })).to.equal(0)
    expect(await retryLanes(database, endpoint, { head: { ...place, position: 2 } })).to.equal(0)
    expect(await retryLanes(database, endpoint)).to.equal(1)
    expect(await mysqlLaneRows.find(database, { ...place, endpoint }, 'b')).to.include({ state: 'retrying', failures: 0 })
    expect(await skipHead(database, { ...place, endpoint, position: 2 }, 'no head')).to.equal(false)
    expect(await skipHead(database, { ...place, endpoint, position: 1 }, 'typed in twice')).to.equal(true)
    expect((await mysqlLaneRows.due(database, { ...place, endpoint }, Date.now())).map(({ state }) => state)).to.have.members([
      'skipped',
      'retrying',
    ])
    expect(await retryLanes(database, endpoint)).to.equal(0)
    expect(await countLanes(database, 'nobody')).to.deep.equal({ retrying: 0, blocked: 0, waiting: 0, oldestSince: undefined })
  })
})

/** Some changes as the two sides of a partition make them, and what can be seen after. */
async function act(rows: LaneRows, connection: Connection, random: Random, round: number) {
  const key = `key-${random.from(0, 3)}`
  const held = await rows.find(connection, place, key)
  if (!held) await rows.insertLanes(connection, placed(place, [untriedLane(key, round * 10, random.from(0, 99), 'not sent')]))
  else await change(rows, connection, random, { key, position: round * 10 })
  const loaded = await rows.load(connection, place)
  const { lanes, waiting } = await rows.aside(connection, place)
  const isCleared = random.from(0, 9) === 0
  if (isCleared) await rows.clear(connection, place)
  return {
    aside: { lanes: lanes.toSorted(byKey), waiting: waiting.toSorted((a, b) => byKey(a, b) || a.position - b.position) },
    left: isCleared ? await rows.aside(connection, place) : undefined,
    loaded: loaded.toSorted((a, b) => (a.lane.key < b.lane.key ? -1 : 1)),
    first: await rows.firstWaiting(connection, place, key),
    due: (await rows.due(connection, place, 50)).map((lane) => lane.key).toSorted(),
  }
}

const byKey = (one: { key: string }, other: { key: string }): number => (one.key < other.key ? -1 : Number(one.key > other.key))

async function change(
  rows: LaneRows,
  connection: Connection,
  random: Random,
  { key, position }: { key: string; position: number },
): Promise<void> {
  const lane = await rows.find(connection, place, key)
  const next = await rows.firstWaiting(connection, place, key)
  if (!lane) return
  if (random.from(0, 1) === 0)
    return rows.insertWaiting(
      connection,
      placed(
        place,
        [position, position + 1].map((one) => ({ key, position: one })),
      ),
    )
  if (random.from(0, 2) === 0) return rows.update(connection, place, { ...lane, attempts: lane.attempts + 1, state: 'blocked' })
  if (next === undefined) return rows.end(connection, place, key)
  await rows.update(connection, place, { ...lane, head: next, attempts: 0, state: 'retrying' })
  await rows.deleteWaiting(connection, place, { key, position: next })
}
