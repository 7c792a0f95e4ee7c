import { randomBytes } from 'node:crypto'
import { listParked, readSetAside } from '@tributary/consumer'
import { openStage, quietLogger, type Stage } from '@tributary/consumer/testing'
import type { EventLog } from '@tributary/event-log'
import { CONTACT_TOPIC, decodeEvent, type StoredEvent } from '@tributary/events'
import { checksumTable, type KeyState, openEvents, type Projection, rebuildProjection } from '@tributary/projection'
import type { WeworkCustomer } from '@tributary/runtime'
import { createRandom } from '@tributary/test/random'
import { until } from '@tributary/test/servers'
import { openVault, type Vault } from '@tributary/vault'
import { expect } from 'chai'
import { createProjector, projectionsOf } from './index.ts'
import { anyChange, CUSTOMER, createDirectoryWorld, SUITE_ID, type Told } from './testing/directory-world.ts'

const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? Date.now() % 1_000_000)
const HISTORIES = 3
const STEPS = 60
const CORP = 'wpTwins'
const suite = { suiteId: SUITE_ID, providerCorpId: '', token: 'x', encodingAesKey: 'x' }
const corps = { [CORP]: { directory: 'departments' as const } }
const wework: Record<string, WeworkCustomer> = {
  [CUSTOMER]: { apiUrl: 'http://127.0.0.1:1', webhooks: [], suite, corps, selfBuilt: {} },
}
const PAIR = 'eg_wework_member_dept'

