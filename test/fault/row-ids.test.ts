import { type Database, leaseRowIdWorker } from '@tributary/database'
import { createRowIds } from '@tributary/events'
import { expect } from 'chai'
import { migratedTestDatabase } from '../servers/index.ts'

const HOUR = 3_600_000

describe('Row ids of those who hold one worker number one after another', () => {
  let database: Database
  let drop: () => Promise<void>
  before(async () => {
    ;({ database, drop } = await migratedTestDatabase('row_id_times'))
  })
  // One number only, so that everybody gets the same.
  beforeEach(() =>
    database.query("UPDATE tributary_row_id_worker SET issued_to = 0, holder = '', lease_end = IF(worker = 7, 0, 1e15)"),
  )
  after(() => drop())

  /** Somebody whose clock is off by so much; `set` sets it. */
  const somebody = async (off = 0) => {
    const wall = () => Date.now() + off
    const lease = await leaseRowIdWorker(database, { renewal: 5, clock: { monotonic: () => performance.now(), wall } })
    const ids = createRowIds({ ...lease, now: wall })
    return {
      ...lease,
      make: (count: number) => Array.from({ length: count }, () => ids.next()),
      async set(milliseconds: number) {
        off = milliseconds
        // A clock that was set ahead ends the lease, until the next renewal.
        while (!lease.mayIssue(wall())) await new Promise((resolve) => setTimeout(resolve, 2))
      },
    }
  }
  /** The database takes the lease for ended, and lends the number to whoever asks; a renewal of the holder comes too late. */
  const endLease = () => database.query("UPDATE tributary_row_id_worker SET lease_end = 0, holder = '' WHERE worker = 7")
  const expectGrowing = (ids: readonly number[]) => {
    for (const [index, id] of ids.slice(1).entries()) expect(id).to.be.above(ids[index] ?? 0)
  }

  it('are never the same when a clock is set back by an hour between two, whether the first ended or was killed', async () => {
    const first = await somebody(HOUR)
    const made = first.make(300)
    await first.release()
    await endLease()
    const second = await somebody()
    made.push(...second.make(300))
    await endLease()
    // The second was killed, and has no say any more; the clock is set back again.
    const third = await somebody(-HOUR)
    made.push(...third.make(300))
    expect(new Set([first, second, third].map(({ worker }) => worker))).to.deep.equal(new Set([7]))
    expectGrowing(made)
    await third.release()
    await second.release()
  })

  it('are never the same when a clock is set within a lease, ahead by hours and back again', async () => {
    const first = await somebody()
    const made = first.make(200)
    for (const off of [3 * HOUR, 0, -2 * HOUR]) {
      await first.set(off)
      made.push(...first.make(200))
    }
    await first.release()
    await endLease()
    const second = await somebody()
    made.push(...second.make(200))
    expectGrowing(made)
    await second.release()
  })

  it('are never the same while two hold the number, because the clock of the database was set ahead', async () => {
    const first = await somebody()
    await endLease()
    const second = await somebody()
    const made = first.make(500)
    const others = second.make(500)
    expect(new Set([...made, ...others]).size).to.equal(1_000)
    expect(Math.min(...others)).to.be.above(Math.max(...made))
    await Promise.all([first.release(), second.release()])
  })

  it('run no further ahead of the clock when processes end as they should', async () => {
    for (let round = 0; round < 5; round += 1) {
      const one = await somebody()
      one.make(10)
      await one.release()
      await endLease()
    }
    const [row] = await database.query<{ time: number }[]>(
      'SELECT issued_to AS time FROM tributary_row_id_worker WHERE worker = 7',
    )
    expect(row?.time).to.be.below(Date.now() + 5_000)
  })
})
