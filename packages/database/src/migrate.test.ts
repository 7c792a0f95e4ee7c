import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { emptyTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import type { Database } from './database.ts'
import { applyMigrations, migrate, migrationStatus } from './migrate.ts'
import type { Migration } from './migration.ts'
import { MIGRATIONS } from './migrations/index.ts'
import { underNamedLock } from './named-lock.ts'
import { onOneConnection } from './one-connection.ts'
import { openDatabase } from './open-database.ts'
import { rejection } from './testing/rejection.ts'

const NAMES = MIGRATIONS.map(({ name }) => name)
const first: Migration = { name: '001-first', statements: ['CREATE TABLE IF NOT EXISTS first (id INT PRIMARY KEY)'] }
const second: Migration = { name: '002-second', statements: ['CREATE TABLE IF NOT EXISTS second (id INT PRIMARY KEY)'] }

describe('migrations', () => {
  let database: Database
  let url: string
  let end: () => Promise<void>
  beforeEach(async () => {
    const empty = await emptyTestDatabase('migrate')
    url = empty.url
    database = openDatabase(url)
    end = async () => {
      await database.close()
      await empty.drop()
    }
  })
  afterEach(() => end())

  it('run once, in order, and say each name before it runs', async () => {
    const steps: string[] = []
    expect(await migrate(database, { onStep: (name) => steps.push(name) })).to.deep.equal(NAMES)
    expect(steps).to.deep.equal(NAMES)
    expect(await migrate(database, { onStep: (name) => steps.push(name) })).to.deep.equal([])
    expect(steps).to.deep.equal(NAMES)
    const status = await migrationStatus(database)
    expect(status.map(({ name, state }) => `${name} ${state}`)).to.deep.equal(NAMES.map((name) => `${name} landed`))
    expect(status[0]?.landedAt).to.be.within(Date.now() - 60_000, Date.now())
  })

  it('are told as waiting before they ran, and telling changes nothing', async () => {
    const status = await migrationStatus(database)
    expect(status).to.deep.equal(NAMES.map((name) => ({ name, state: 'waiting' })))
    expect(await database.query('SHOW TABLES')).to.deep.equal([])
  })

  it('may each be run twice, as after a crash before they were noted', async () => {
    await migrate(database)
    for (const { name } of MIGRATIONS) {
      await database.query('DELETE FROM tributary_migration WHERE name = ?', [name])
      expect(await migrate(database)).to.deep.equal([name])
    }
  })

  it('go on where an error stopped them', async () => {
    const broken: Migration = { ...second, statements: [...second.statements, 'CREATE TABLE nonsense'] }
    expect((await rejection(applyMigrations(database, [first, broken]))).code).to.equal('DATABASE_STATEMENT_REFUSED')
    expect(await applyMigrations(database, [first, second])).to.deep.equal(['002-second'])
  })

  it('refuse a landed one that was changed, before anything else runs', async () => {
    await applyMigrations(database, [first])
    const changed = { ...first, statements: ['CREATE TABLE IF NOT EXISTS other (id INT PRIMARY KEY)'] }
    const error = await rejection(applyMigrations(database, [changed, second]))
    expect(error.code).to.equal('DATABASE_MIGRATION_CHANGED')
    expect(error.message).to.include('001-first').and.not.include('002-second')
    expect(await database.query("SHOW TABLES LIKE 'second'")).to.deep.equal([])
  })

  it('refuse a database that is newer than the program', async () => {
    await applyMigrations(database, [first, second])
    const error = await rejection(applyMigrations(database, [first]))
    expect(error.code).to.equal('DATABASE_NEWER_THAN_PROGRAM')
    expect(error.message).to.include('002-second')
  })

  it('run once when several processes start together', async () => {
    const pools = Array.from({ length: 4 }, () => openDatabase(url))
    try {
      const ran = await Promise.all(pools.map((pool) => migrate(pool)))
      expect(ran.filter((names) => names.length > 0)).to.deep.equal([NAMES])
    } finally {
      await Promise.all(pools.map((pool) => pool.close()))
    }
  })

  it('of a process that is killed half-way are finished by the next one, which waits for no lock', async () => {
    const script = `
      import { openDatabase } from '${import.meta.dirname}/open-database.ts'
      import { migrate } from '${import.meta.dirname}/migrate.ts'
      await migrate(openDatabase(process.argv[1]), { onStep: (name) => name.startsWith('003') && process.kill(process.pid, 'SIGKILL') })`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, url], { stdio: 'inherit' })
    const [, signal] = await once(child, 'exit')
    expect(signal).to.equal('SIGKILL')
    expect(await migrate(database)).to.deep.equal(NAMES.slice(2))
  })

  it('of one database do not wait for those of another', async () => {
    const other = await emptyTestDatabase('migrate_other')
    const pool = openDatabase(other.url)
    try {
      const steps = async () => {
        await applyMigrations(database, [first])
      }
      await onOneConnection(pool.knex, (holder) => underNamedLock(holder, { name: 'migrate', seconds: 0 }, steps))
    } finally {
      await pool.close()
      await other.drop()
    }
  })
})
