import { emptyTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import type { Database } from '../database.ts'
import { applyMigrations } from '../migrate.ts'
import { onOneConnection } from '../one-connection.ts'
import { openDatabase } from '../open-database.ts'
import { MIGRATIONS } from './index.ts'

const NAME = '030-attempt-partitions'

describe('the migration that puts attempts into partitions', () => {
  let database: Database
  let end: () => Promise<void>
  let written: number
  beforeEach(async () => {
    const empty = await emptyTestDatabase('attempt_migration')
    database = openDatabase(empty.url)
    end = async () => {
      await database.close()
      await empty.drop()
    }
    written = 0
    await applyMigrations(
      database,
      MIGRATIONS.filter(({ name }) => name !== NAME),
    )
  })
  afterEach(() => end())

  const write = async (time: number) => {
    await database.query('INSERT INTO tributary_delivery_attempt VALUES (?)', [
      ['warehouse', 'orders', 0, written, 1, time, '', 'delivered', '', 200, 1, 'thank you', '', ''],
    ])
    written += 1
  }
  const run = (statements: readonly string[]) =>
    onOneConnection(database.knex, async (connection) => {
      for (const statement of statements) await connection.query(statement)
    })
  const positions = async () => {
    const rows = await database.query<{ position: number }[]>('SELECT position FROM tributary_delivery_attempt')
    return rows.map(({ position }) => position).toSorted((one, other) => one - other)
  }
  const tables = () => database.query<object[]>("SHOW TABLES LIKE 'tributary_delivery_attempt%'")

  it('loses nothing of what was there, nor of what a running dispatcher writes meanwhile', async () => {
    const now = Date.now()
    // A clock that goes ahead must not stop the migration.
    for (const time of [0, now - 40 * 86_400_000, now, now + 10 * 86_400_000]) await write(time)
    const migrated = applyMigrations(database, MIGRATIONS)
    let isOver = false
    const over = migrated.finally(() => {
      isOver = true
    })
    const writing = (async () => {
      while (!isOver) await write(Date.now())
    })()
    expect(await over).to.deep.equal([NAME])
    await writing
    expect(written).to.be.above(4)
    expect(await positions()).to.deep.equal(Array.from({ length: written }, (_, index) => index))
    const [plan] = await database.query<{ partitions: string }[]>(
      'EXPLAIN /*M! PARTITIONS */ /*!80000 FORMAT = TRADITIONAL */ SELECT * FROM tributary_delivery_attempt WHERE time >= 9e14',
    )
    expect(plan?.partitions).to.equal('later')
    expect(await tables()).to.have.length(1)
  })

  it('goes on wherever it was killed', async () => {
    const { statements = [] } = MIGRATIONS.find(({ name }) => name === NAME) ?? {}
    // What is only prepared has changed nothing.
    const kills = statements.flatMap((statement, index) => (/^(SET|PREPARE|DEALLOCATE)/.test(statement) ? [] : [index + 1]))
    for (const killed of kills) {
      await database.query('DROP TABLE tributary_delivery_attempt')
      written = 0
      await run(BEFORE)
      for (const time of [1, Date.now()]) await write(time)
      await run(statements.slice(0, killed))
      await write(Date.now())
      await run(statements)
      expect(await positions(), `after ${killed} statements`).to.deep.equal([0, 1, 2])
      expect(await tables(), `after ${killed} statements`).to.have.length(1)
    }
  })
})

const BEFORE = MIGRATIONS.find(({ name }) => name === '007-delivery')?.statements ?? []
