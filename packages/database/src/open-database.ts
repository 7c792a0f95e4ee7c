import { callbackify } from 'node:util'
import knex, { type Knex } from 'knex'
import type { Connection as RawConnection } from 'mysql2'
import type { Connection, Database } from './database.ts'
import { dialOptions } from './dial.ts'
import { type DriverError, scrubDriverError } from './driver-errors.ts'
import { onOneConnection } from './one-connection.ts'
import { askPresence } from './presence.ts'
import { prepareSession } from './session.ts'
import { runTransaction } from './transaction.ts'
import { type Watch, watchStatements } from './unanswered-statements.ts'
import { type DatabaseAddress, parseDatabaseUrl } from './url.ts'

const CONNECT_TIMEOUT = 5_000
/** Between two looks at statements without an answer; see `watchStatements`. */
const LOOK = 5_000
const ACQUIRE_TIMEOUT = 10_000
/** That one connection keeps at the server, where each takes a few megabytes; the one used longest ago is let go. */
const PREPARED_STATEMENTS = 8

/** Two groups of cursors move on one each, and two topics are appended to on one each; with them a process stays within its twenty. */
const HURRIED_CONNECTIONS = 4

const silent = { warn: () => {}, error: () => {}, debug: () => {}, deprecate: () => {} }

/**
 * Opens a pool on `mysql://user:password@host:port/database[?tls=true[&ca=FILE]]`. Nothing is dialled before the first query.
 * `connections` bounds the pool. Every session is strict, UTC, utf8mb4 and READ COMMITTED. Integers beyond 2^53 come
 * back as text. Throws DatabaseError DATABASE_URL_INVALID.
 *
 * `query` and `transaction` throw DatabaseError. What comes through `knex` keeps the driver's code, and loses its text
 * and values: they could be personal. A server that vanishes while a statement is under way is noticed within half a minute,
 * however long statements take; tests shorten that by `look` and `reach`, in milliseconds.
 */
export function openDatabase(
  url: string,
  { connections = 16, look = LOOK, reach = CONNECT_TIMEOUT }: { connections?: number; look?: number; reach?: number } = {},
): Database {
  const server = parseDatabaseUrl(url)
  const watch = watchStatements((address) => askPresence(server, { address, reach }), look)
  const open = (hurried: boolean, max: number) => openPool(server, { hurried, max, reach, watch })
  const pool = open(false, connections)
  let hurriedPool: Knex | undefined
  /** Few processes need them, and each costs a connection. */
  const hurried = () => {
    hurriedPool ??= open(true, HURRIED_CONNECTIONS)
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
      watch.end()
    },
  }
}

function openPool(
  server: DatabaseAddress,
  { hurried, max, reach, watch }: { hurried: boolean; max: number; reach: number; watch: Watch },
): Knex {
  const ready = async (raw: RawConnection) => watch.add(raw, await prepareSession(raw, { hurried, within: reach }))
  const pool = knex({
    client: 'mysql2',
    // Else it asks the first connection, without a time limit, and all others wait for that answer.
    version: 'latest',
    connection: {
      ...dialOptions(server, { reach }),
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
    pool: { min: 0, max, afterCreate: callbackify(ready) },
    acquireConnectionTimeout: ACQUIRE_TIMEOUT,
    compileSqlOnError: false,
    log: silent,
  })
  pool.on('query-error', (error: DriverError) => scrubDriverError(error))
  return pool
}
