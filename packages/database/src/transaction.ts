import { setTimeout as wait } from 'node:timers/promises'
import type { Knex } from 'knex'
import type { Connection } from './database.ts'
import { DatabaseError, isTransactionConflict } from './errors.ts'
import { type BorrowedConnection, onOneConnection } from './one-connection.ts'

/** See `Database.transaction`. */
export async function runTransaction<T>(
  pool: Knex,
  work: (connection: Connection) => Promise<T>,
  attempts: number,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await onOneConnection(pool, (connection) => attemptOnce(connection, work))
    } catch (error) {
      if (attempt >= attempts || !isTransactionConflict(error)) throw error
      await wait(Math.random() * 10 * 2 ** attempt)
    }
  }
}

async function attemptOnce<T>(connection: BorrowedConnection, work: (connection: Connection) => Promise<T>): Promise<T> {
  let over = false
  const inside: Connection = {
    query: (text, values) =>
      over
        ? Promise.reject(new DatabaseError('DATABASE_STATEMENT_REFUSED', 'A query came after its transaction had ended.'))
        : connection.query(text, values),
  }
  await connection.query('START TRANSACTION')
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
