import { randomBytes } from 'node:crypto'
import { openStage, quietLogger } from '@tributary/consumer/testing'
import { CONTACT_TOPIC } from '@tributary/events'
import { explainRow } from '@tributary/history'
import { createRandom } from '@tributary/test/random'
import { until } from '@tributary/test/servers'
import { openVault } from '@tributary/vault'
import { expect } from 'chai'
import { createProjector, projectionsOf } from './index.ts'
import { anyChange, createDirectoryWorld, SUITE_ID } from './testing/directory-world.ts'

const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? Date.now() % 1_000_000)
const CORP = 'wpFirst'

describe(`why rows of directories are as they are (seed ${SEED})`, () => {
  it('every event that made one is found: under ids that a member had, of its departments, and of its corp', async () => {
    const stage = await openStage('why_rows', { partitions: 2 })
    const vault = await openVault({ database: stage.database, masterKeys: [randomBytes(32)] })
    const suite = { suiteId: SUITE_ID, providerCorpId: '', token: 'x', encodingAesKey: 'x' }
    const corps = { [CORP]: { directory: 'departments' as const } }
    const wework = { keyfil: { apiUrl: 'http://127.0.0.1:1', webhooks: [], suite, corps, selfBuilt: {} } }
    const projector = createProjector({ ...stage, configuration: { wework }, vault, logger: quietLogger })
    try {
      await projector.start()
      const world = createDirectoryWorld(vault)
      const random = createRandom(SEED)
      const users = ['user1', 'user2', 'user3', 'user4', 'user5']
      const told = Array.from({ length: 60 }, (_, step) => anyChange(random, step, { steps: 60, users }))
      await stage.operatorLog.append(CONTACT_TOPIC, await world.changes(CORP, told))
      const projections = projectionsOf({ wework }).filter(({ name }) => name.startsWith('wework'))
      const untilThrough = () =>
        until('the directory is through', async () => {
          const ends = (await stage.operatorLog.ends(CONTACT_TOPIC)).reduce((sum, end) => sum + end, 0)
          const rows = await stage.operator.query<{ sum: number }[]>(
            'SELECT SUM(next_position) AS sum FROM tributary_cursor WHERE consumer IN (?) GROUP BY consumer',
            [projections.map(({ name }) => name)],
          )
          return rows.length === projections.length && rows.every(({ sum }) => Number(sum) === ends)
        })
      const context = { database: stage.database, log: stage.log, vault, projections }
      const unexplained = async () => {
        const tables = projections.flatMap((one) => one.tables.map(({ name }) => name)).filter((name) => name.startsWith('eg_'))
        const found: string[] = []
        for (const table of tables)
          for (const { id } of await stage.operator.query<{ id: number }[]>('SELECT id FROM ??', [table]))
            for (const column of (await explainRow(context, { table, id })).unexplained) found.push(`${table} ${id} ${column}`)
        return found
      }
      await untilThrough()
      expect(await unexplained()).to.deep.equal([])
      await stage.operatorLog.append(CONTACT_TOPIC, [await world.cancellation(CORP, 5_000)])
      await untilThrough()
      expect(await unexplained()).to.deep.equal([])
    } finally {
      await projector.stop()
      await stage.close()
    }
  })
})