describe(`members whose ids the table's unique index takes for one (seed ${SEED})`, function () {
  this.timeout(60_000)
  const projection = projectionsOf({ wework }).find(({ name }) => name === 'wework') as Projection
  const stages: Stage[] = []
  afterEach(async () => {
    for (const stage of stages.splice(0)) await stage.close()
  })

  async function openTwins() {
    const stage = await openStage('twins', { partitions: 1 })
    stages.push(stage)
    const vault = await openVault({ database: stage.database, masterKeys: [randomBytes(32)] })
    return { stage, vault, world: createDirectoryWorld(vault) }
  }
  const create = (timestamp: number, UserID: string, Department: string): Told => ({
    ...{ changeType: 'create_user', timestamp },
    fields: { UserID, Name: `name of ${UserID}`, Department },
  })
  const untilThrough = (stage: Stage) =>
    until('the directory is through', async () => {
      const [end] = await stage.operatorLog.ends(CONTACT_TOPIC)
      const rows = await stage.operator.query<{ next: number }[]>(
        "SELECT next_position AS next FROM tributary_cursor WHERE consumer = 'wework'",
      )
      return rows[0]?.next === end
    })
  const project = async ({ stage, vault }: { stage: Stage; vault: Vault }, meanwhile: () => Promise<void>) => {
    const projector = createProjector({ ...stage, configuration: { wework }, vault, logger: quietLogger })
    await projector.start()
    try {
      await meanwhile()
      await untilThrough(stage)
    } finally {
      await projector.stop()
    }
  }
  const rebuild = ({ stage, vault }: { stage: Stage; vault: Vault }, eventsAtOnce: number) =>
    rebuildProjection({
      ...{ projection, database: stage.database, log: inSlices(stage.log, eventsAtOnce), vault, logger: quietLogger },
      ...{ pace: { parallel: 2, share: 1, again: 10 }, signal: new AbortController().signal, accept: async () => true },
    })
  const outcomeOf = async ({ operator }: Stage) => {
    const checksums: Record<string, unknown> = {}
    for (const { name } of projection.tables) checksums[name] = await checksumTable(operator, name)
    const setAside = [...(await readSetAside(operator, 'wework', CONTACT_TOPIC))].sort()
    const parked = (await listParked(operator, { consumer: 'wework' })).map(({ key, position }) => [key, position])
    return { checksums, setAside, parked: parked.sort() }
  }

  const twins = [
    ['upper and lower case', 'woAbc', 'woaBC'],
    ['accents', 'zoe', 'zoé'],
    ['spaces at the end', 'zoe', 'zoe '],
    ['emoji', 'zoe😀', 'zoe🎁'],
  ]
  for (const [what, first = '', second = ''] of twins)
    it(`parks the second of two in one department that differ by ${what}, and the first stays as it is`, async () => {
      const twin = await openTwins()
      const { stage, world } = twin
      const told = [create(1, first, '7'), create(2, 'other', '7'), create(3, second, '7'), create(4, 'third', '7')]
      await stage.operatorLog.append(CONTACT_TOPIC, await world.changes(CORP, told))
      await project(twin, async () => {})
      const pairs = await stage.operator.query<{ id: number; user_id: string }[]>('SELECT id, user_id FROM ?? ORDER BY id', [
        PAIR,
      ])
      expect(pairs.map(({ user_id }) => user_id)).to.deep.equal([first, 'other', 'third'])
      const [parked, ...more] = await listParked(stage.operator)
      expect(more).to.deep.equal([])
      expect(parked).to.include({ consumer: 'wework', position: 2, waiting: 1 })
      expect(parked?.errorCode).to.equal('PROJECTION_PLACE_TAKEN')
      expect(parked?.error)
        .to.match(new RegExp(`^Row \\d+ of ${PAIR} has no place beside row ${pairs[0]?.id}: .*user_id, dept_id`))
        .and.not.to.contain(second)
    })

  it('lets both stand where they share no department, and the second be called something else', async () => {
    const twin = await openTwins()
    const { stage, world } = twin
    const renamed: Told = { changeType: 'update_user', timestamp: 9, fields: { UserID: 'woAbc', NewUserID: 'unlike' } }
    const told = [create(1, 'woAbc', '7'), create(2, 'WOABC', '8'), renamed, create(10, 'WOABC', '7,8')]
    await stage.operatorLog.append(CONTACT_TOPIC, await world.changes(CORP, told))
    await project(twin, async () => {})
    const pairs = await stage.operator.query<{ user_id: string; dept_id: number }[]>('SELECT user_id, dept_id FROM ??', [PAIR])
    expect(pairs.map(({ user_id, dept_id }) => `${user_id} ${dept_id}`).sort()).to.deep.equal([
      ...['WOABC 7', 'WOABC 8', 'unlike 7'],
    ])
    expect(await listParked(stage.operator)).to.deep.equal([])
  })

  it('blanks the corp all the same when it cancels', async () => {
    const twin = await openTwins()
    const { stage, world } = twin
    await stage.operatorLog.append(CONTACT_TOPIC, await world.changes(CORP, [create(1, 'woAbc', '7'), create(2, 'woABC', '7')]))
    await project(twin, async () => {
      await untilThrough(stage)
      await stage.operatorLog.append(CONTACT_TOPIC, [await world.cancellation(CORP, 3)])
    })
    const named = await stage.operator.query<object[]>("SELECT id FROM ?? WHERE deleted = 0 OR name <> ''", [PAIR])
    expect(named).to.deep.equal([])
    expect(await listParked(stage.operator)).to.have.length(1)
  })

  it('ends in the same rows and the same parked keys, live and rebuilt, however the log is cut and whatever breaks', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: HISTORIES }, async (_, number) => {
        const twin = await openTwins()
        const { stage, world } = twin
        const random = createRandom(SEED + number)
        const users = ['ann', 'Ann', 'ann.new', 'ANN.NEW', 'bob', `carl${number}`]
        const told = Array.from({ length: STEPS }, (_, step) => anyChange(random, step, { steps: STEPS, users }))
        const events = await world.changes(CORP, told)
        await project(twin, async () => {
          for (let start = 0; start < events.length; ) {
            const next = start + random.from(1, 25)
            await stage.operatorLog.append(CONTACT_TOPIC, events.slice(start, next))
            if (random.from(1, 3) === 1) await stage.killConnections()
            start = next
          }
        })
        const live = await outcomeOf(stage)
        expect(live.setAside, `history ${number}`).to.deep.equal(await expectedSetAside(twin, projection))
        for (const eventsAtOnce of [1, random.from(5, 50)]) {
          const outcome = await rebuild(twin, eventsAtOnce)
          expect(outcome.kind).to.equal('done')
          expect(await outcomeOf(stage), `history ${number}, ${eventsAtOnce} at once`).to.deep.equal(live)
        }
        return live.parked.length
      }),
    )
    expect(outcomes.some((parked) => parked > 0)).to.equal(true)
  })
})

/** A log that gives few events at once. */
const inSlices = (log: EventLog, most: number): EventLog => ({
  ...log,
  read: (topic, partition, from, options) =>
    log.read(topic, partition, from, { ...options, limit: Math.min(most, options?.limit ?? most) }),
})

/**
 * Which events are set aside when they are folded one by one and whatever gives two rows one place is not, nor what is of
 * the same member afterwards. Ids here differ by case alone, so this needs no collation.
 */
async function expectedSetAside({ stage, vault }: { stage: Stage; vault: Vault }, projection: Projection): Promise<string[]> {
  const { events } = await stage.operatorLog.read(CONTACT_TOPIC, 0, 0, { limit: 1_000 })
  const opened = await openEvents(
    vault,
    events.map(({ event }: { event: StoredEvent }) => decodeEvent(event)),
  )
  let state: KeyState = {}
  const parked = new Set<string>()
  const setAside: string[] = []
  for (const [index, event] of opened.entries()) {
    const [key] = projection.key(event) ?? []
    const after = projection.fold(state, event).state
    const places = (after[PAIR] ?? []).map((row) => `${String(row['user_id']).toLowerCase()} ${row['dept_id']}`)
    if (!parked.has(String(key)) && new Set(places).size === places.length) state = after
    else {
      parked.add(String(key))
      setAside.push(`0:${events[index]?.position}`)
    }
  }
  return setAside.sort()
}
