import { randomBytes } from 'node:crypto'
import { openStage, quietLogger, type Stage } from '@tributary/consumer/testing'
import { CONTACT_TOPIC } from '@tributary/events'
import { checksumTable, type Projection, rebuildProjection } from '@tributary/projection'
import { verifyProjection } from '@tributary/projection/testing'
import type { Service, WeworkCustomer } from '@tributary/runtime'
import { createRandom } from '@tributary/test/random'
import { until } from '@tributary/test/servers'
import { openVault, type Vault } from '@tributary/vault'
import { expect } from 'chai'
import { createProjector, projectionsOf } from './index.ts'
import { anyChange, createDirectoryWorld, SUITE_ID, type Told } from './testing/directory-world.ts'

const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? Date.now() % 1_000_000)
const SUITE = { suiteId: SUITE_ID, providerCorpId: '', token: 'x', encodingAesKey: 'x' }
const USERS = Array.from({ length: 6 }, (_, number) => `user${number + 1}`)
const [FIRST, SECOND, UNMAPPED] = ['wpFirst', 'wpSecond', 'wpUnmapped']

describe(`the projector: directories of corps (seed ${SEED})`, () => {
  let stage: Stage
  let vault: Vault
  let world: ReturnType<typeof createDirectoryWorld>
  let projector: Service
  let second: string
  let wework: Record<string, WeworkCustomer>

  beforeEach(async () => {
    stage = await openStage('wework', { partitions: 2 })
    vault = await openVault({ database: stage.database, masterKeys: [randomBytes(32)] })
    world = createDirectoryWorld(vault)
    // As long as the name of a database may be.
    second = `tributary_test_second_${randomBytes(4).toString('hex')}`.padEnd(64, '_')
    await stage.operator.query('CREATE DATABASE ??', [second])
    const corps = {
      [FIRST]: { directory: 'departments' as const },
      [SECOND]: { directory: 'departments' as const, schema: second },
    }
    wework = { keyfil: { apiUrl: 'http://127.0.0.1:1', webhooks: [], suite: SUITE, corps, selfBuilt: {} } }
  })
  afterEach(async () => {
    await projector.stop()
    await stage.operator.query('DROP DATABASE ??', [second])
    await stage.close()
  })

  const start = async () => {
    projector = createProjector({ ...stage, configuration: { wework }, vault, logger: quietLogger })
    await projector.start()
  }
  const append = async (corpId: string, ...told: Told[]) => {
    await stage.operatorLog.append(CONTACT_TOPIC, await world.changes(corpId, told))
  }
  const cancel = async (corpId: string, timestamp: number) => {
    await stage.operatorLog.append(CONTACT_TOPIC, [await world.cancellation(corpId, timestamp)])
  }
  const directories = (): Projection[] => projectionsOf({ wework }).filter(({ name }) => name.startsWith('wework'))
  const untilThrough = () =>
    until('the directories are through', async () => {
      const ends = (await stage.operatorLog.ends(CONTACT_TOPIC)).reduce((sum, end) => sum + end, 0)
      const rows = await stage.operator.query<{ sum: number }[]>(
        'SELECT SUM(next_position) AS sum FROM tributary_cursor WHERE consumer IN (?) GROUP BY consumer',
        [directories().map(({ name }) => name)],
      )
      return rows.length === directories().length && rows.every(({ sum }) => Number(sum) === ends)
    })
  const history = async (corpId: string, steps: number, seed: number) => {
    const random = createRandom(seed)
    const told = Array.from({ length: steps }, (_, step) => anyChange(random, step, { steps, users: USERS }))
    for (let start = 0; start < told.length; start += 7) await append(corpId, ...told.slice(start, start + 7))
  }
  const checksums = async () => {
    const tables = directories().flatMap((projection) => projection.tables.map(({ name }) => name))
    const found: Record<string, unknown> = {}
    for (const table of tables) found[table] = await checksumTable(stage.operator, table)
    return found
  }

  it('keep tables that equal the fold of the log, and come out of it byte for byte when they are made again', async () => {
    await start()
    await history(FIRST, 60, SEED)
    await history(SECOND, 20, SEED + 1)
    await untilThrough()
    await history(FIRST, 40, SEED + 2)
    await untilThrough()
    for (const projection of directories()) {
      const { differences, rows } = await verifyProjection({
        ...{ projection, database: stage.operator, log: stage.operatorLog, vault },
      })
      expect(differences, projection.name).to.deep.equal([])
      expect(Object.values(rows).reduce((sum, count) => sum + count, 0)).to.be.above(0)
    }
    const live = await checksums()
    await projector.stop()
    for (const projection of directories()) {
      for (const { name } of projection.tables) await stage.operator.query('DELETE FROM ??', [name])
      await stage.operator.query('DELETE FROM tributary_cursor WHERE consumer = ?', [projection.name])
    }
    await start()
    await untilThrough()
    expect(await checksums()).to.deep.equal(live)
  })

  it('are rebuilt beside the live ones and swapped in, equal to the byte', async () => {
    await start()
    await history(FIRST, 40, SEED)
    await history(SECOND, 10, SEED)
    await untilThrough()
    const live = await checksums()
    expect(directories().map(({ name }) => name)).to.include(`wework-${second}`)
    for (const projection of directories()) {
      const outcome = await rebuildProjection({
        ...{ projection, database: stage.database, log: stage.log, vault, logger: quietLogger },
        ...{ pace: { parallel: 2, share: 1, again: 10 }, signal: new AbortController().signal, accept: async () => true },
      })
      expect(outcome.kind).to.equal('done')
    }
    expect(await checksums()).to.deep.equal(live)
  })

  it('blank every row of a corp that cancels, of no other, and of it again when they are made anew', async () => {
    await start()
    await history(FIRST, 30, SEED)
    await history(SECOND, 10, SEED)
    await untilThrough()
    await cancel(FIRST, 5_000)
    await untilThrough()
    const said = await stage.operator.query<object[]>(
      "SELECT id FROM eg_wework_member WHERE deleted = 0 OR name <> '' UNION SELECT id FROM eg_wework_department WHERE deleted = 0 OR name <> '' UNION SELECT id FROM eg_wework_member_dept WHERE deleted = 0 OR name <> ''",
    )
    expect(said).to.deep.equal([])
    const [others] = await stage.operator.query<{ named: number }[]>(
      'SELECT COUNT(*) AS named FROM eg_wework_event_member WHERE user_id <> ? AND auth_corp_id = ?',
      ['', SECOND],
    )
    expect(Number(others?.named)).to.be.above(0)
    const live = await checksums()
    await projector.stop()
    for (const projection of directories()) {
      for (const { name } of projection.tables) await stage.operator.query('DELETE FROM ??', [name])
      await stage.operator.query('DELETE FROM tributary_cursor WHERE consumer = ?', [projection.name])
    }
    await start()
    await untilThrough()
    expect(await checksums()).to.deep.equal(live)
  })

  it('never mix: a second corp has a database of its own, and one without any only its events, which health tells', async () => {
    await start()
    await append(SECOND, {
      changeType: 'create_user',
      timestamp: 1,
      fields: { UserID: 'same', Name: 'second', Department: '1' },
    })
    await append(UNMAPPED, {
      changeType: 'create_user',
      timestamp: 2,
      fields: { UserID: 'same', Name: 'unmapped', Department: '1' },
    })
    await append(FIRST, { changeType: 'create_user', timestamp: 3, fields: { UserID: 'same', Name: 'first', Department: '1' } })
    await untilThrough()
    const names = async (table: string) =>
      (await stage.operator.query<{ name: string }[]>('SELECT name FROM ??', [table])).map(({ name }) => name)
    expect(await names('eg_wework_member')).to.deep.equal(['first'])
    expect(await names(`${second}.eg_wework_member`)).to.deep.equal(['second'])
    expect(await names(`${second}.eg_wework_member_dept`)).to.deep.equal(['second'])
    expect((await names('eg_wework_event_member')).sort()).to.deep.equal(['first', 'second', 'unmapped'])
    await until('health knows', async () => (await projector.health()).status !== 'down')
    const { status, reason } = await projector.health()
    expect(status).to.equal('degraded')
    expect(reason).to.contain(`${UNMAPPED} (${SUITE.suiteId}): 1 events`)
  })
})
