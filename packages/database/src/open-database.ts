import knex, { type Knex } from 'knex'
import type { Connection, Database } from './database.ts'
import { type DriverError, scrubDriverError } from './driver-errors.ts'
import { onOneConnection } from './one-connection.ts'
import { prepareHurriedSession, prepareSession } from './session.ts'
import { runTransaction } from './transaction.ts'
import { parseDatabaseUrl } from './url.ts'

const CONNECT_TIMEOUT = 5_000
const ACQUIRE_TIMEOUT = 10_000
/** A server that is gone without a word is noticed so long after it said something last, and some ten seconds more. */
const KEEP_ALIVE = 10_000
/** That one connection keeps at the server, where each takes a few megabytes; the one used longest ago is let go. */
const PREPARED_STATEMENTS = 8

const silent = { warn: () => {}, error: () => {}, debug: () => {}, deprecate: () => {} }

/**
 * Opens a pool on `mysql://user:password@host:port/database[?tls=true]`. Nothing is dialled before the first query.
 * `connections` bounds the pool. Every session is strict, UTC, utf8mb4 and READ COMMITTED. Integers beyond 2^53 come
 * back as text. Throws DatabaseError DATABASE_URL_INVALID.
 *
 * `query` and `transaction` throw DatabaseError. What comes through `knex` keeps the driver's code, and loses its text
 * and values: they could be personal.
 */
export function openDatabase(url: string, options: { connections?: number } = {}): Database {
  const pool = openPool(url, prepareSession, options.connections ?? 16)
  let hurriedPool: Knex | undefined
  /** Few processes need it, and it costs a connection. */
  const hurried = () => {
    hurriedPool ??= openPool(url, prepareHurriedSession, 1)
    return hurriedPool
  }
  const query: Connection['query'] = (...statement) => onOneConnection(pool, (connection) => connection.query(...statement))
  return {
    knex: pool,
    query,
    transaction: (work, { attempts = 4, hurried: isHurried = false } = {}) =>
      isHurried ? runTransaction(hurried(), work, { attempts, isBegun: true }) : runTransaction(pool, work, { attempts }),
    close: async () => {
      await Promise.all([pool.destroy(), hurriedPool?.destroy()])
    },
  }
}

function openPool(url: string, afterCreate: typeof prepareSession, max: number): Knex {
  const pool = knex({
    client: 'mysql2',
    connection: {
      ...parseDatabaseUrl(url),
      connectTimeout: CONNECT_TIMEOUT,
      keepAliveInitialDelay: KEEP_ALIVE,
      charset: 'utf8mb4_general_ci',
      timezone: 'Z',
      supportBigNumbers: true,
      multipleStatements: false,
      maxPreparedStatements: PREPARED_STATEMENTS,
      // An object as a value would otherwise become SQL of its own.
      stringifyObjects: true,
      // affectedRows counts found rows: the epoch fence of a cursor depends on it.
      flags: 'FOUND_ROWS',
    },
    pool: { min: 0, max, afterCreate },
    acquireConnectionTimeout: ACQUIRE_TIMEOUT,
    compileSqlOnError: false,
    log: silent,
  })
  pool.on('query-error', (error: DriverError) => scrubDriverError(error))
  return pool
}
