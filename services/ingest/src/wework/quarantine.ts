import { hash } from 'node:crypto'
import type { Database } from '@tributary/database'
import type { RefusalReason } from '@tributary/wecom'

/** Enough to see what went wrong, too little to fill a disk: whoever holds a token of ours could otherwise. */
const MOST_KEPT = 1_000

/** What the column holds. Letters outside ASCII take nine characters each in a path. */
const LONGEST_ADDRESS = 200

/**
 * Keeps a signed callback that was not for us, encrypted as it came. Sent again it is counted and not kept again; beyond
 * a thousand the oldest go. Throws DatabaseError.
 */
export async function quarantine(
  database: Database,
  one: { customer: string; address: string; reason: RefusalReason; body: Buffer },
): Promise<void> {
  const { customer, address, reason, body } = one
  const digest = hash('sha256', Buffer.concat([Buffer.from(`${customer}\n${address}\n`), body]), 'buffer')
  const now = Date.now()
  await database.query(
    `INSERT INTO tributary_wework_quarantine (digest, customer, address, reason, body, first_time, last_time)
     VALUES (?, ?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE times = times + 1, last_time = VALUES(last_time)`,
    [digest, customer, [...address].slice(0, LONGEST_ADDRESS).join(''), reason, body, now, now],
  )
  await database.query(
    `DELETE FROM tributary_wework_quarantine WHERE last_time < (
       SELECT last_time FROM (SELECT last_time FROM tributary_wework_quarantine ORDER BY last_time DESC LIMIT ?, 1) AS oldest)`,
    [MOST_KEPT - 1],
  )
}

const DAY = 86_400_000

/** How many callbacks came into quarantine, or came again, within a day. */
export async function countQuarantine(database: Database): Promise<number> {
  const [row] = await database.query<{ kept: number }[]>(
    'SELECT COUNT(*) AS kept FROM tributary_wework_quarantine WHERE last_time > ?',
    [Date.now() - DAY],
  )
  return row?.kept ?? 0
}
