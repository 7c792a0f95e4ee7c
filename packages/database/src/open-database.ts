import knex from 'knex'
import type { Connection as RawConnection } from 'mysql2'
import type { Connection, Database } from './database.ts'
import { type DriverError, databaseError, scrubDriverError } from './driver-errors.ts'
import { DatabaseError } from './errors.ts'
import { onOneConnection } from './one-connection.ts'
import { runTransaction } from './transaction.ts'
import { parseDatabaseUrl } from './url.ts'

const CONNECT_TIMEOUT = 5_000
const ACQUIRE_TIMEOUT = 10_000

/**
 * What every session is set to, whatever the server's own settings are. Without strict mode a server cuts values in
 * silence; NO_BACKSLASH_ESCAPES would break the driver's quoting. A schema change that waits 60 s for readers gives up.
 */
const SESSION = [
  "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
  "time_zone = '+00:00'",
  'lock_wait_timeout = 60',
].join(', ')

/**
 * Opens a pool on `mysql://user:password@host:port/database[?tls=true]`. Nothing is dialled before the first query.
 * `connections` bounds the pool. Every session is strict, UTC, utf8mb4 and READ COMMITTED. Integers beyond 2^53 come
 * back as text. Throws DatabaseError DATABASE_URL_INVALID.
 */
export function openDatabase(url: string, options: { connections?: number } = {}): Database {
  const pool = knex({
    client: 'mysql2',
    connection: {
      ...parseDatabaseUrl(url),
      connectTimeout: CONNECT_TIMEOUT,
      charset: 'utf8mb4_general_ci',
      timezone: 'Z',
      supportBigNumbers: true,
      multipleStatements: false,
      // An object as a value would otherwise become SQL of its own.
      stringifyObjects: true,
      // affectedRows counts found rows: the epoch fence of a cursor depends on it.
      flags: 'FOUND_ROWS',
    },
    pool: { min: 0, max: options.connections ?? 16, afterCreate: prepareSession },
    acquireConnectionTimeout: ACQUIRE_TIMEOUT,
    compileSqlOnError: false,
    log: { warn: () => {}, error: () => {}, debug: () => {}, deprecate: () => {} },
  })
  pool.on('query-error', (error: DriverError) => scrubDriverError(error))
  const query: Connection['query'] = (text, values) => onOneConnection(pool, (connection) => connection.query(text, values))
  return {
    knex: pool,
    query,
    transaction: (work, { attempts = 4 } = {}) => runTransaction(pool, work, attempts),
    close: () => pool.destroy(),
  }
}

function prepareSession(connection: RawConnection, done: (error: Error | null, connection: RawConnection) => void): void {
  connection.query(SESSION, (error) => {
    if (error) return fail(error)
    connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED', (refused) =>
      refused ? fail(refused) : done(null, connection),
    )
  })
  function fail(error: Error): void {
    connection.destroy()
    done(error, connection)
  }
}

/** Throws DatabaseError when the server does not answer, refuses us, or accepts statements below `bytes`. */
export async function checkServer(database: Database, bytes = 16 * 1024 * 1024): Promise<void> {
  try {
    const [row] = await database.query<{ packet: number }[]>('SELECT @@max_allowed_packet AS packet')
    if (row && Number(row.packet) >= bytes) return
    throw new DatabaseError(
      'DATABASE_PACKET_TOO_LARGE',
      `The server accepts statements of ${row?.packet ?? 0} bytes; a large order needs ${bytes}. Raise max_allowed_packet to 64M.`,
    )
  } catch (error) {
    throw databaseError(error)
  }
}
