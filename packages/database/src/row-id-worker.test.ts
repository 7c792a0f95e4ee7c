import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import type { Database } from './database.ts'
import { openDatabase } from './open-database.ts'
import { leaseRowIdWorker } from './row-id-worker.ts'
import { rejection } from './testing/rejection.ts'

const ALL = Array.from({ length: 32 }, (_, worker) => worker)

describe('row id workers', () => {
  let database: Database
  let url: string
  let drop: () => Promise<void>
  before(async () => {
    ;({ database, url, drop } = await migratedTestDatabase('row_ids'))
  })
  beforeEach(() => database.query("UPDATE tributary_row_id_worker SET lease_end = 0, holder = ''"))
  after(() => drop())

  const leaseAll = () => Promise.all(ALL.map(() => leaseRowIdWorker(database)))
  const end = (milliseconds: number) =>
    database.query('UPDATE tributary_row_id_worker SET lease_end = FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000) + ?', [milliseconds])

  it('are 32, each held once, and the thirty-third is told so', async () => {
    const leases = await leaseAll()
    expect(leases.map(({ worker }) => worker)).to.have.members(ALL)
    expect(leases.every((lease) => lease.mayIssue())).to.equal(true)
    expect(await rejection(leaseRowIdWorker(database))).to.include({ code: 'DATABASE_WORKERS_TAKEN', retriable: true })
    await Promise.all(leases.map((lease) => lease.release()))
  })

  it('given back are not lent again at once, and make no more ids', async () => {
    const leases = await leaseAll()
    const [first, ...rest] = leases
    await first?.release()
    expect(first?.mayIssue()).to.equal(false)
    expect((await rejection(leaseRowIdWorker(database))).code).to.equal('DATABASE_WORKERS_TAKEN')
    await database.query('UPDATE tributary_row_id_worker SET lease_end = lease_end - 11000 WHERE worker = ?', [first?.worker])
    const next = await leaseRowIdWorker(database)
    expect(next.worker).to.equal(first?.worker)
    await Promise.all([...rest, next].map((lease) => lease.release()))
  })

  it('are lent the longest unused first', async () => {
    const first = await leaseRowIdWorker(database)
    await first.release()
    await end(-60_000)
    await database.query('UPDATE tributary_row_id_worker SET lease_end = lease_end - 5 WHERE worker = 17')
    const next = await leaseRowIdWorker(database)
    expect(next.worker).to.equal(17)
    await next.release()
  })

  it('of holders whose lease ended and rested are lent to others', async () => {
    const leases = await leaseAll()
    await end(-10_500)
    const next = await leaseRowIdWorker(database)
    expect(ALL).to.include(next.worker)
    await Promise.all([...leases, next].map((lease) => lease.release()))
  })

  it('of a process that was killed here are lent again at once when no other is left', async () => {
    const script = `
      import { openDatabase } from '${import.meta.dirname}/open-database.ts'
      import { leaseRowIdWorker } from '${import.meta.dirname}/row-id-worker.ts'
      console.log((await leaseRowIdWorker(openDatabase(process.argv[1]))).worker)
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, url], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [worker] = await once(createInterface(child.stdout), 'line')
    const others = await Promise.all(ALL.slice(1).map(() => leaseRowIdWorker(database)))
    expect((await rejection(leaseRowIdWorker(database))).code).to.equal('DATABASE_WORKERS_TAKEN')
    child.kill('SIGKILL')
    await once(child, 'exit')
    const next = await leaseRowIdWorker(database)
    expect(next.worker).to.equal(Number(worker))
    await Promise.all([...others, next].map((lease) => lease.release()))
  })

  describe('in a process that goes on', () => {
    const leaseWith = async (own: Database) => {
      const passed = { monotonic: 0, wall: 0 }
      const said = { warn: 0, error: 0 }
      const lease = await leaseRowIdWorker(own, {
        renewal: 10,
        clock: { monotonic: () => passed.monotonic, wall: () => passed.wall },
        logger: { warn: () => void said.warn++, error: () => void said.error++ },
      })
      return { lease, passed, said }
    }
    const turn = () => new Promise((resolve) => setTimeout(resolve, 5))

    it('are renewed', async () => {
      const { lease, passed } = await leaseWith(database)
      for (let round = 0; round < 3; round += 1) {
        passed.monotonic += 27_000
        passed.wall += 27_000
        expect(lease.mayIssue()).to.equal(true)
        await database.query('UPDATE tributary_row_id_worker SET lease_end = 1 WHERE worker = ?', [lease.worker])
        for (let renewals = 0; renewals < 2; ) {
          const result = await database.query<{ affectedRows: number }>(
            'UPDATE tributary_row_id_worker SET lease_end = 1 WHERE worker = ? AND lease_end > 1',
            [lease.worker],
          )
          renewals += result.affectedRows
          await turn()
        }
      }
      await lease.release()
    })

    for (const clock of ['monotonic', 'wall'] as const) {
      it(`stop before the end of the lease by the ${clock} clock, when the database stays away`, async () => {
        const own = openDatabase(url)
        const { lease, passed, said } = await leaseWith(own)
        await own.close()
        while (said.warn === 0) await turn()
        passed[clock] += 27_900
        expect(lease.mayIssue()).to.equal(true)
        passed[clock] += 200
        expect(lease.mayIssue()).to.equal(false)
        await lease.release().catch(() => {})
      })
    }

    it('stop for good, and say so once, when another holds the number', async () => {
      const { lease, said } = await leaseWith(database)
      await database.query("UPDATE tributary_row_id_worker SET holder = 'another' WHERE worker = ?", [lease.worker])
      while (lease.mayIssue()) await turn()
      for (let round = 0; round < 5; round += 1) await turn()
      expect(said).to.deep.equal({ warn: 0, error: 1 })
      await lease.release()
      const [row] = await database.query('SELECT holder FROM tributary_row_id_worker WHERE worker = ?', [lease.worker])
      expect(row?.['holder']).to.equal('another')
    })
  })

  it('are refused to a machine whose clock is wrong', async () => {
    const wrong: Database = {
      ...database,
      query: (text, values) => database.query(text.replace('NOW(3)', "'2001-01-01'"), values),
    }
    const error = await rejection(leaseRowIdWorker(wrong))
    expect(error.code).to.equal('DATABASE_CLOCK_APART')
    expect(error.message).to.match(/differ by \d+ s/)
  })
})
