import { setTimeout as wait } from 'node:timers/promises'
import type { Knex } from 'knex'
import type { Connection } from './database.ts'
import { DatabaseError, isTransactionConflict } from './errors.ts'
import { type BorrowedConnection, onOneConnection } from './one-connection.ts'

/** See `Database.transaction`. `isBegun`: every session of the pool is without autocommit, so it is always in a transaction. */
export function runTransaction<T>(
  pool: Knex,
  work: (connection: Connection) => Promise<T>,
  { attempts, isBegun = false }: { attempts: number; isBegun?: boolean },
): Promise<T> {
  return retryConflicts(() => onOneConnection(pool, (connection) => attemptOnce(connection, work, isBegun)), attempts)
}

/**
 * Runs `work` again, up to `attempts` times in all and with jitter, when the server ended it for a deadlock or a lock
 * wait time-out. For a single statement outside a transaction, which the server undoes as a whole; a transaction has
 * this built in.
 */
export async function retryConflicts<T>(work: () => Promise<T>, attempts = 4): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (attempt >= attempts || !isTransactionConflict(error)) throw error
      await wait(Math.random() * 10 * 2 ** attempt)
    }
  }
}

async function attemptOnce<T>(
  connection: BorrowedConnection,
  work: (connection: Connection) => Promise<T>,
  isBegun = false,
): Promise<T> {
  let over = false
  const inside: Connection = {
    query: (text, values, options) =>
      over
        ? Promise.reject(new DatabaseError('DATABASE_STATEMENT_REFUSED', 'A query came after its transaction had ended.'))
        : connection.query(text, values, options),
  }
  if (!isBegun) await connection.query('START TRANSACTION')
  try {
    const result = await work(inside)
    over = true
    await connection.query('COMMIT')
    return result
  } catch (error) {
    over = true
    await connection.query('ROLLBACK').catch(() => {
      // Unknown state: the server rolls back when the session ends.
      connection.broken = true
    })
    throw error
  }
}

/**
 * Like `Database.transaction`, on a connection that its caller keeps for itself: what holds a named lock must write on the
 * very connection that holds it.
 */
export function transactionOn<T>(connection: Connection, work: (connection: Connection) => Promise<T>): Promise<T> {
  return retryConflicts(() => attemptOnce(connection as BorrowedConnection, work))
}
