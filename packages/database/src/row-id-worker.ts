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

/** A number from 0 to 31, and times that nobody else has had under it or will have. */
export type RowIdWorker = {
  worker: number
  /** Ids bear times behind this one, milliseconds since 1970. */
  from: number
  /**
   * False when the lease may have ended, or does not reach as far as the time that an id is to bear: it may not be made then. True
   * again once a renewal came through.
   */
  mayIssue(time?: number): boolean
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
 *
 * No two ids are equal, whatever clocks do: beside the number stands up to which time its ids may have been made (`issued_to`). Each
 * lease and renewal moves that ahead before ids with such times are made, and whoever holds the number next begins behind it, also
 * one who got it too early because the database's clock was set.
 *
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
  const taken = await take(database, { holder, time: Math.floor(clock.wall()) })
  const { worker } = taken
  let { issuedTo } = taken
  const from = issuedTo - LEASE
  let reached = from
  let lost = false

  const renew = async () => {
    const renewedEnd = leaseEnd()
    const ahead = Math.max(Math.floor(clock.wall()), reached) + LEASE
    try {
      const result = await database.query<WriteResult>(
        `UPDATE tributary_row_id_worker SET lease_end = ${NOW} + ?, issued_to = GREATEST(issued_to, ?)
         WHERE worker = ? AND holder = ?`,
        [LEASE, ahead, worker, holder],
      )
      if (result.affectedRows === 1) {
        end = renewedEnd
        issuedTo = Math.max(issuedTo, ahead)
      } else if (!lost) {
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
    from,
    mayIssue: (time = reached) => {
      if (lost || time > issuedTo || clock.monotonic() >= end.monotonic || clock.wall() >= end.wall) return false
      reached = Math.max(reached, time)
      return true
    },
    release: async () => {
      clearInterval(timer)
      lost = true
      await database.query(
        `UPDATE tributary_row_id_worker SET lease_end = ${NOW}, holder = '', issued_to = ? WHERE worker = ? AND holder = ?`,
        [reached, worker, holder],
      )
    },
  }
}

type Taken = { worker: number; issuedTo: number }
/** `time` is now, by the clock that ids will bear. */
type Taker = { holder: string; time: number }

function take(database: Database, taker: Taker): Promise<Taken> {
  return database.transaction(async (connection) => {
    const isTaken = (await takeRested(connection, taker)) || (await takeAbandoned(connection, taker))
    const [row] = await connection.query<Taken[]>(
      'SELECT worker, issued_to AS issuedTo FROM tributary_row_id_worker WHERE holder = ?',
      [taker.holder],
    )
    if (isTaken && row) return row
    throw new DatabaseError(
      'DATABASE_WORKERS_TAKEN',
      'All 32 row id workers are held by processes or rest after one. Stop one, or wait 40 s when some were killed.',
    )
  })
}

const TAKE = `UPDATE tributary_row_id_worker
  SET lease_end = ${NOW} + ${LEASE}, holder = ?, issued_to = GREATEST(issued_to, ?) + ${LEASE}`

/** The longest unused first, which keeps the holders of a number far apart. */
async function takeRested(connection: Connection, { holder, time }: Taker): Promise<boolean> {
  const result = await connection.query<WriteResult>(
    `${TAKE} WHERE lease_end + ? < ${NOW} ORDER BY lease_end, worker LIMIT 1`,
    [holder, time, REST],
  )
  return result.affectedRows === 1
}

/** The number of a process that was killed on this machine, and so had our clock: it needs no rest. */
async function takeAbandoned(connection: Connection, { holder, time }: Taker): Promise<boolean> {
  const rows = await connection.query<{ worker: number; holder: string }[]>(
    'SELECT worker, holder FROM tributary_row_id_worker ORDER BY lease_end, worker FOR UPDATE',
  )
  const abandoned = rows.find((row) => isGone(row.holder))
  if (abandoned) await connection.query(`${TAKE} WHERE worker = ?`, [holder, time, abandoned.worker])
  return abandoned !== undefined
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
