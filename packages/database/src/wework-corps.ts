import type { Connection, WriteResult } from './database.ts'

/** A corp as one of our customers knows it, through a suite or, with an empty suite id, through an app of its own. */
export type CorpName = { customer: string; suiteId: string; corpId: string }

export type CorpState = {
  state: 'authorized' | 'cancelled'
  /** Counts authorizations that came after a cancellation; 0 is the first. */
  authorization: number
  /** Seconds since 1970: when WeCom says that the state changed last. */
  changeTime: number
}

const OF_CORP = 'customer = ? AND suite_id = ? AND corp_id = ?'
const nameOf = ({ customer, suiteId, corpId }: CorpName): [string, string, string] => [customer, suiteId, corpId]

/** The state of a corp; undefined for one that has never been named. Throws DatabaseError. */
export async function findCorp(connection: Connection, corp: CorpName): Promise<CorpState | undefined> {
  const [row] = await connection.query<{ state: CorpState['state']; authorization_no: number; change_time: number }[]>(
    `SELECT state, authorization_no, change_time FROM tributary_wework_corp WHERE ${OF_CORP}`,
    nameOf(corp),
  )
  return row ? { state: row.state, authorization: row.authorization_no, changeTime: row.change_time } : undefined
}

/**
 * Notes that a corp lets its directory be read since `time` (seconds), asks for a reading at once, and answers the state
 * from then on. After a cancellation this begins a new authorization. A notice older than the last change changes nothing.
 */
export async function authorizeCorp(connection: Connection, corp: CorpName, time: number): Promise<CorpState> {
  await connection.query(
    `INSERT INTO tributary_wework_corp (customer, suite_id, corp_id, change_time) VALUES (?, ?, ?, ?)
     ON DUPLICATE KEY UPDATE
       authorization_no = authorization_no + (state = 'cancelled' AND VALUES(change_time) >= change_time),
       state = IF(VALUES(change_time) >= change_time, 'authorized', state),
       due_time = IF(claimed_by IS NULL, 0, due_time), wanted = IF(claimed_by IS NULL, 0, 1), failures = 0,
       change_time = GREATEST(change_time, VALUES(change_time))`,
    [...nameOf(corp), time],
  )
  return (await findCorp(connection, corp)) ?? { state: 'authorized', authorization: 0, changeTime: time }
}

/** Notes that a corp took its consent back at `time` (seconds), unless it gave it anew since. Answers the state from then on. */
export async function cancelCorp(connection: Connection, corp: CorpName, time: number): Promise<CorpState> {
  await connection.query(
    `INSERT INTO tributary_wework_corp (customer, suite_id, corp_id, change_time, state) VALUES (?, ?, ?, ?, 'cancelled')
     ON DUPLICATE KEY UPDATE state = IF(VALUES(change_time) >= change_time, 'cancelled', state),
       change_time = GREATEST(change_time, VALUES(change_time))`,
    [...nameOf(corp), time],
  )
  return (await findCorp(connection, corp)) ?? { state: 'cancelled', authorization: 0, changeTime: time }
}

/** Asks for a reading of a corp's directory as soon as can be; of one that nobody has named yet, too. */
export async function requestReading(connection: Connection, corp: CorpName): Promise<void> {
  await connection.query(
    `INSERT INTO tributary_wework_corp (customer, suite_id, corp_id) VALUES (?, ?, ?)
     ON DUPLICATE KEY UPDATE due_time = IF(claimed_by IS NULL, 0, due_time), wanted = IF(claimed_by IS NULL, 0, 1), failures = 0`,
    nameOf(corp),
  )
}

/** Has a corp that needs no consent of its own stand in the table: one that built an app itself. */
export async function ensureCorp(connection: Connection, corp: CorpName): Promise<void> {
  await connection.query(
    'INSERT IGNORE INTO tributary_wework_corp (customer, suite_id, corp_id) VALUES (?, ?, ?)',
    nameOf(corp),
  )
}

export type DirectoryReading = CorpName & {
  state: CorpState['state']
  authorization: number
  dueTime: number
  claimedBy: string | null
  epoch: number
  successTime: number
  failures: number
  lastError: string
}

type ReadingRow = {
  customer: string
  suite_id: string
  corp_id: string
  state: CorpState['state']
  authorization_no: number
  due_time: number
  claimed_by: string | null
  epoch: number
  success_time: number
  failures: number
  last_error: string
}

/** Every corp with how its readings go, in the order in which they are due. */
export async function listCorps(connection: Connection): Promise<DirectoryReading[]> {
  const rows = await connection.query<ReadingRow[]>(
    `SELECT customer, suite_id, corp_id, state, authorization_no, due_time, claimed_by, epoch, success_time, failures, last_error
     FROM tributary_wework_corp ORDER BY due_time, customer, suite_id, corp_id`,
  )
  return rows.map((row) => ({
    customer: row.customer,
    suiteId: row.suite_id,
    corpId: row.corp_id,
    state: row.state,
    authorization: row.authorization_no,
    dueTime: row.due_time,
    claimedBy: row.claimed_by,
    epoch: row.epoch,
    successTime: row.success_time,
    failures: row.failures,
    lastError: row.last_error,
  }))
}

/** Takes the right to read a directory until `until` (ms), if the row still is as `seen`. Answers the claim's epoch. */
export async function claimReading(
  connection: Connection,
  seen: DirectoryReading,
  { owner, until }: { owner: string; until: number },
): Promise<number | undefined> {
  const { affectedRows } = await connection.query<WriteResult>(
    `UPDATE tributary_wework_corp SET claimed_by = ?, due_time = ?, epoch = epoch + 1, wanted = 0
     WHERE ${OF_CORP} AND epoch = ? AND due_time = ? AND state = 'authorized'`,
    [owner, until, ...nameOf(seen), seen.epoch, seen.dueTime],
  )
  return affectedRows === 1 ? seen.epoch + 1 : undefined
}

/** Holds the claim until `until`. False when another has taken it over, or the corp cancelled. */
export async function keepClaim(connection: Connection, corp: CorpName, epoch: number, until: number): Promise<boolean> {
  const { affectedRows } = await connection.query<WriteResult>(
    `UPDATE tributary_wework_corp SET due_time = ? WHERE ${OF_CORP} AND epoch = ? AND state = 'authorized'`,
    [until, ...nameOf(corp), epoch],
  )
  return affectedRows === 1
}

/**
 * Ends a claim: the next reading is due at `due` (ms), or at once when somebody asked meanwhile. One that has ended stays as it is: its
 * holder may not have heard of that.
 */
export async function endReading(
  connection: Connection,
  corp: CorpName,
  epoch: number,
  end: { due: number; succeeded: boolean; error: string },
): Promise<void> {
  await connection.query(
    `UPDATE tributary_wework_corp SET claimed_by = NULL, due_time = IF(wanted = 1, 0, ?), wanted = 0,
       success_time = IF(?, ?, success_time), failures = IF(?, 0, failures + 1), last_error = ?
     WHERE ${OF_CORP} AND epoch = ? AND claimed_by IS NOT NULL`,
    [end.due, end.succeeded, Date.now(), end.succeeded, [...end.error].slice(0, 255).join(''), ...nameOf(corp), epoch],
  )
}
