import type { Connection as RawConnection, RowDataPacket } from 'mysql2'
import { socketOf } from './socket.ts'

/**
 * What every session is set to, whatever the server's own settings are. Without strict mode a server cuts values in
 * silence; NO_BACKSLASH_ESCAPES would break the driver's quoting. A schema change that waits 60 s for readers gives up.
 * A session that says nothing for as long is that of a machine that is gone without a word: by its own settings the server
 * would keep its locks for hours, and with them a partition of the log.
 * What a server or its init_connect may have set for all is undone: without autocommit, or with transactions that chain, statements
 * of their own are lost; a select limit cuts answers, and other names of characters change texts, all in silence.
 * The isolation level has a statement of its own: its variable is named differently by MySQL 5.7, 8 and MariaDB.
 */
const SETTINGS = [
  'SET NAMES utf8mb4 COLLATE utf8mb4_general_ci',
  `SET SESSION sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',
    time_zone = '+00:00', lock_wait_timeout = 60, wait_timeout = 60,
    autocommit = 1, completion_type = 'NO_CHAIN', sql_select_limit = 18446744073709551615`,
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
]

/**
 * For transactions that are many and short: a statement less for each, and one that meets a lock, of a row or of a whole table
 * whose definition changes, gives up after a second, the least that can be said.
 */
const HURRIED = ['SET SESSION autocommit = 0, innodb_lock_wait_timeout = 1, lock_wait_timeout = 1']

const largestPacket = new WeakMap<RawConnection, number>()

/**
 * Readies a connection that the pool has just made, for hurried transactions if asked (see `Database.transaction`), in so
 * many milliseconds at most: these statements take no time where a server is alive. Resolves to the server's own name. A
 * connection that can't be readied is closed.
 */
export async function prepareSession(
  raw: RawConnection,
  { hurried, within }: { hurried: boolean; within: number },
): Promise<string> {
  const late = setTimeout(() => socketOf(raw).destroy(new Error('The server took the connection and says nothing.')), within)
  try {
    return await prepare(raw, hurried ? [...SETTINGS, ...HURRIED] : SETTINGS)
  } catch (error) {
    socketOf(raw).destroy()
    throw error
  } finally {
    clearTimeout(late)
  }
}

/** The server's max_allowed_packet when this session began, in bytes. */
export function packetLimit(raw: RawConnection): number {
  return largestPacket.get(raw) ?? Number.POSITIVE_INFINITY
}

async function prepare(raw: RawConnection, settings: readonly string[]): Promise<string> {
  const session = raw.promise()
  for (const setting of settings) await session.query(setting)
  const [rows] = await session.query<RowDataPacket[]>('SELECT @@max_allowed_packet AS bytes, @@hostname AS host')
  const [row] = rows as { bytes: number; host: string }[]
  if (row) largestPacket.set(raw, Number(row.bytes))
  return row?.host ?? ''
}
