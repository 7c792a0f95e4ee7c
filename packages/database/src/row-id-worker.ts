import type { Connection, Database, WriteResult } from './database.ts'
import { DatabaseError } from './errors.ts'
import { isGone, processIdentity } from './process-identity.ts'

/** All in milliseconds. */
const LEASE = 30_000
const RENEWAL = 10_000
/** We stop issuing this long before the lease ends. */
const MARGIN = 2_000
/** A number rests this long after a lease, so that ids of two holders cannot meet when their clocks differ a little. */
const REST = 10_000
const MOST_CLOCK_DIFFERENCE = 4_000

const NOW = 'FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000)'

/** A number from 0 to 31 that no other process holds while `mayIssue()` is true. */
export type RowIdWorker = {
  worker: number
  /** False when the lease may have ended: no id may be made then. True again once a renewal came through in time. */
  mayIssue(): boolean
  /** Gives the number back. */
  release(): Promise<void>
}

/**
 * What a lease is counted on, in milliseconds. The monotonic clock stands still while a machine sleeps, the wall clock can
 * be set: a lease ends with whichever is first.
 */
export type LeaseClock = { monotonic(): number; wall(): number }

type Logger = { warn(fields: object, message: string): void; error(fields: object, message: string): void }

/**
 * Leases a worker number for making row ids: 30 s, renewed each 10 s. The end of the lease is counted on this machine's
 * monotonic and wall clock from before the renewal was sent, so we stop before the database would lend it to another.
 * Throws DatabaseError DATABASE_WORKERS_TAKEN when all 32 are held, DATABASE_CLOCK_APART when this machine's clock is more
 * than 4 s off the database's: ids carry the time, and a clock that is ahead would make ids that another makes later.
 */
export async function leaseRowIdWorker(
  database: Database,
  options: { logger?: Logger; clock?: LeaseClock; renewal?: number } = {},
): Promise<RowIdWorker> {
  const { logger, clock = { monotonic: () => performance.now(), wall: Date.now }, renewal = RENEWAL } = options
  await refuseWrongClock(database)
  const holder = processIdentity()
  const leaseEnd = () => ({ monotonic: clock.monotonic() + LEASE - MARGIN, wall: clock.wall() + LEASE - MARGIN })
  let end = leaseEnd()
  const worker = await take(database, holder)
  let lost = false

  const renew = async () => {
    const renewedEnd = leaseEnd()
    try {
      const result = await database.query<WriteResult>(
        `UPDATE tributary_row_id_worker SET lease_end = ${NOW} + ? WHERE worker = ? AND holder = ?`,
        [LEASE, worker, holder],
      )
      if (result.affectedRows === 1) end = renewedEnd
      else if (!lost) {
        lost = true
        logger?.error({ worker }, 'another process holds our row id worker: this process makes no row ids any more')
      }
    } catch (error) {
      logger?.warn({ worker, err: error }, 'the lease on the row id worker could not be renewed')
    }
  }
  const timer = setInterval(() => void renew(), renewal)
  timer.unref()

  return {
    worker,
    mayIssue: () => !lost && clock.monotonic() < end.monotonic && clock.wall() < end.wall,
    release: async () => {
      clearInterval(timer)
      lost = true
      await database.query(
        `UPDATE tributary_row_id_worker SET lease_end = ${NOW}, holder = '' WHERE worker = ? AND holder = ?`,
        [worker, holder],
      )
    },
  }
}

function take(database: Database, holder: string): Promise<number> {
  return database.transaction(async (connection) => {
    const worker = (await takeRested(connection, holder)) ?? (await takeAbandoned(connection, holder))
    if (worker !== undefined) return worker
    throw new DatabaseError(
      'DATABASE_WORKERS_TAKEN',
      'All 32 row id workers are held by processes or rest after one. Stop one, or wait 40 s when some were killed.',
    )
  })
}

/** The longest unused first, which keeps the holders of a number far apart. */
async function takeRested(connection: Connection, holder: string): Promise<number | undefined> {
  const result = await connection.query<WriteResult>(
    `UPDATE tributary_row_id_worker SET lease_end = ${NOW} + ?, holder = ?
     WHERE lease_end + ? < ${NOW} ORDER BY lease_end, worker LIMIT 1`,
    [LEASE, holder, REST],
  )
  if (result.affectedRows === 0) return undefined
  const [row] = await connection.query<{ worker: number }[]>('SELECT worker FROM tributary_row_id_worker WHERE holder = ?', [
    holder,
  ])
  return row?.worker
}

/** The number of a process that was killed on this machine, and so had our clock: it needs no rest. */
async function takeAbandoned(connection: Connection, holder: string): Promise<number | undefined> {
  const rows = await connection.query<{ worker: number; holder: string }[]>(
    'SELECT worker, holder FROM tributary_row_id_worker ORDER BY lease_end, worker FOR UPDATE',
  )
  const abandoned = rows.find((row) => isGone(row.holder))
  if (!abandoned) return undefined
  await connection.query(`UPDATE tributary_row_id_worker SET lease_end = ${NOW} + ?, holder = ? WHERE worker = ?`, [
    LEASE,
    holder,
    abandoned.worker,
  ])
  return abandoned.worker
}

async function refuseWrongClock(database: Database): Promise<void> {
  const before = Date.now()
  const [row] = await database.query<{ time: number }[]>(`SELECT ${NOW} AS time`)
  const after = Date.now()
  const time = Number(row?.time)
  if (time > before - MOST_CLOCK_DIFFERENCE && time < after + MOST_CLOCK_DIFFERENCE) return
  throw new DatabaseError(
    'DATABASE_CLOCK_APART',
    `The clocks of this machine and of the database differ by ${Math.round(Math.abs(time - before) / 1000)} s. Set them by NTP.`,
  )
}
