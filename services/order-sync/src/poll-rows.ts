import type { Connection, Database, WriteResult } from '@tributary/database'
import type { SellerName } from './context.ts'
import { sweepOpenOrders } from './seen-orders.ts'

/** A seller's turn to be polled, and the claim on it. */
export type Poll = SellerName & {
  /** Everything modified up to here has been read; 0 before the first poll. */
  cursorTime: number
  failures: number
  sweptTime: number
  /** Time of a notice that the grant ended; 0 when there is none to look into. */
  revocationTime: number
  /** Only the newest claim may write. */
  epoch: number
}

/** Another process took the seller over, or the claim has ended already; what this one still reads is of no use. */
export class PollLost extends Error {
  override readonly name = 'PollLost'
}

const OF_SELLER = 'channel = ? AND seller_id = ?'

/** Gives sellers a row that have none; those that have one keep their time. */
export async function ensurePolls(connection: Connection, sellers: readonly SellerName[]): Promise<void> {
  if (sellers.length === 0) return
  await connection.query('INSERT IGNORE INTO tributary_poll (channel, seller_id) VALUES ?', [
    sellers.map(({ channel, sellerId }) => [channel, sellerId]),
  ])
}

/** Notes that a marketplace said that a grant ended, to be looked into at once. */
export async function noteRevocation(connection: Connection, { channel, sellerId }: SellerName, time: number): Promise<void> {
  await connection.query(
    `INSERT INTO tributary_poll (channel, seller_id, revocation_time) VALUES (?, ?, ?)
     ON DUPLICATE KEY UPDATE revocation_time = VALUES(revocation_time), due_time = IF(claimed_by IS NULL, 0, due_time)`,
    [channel, sellerId, time],
  )
}

/** Claims a seller that is due, or answers undefined when none is. */
export async function claimPoll(
  database: Database,
  { owner, channels, now, until }: { owner: string; channels: readonly number[]; now: number; until: number },
): Promise<Poll | undefined> {
  const candidates = await database.query<PollRecord[]>(
    `SELECT channel, seller_id, cursor_time, failures, swept_time, revocation_time, epoch FROM tributary_poll
     WHERE due_time <= ? AND channel IN (?) ORDER BY due_time LIMIT 8`,
    [now, channels],
  )
  for (const row of candidates) {
    const { affectedRows } = await database.query<WriteResult>(
      `UPDATE tributary_poll SET epoch = epoch + 1, due_time = ?, claimed_by = ?, wanted = 0 WHERE ${OF_SELLER} AND epoch = ? AND due_time <= ?`,
      [until, owner, row.channel, row.seller_id, row.epoch, now],
    )
    if (affectedRows === 1) return toPoll(row)
  }
  return undefined
}

/** Moves the cursor, if it is still ours to move, and prolongs the claim; 0 leaves the cursor. Throws PollLost. */
export async function advancePoll(database: Database, poll: Poll, cursorTime: number, until: number): Promise<Poll> {
  await write(database, poll, 'cursor_time = GREATEST(cursor_time, ?), due_time = ?', [cursorTime, until])
  return { ...poll, cursorTime: Math.max(poll.cursorTime, cursorTime) }
}

/** Makes a seller be read from far back, as at first, wherever its cursor stood. Throws PollLost. */
export async function rewindPoll(database: Database, poll: Poll): Promise<Poll> {
  await write(database, poll, 'cursor_time = 0', [])
  return { ...poll, cursorTime: 0 }
}

/** Ends the claim of a poll that went through. `sweep` asks for the open orders since a time once more. Throws PollLost. */
export async function finishPoll(
  database: Database,
  poll: Poll,
  { now, next, sweep }: { now: number; next: number; sweep?: { since: number; spread: number } },
): Promise<void> {
  await database.transaction(async (connection) => {
    await write(
      connection,
      poll,
      `claimed_by = NULL, failures = 0, last_error = '', success_time = ?, swept_time = IF(? OR swept_time = 0, ?, swept_time),
       due_time = IF(revocation_time > 0, 0, ?)`,
      [now, sweep !== undefined, now, next],
    )
    if (sweep) await sweepOpenOrders(connection, poll, { ...sweep, now })
  })
}

/** Ends the claim of a poll that did not go through. Throws PollLost. */
export async function putBackPoll(
  database: Database,
  poll: Poll,
  { next, failures, error }: { next: number; failures: number; error: string },
): Promise<void> {
  await write(database, poll, 'claimed_by = NULL, failures = ?, last_error = ?, due_time = IF(wanted, 0, ?)', [
    failures,
    error,
    next,
  ])
}

/** Ends the claims of an owner on all but these polls: it claimed more than it has heard of. They are due at once. */
export async function releasePolls(database: Database, owner: string, inHand: readonly Poll[]): Promise<void> {
  const others = inHand.map(() => `AND NOT (${OF_SELLER})`).join(' ')
  await database.query(`UPDATE tributary_poll SET claimed_by = NULL, due_time = 0 WHERE claimed_by = ? ${others}`, [
    owner,
    ...inHand.flatMap(({ channel, sellerId }) => [channel, sellerId]),
  ])
}

/** The notice of a revocation has been looked into; a newer one stands. */
export async function settleRevocation(database: Database, poll: Poll): Promise<void> {
  await database.query(`UPDATE tributary_poll SET revocation_time = 0 WHERE ${OF_SELLER} AND revocation_time = ?`, [
    poll.channel,
    poll.sellerId,
    poll.revocationTime,
  ])
}

/** Ends the claims of owners that are gone. */
export async function tidyPolls(database: Database, gone: (owner: string) => boolean): Promise<void> {
  const rows = await database.query<{ claimed_by: string }[]>(
    'SELECT DISTINCT claimed_by FROM tributary_poll WHERE claimed_by IS NOT NULL',
  )
  for (const { claimed_by: owner } of rows.filter((row) => gone(row.claimed_by)))
    await database.query('UPDATE tributary_poll SET claimed_by = NULL, due_time = 0 WHERE claimed_by = ?', [owner])
}

/** When each seller was last polled to the end, and what went wrong since. */
export async function listPolls(connection: Connection): Promise<(SellerName & { successTime: number; lastError: string })[]> {
  const rows = await connection.query<{ channel: number; seller_id: string; success_time: number; last_error: string }[]>(
    'SELECT channel, seller_id, success_time, last_error FROM tributary_poll',
  )
  return rows.map((row) => ({
    channel: row.channel,
    sellerId: row.seller_id,
    successTime: row.success_time,
    lastError: row.last_error,
  }))
}

/** An ended claim stays ended: a statement whose connection broke may be done later than the one that ended it. */
async function write(connection: Connection, poll: Poll, assignments: string, values: readonly unknown[]): Promise<void> {
  const { affectedRows } = await connection.query<WriteResult>(
    `UPDATE tributary_poll SET ${assignments} WHERE ${OF_SELLER} AND epoch = ? AND claimed_by IS NOT NULL`,
    [...values, poll.channel, poll.sellerId, poll.epoch],
  )
  if (affectedRows !== 1) throw new PollLost(`The poll of seller ${poll.sellerId} was taken over, or has ended already`)
}

type PollRecord = {
  channel: number
  seller_id: string
  cursor_time: number
  failures: number
  swept_time: number
  revocation_time: number
  epoch: number
}

function toPoll(row: PollRecord): Poll {
  return {
    channel: row.channel,
    sellerId: row.seller_id,
    cursorTime: row.cursor_time,
    failures: row.failures,
    sweptTime: row.swept_time,
    revocationTime: row.revocation_time,
    epoch: row.epoch + 1,
  }
}
