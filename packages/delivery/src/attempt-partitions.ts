import { type Connection, type Database, withNamedLock } from '@tributary/database'

const DAY = 86_400_000
/** Days that are there before they begin, so that a dispatcher may fail to make them for a while. */
const AHEAD = 3
/** Seconds for another process that is at it, and for whoever reads attempts in a transaction. */
const LOCK_WAIT = 30
const READER_WAIT = 1

/** `until` in milliseconds since 1970, without which the partition takes whatever comes later. */
type AttemptPartition = { name: string; until: number | undefined }

/**
 * Makes the daily partitions (UTC) of the next days and drops those that hold nothing younger than `days`, one process
 * at a time. Answers their names. `now`, in milliseconds since 1970, is by the clock of this process or of the database, whichever is
 * behind: one clock that is ahead must not drop what all others keep. What came while no day had been made stands in the last
 * partition, `later`, and is moved into its days here.
 *
 * Deliveries wait while a partition is made or dropped, some milliseconds. A transaction that has read attempts is waited
 * for only shortly, because every delivery would wait behind: then this throws DatabaseError DATABASE_LOCK_TIMEOUT.
 */
export function keepAttemptPartitions(
  database: Database,
  { days, now: given }: { days: number; now?: number },
): Promise<{ made: string[]; dropped: string[] }> {
  const lock = { name: 'attempt-partitions', idleSeconds: LOCK_WAIT, seconds: LOCK_WAIT }
  return withNamedLock(database, lock, async (session) => {
    const now = given ?? (await earlierOfClocks(session))
    const partitions = await readPartitions(session)
    const missing = missingDays(partitions, now)
    const old = partitions.filter(({ until }) => until !== undefined && until <= now - days * DAY)
    await session.query(`SET SESSION lock_wait_timeout = ${READER_WAIT}`)
    if (missing.length > 0) await makeDays(session, missing)
    if (old.length > 0)
      await session.query(`ALTER TABLE tributary_delivery_attempt DROP PARTITION ${old.map(() => '??').join(', ')}`, [
        ...old.map(({ name }) => name),
      ])
    return { made: missing.map(nameOf), dropped: old.map(({ name }) => name) }
  })
}

/** Now, by the clock of this process or of the database, whichever is behind, in milliseconds since 1970. Throws DatabaseError. */
export async function earlierOfClocks(connection: Connection): Promise<number> {
  const [row] = await connection.query<{ now: number | string }[]>('SELECT UNIX_TIMESTAMP() * 1000 AS now')
  return Math.min(Date.now(), Number(row?.now))
}

async function readPartitions(connection: Connection): Promise<AttemptPartition[]> {
  const rows = await connection.query<{ name: string; bound: string }[]>(
    `SELECT partition_name AS name, partition_description AS bound FROM information_schema.partitions
     WHERE table_schema = DATABASE() AND table_name = 'tributary_delivery_attempt' ORDER BY partition_ordinal_position`,
  )
  return rows.map(({ name, bound }) => ({ name, until: bound === 'MAXVALUE' ? undefined : Number(bound) }))
}

/** The ends of the days to make. What was missed while no dispatcher ran is one partition with today. */
function missingDays(partitions: readonly AttemptPartition[], now: number): number[] {
  const today = Math.floor(now / DAY) * DAY
  const made = Math.max(today, ...partitions.map(({ until }) => until ?? 0))
  const count = Math.max(0, (today - made) / DAY + 1 + AHEAD)
  return Array.from({ length: count }, (_, index) => made + (index + 1) * DAY)
}

async function makeDays(connection: Connection, ends: readonly number[]): Promise<void> {
  const days = ends.map((end) => `PARTITION ${nameOf(end)} VALUES LESS THAN (${end})`)
  await connection.query(
    `ALTER TABLE tributary_delivery_attempt REORGANIZE PARTITION later INTO (${days.join(', ')}, PARTITION later VALUES LESS THAN MAXVALUE)`,
  )
}

/** `day_20261130`, by the day that ends then. */
const nameOf = (end: number): string => `day_${new Date(end - DAY).toISOString().slice(0, 10).replaceAll('-', '')}`
