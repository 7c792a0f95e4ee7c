import type { Connection } from './database.ts'
import { DatabaseError } from './errors.ts'

/**
 * Runs `work` while this connection holds the lock `name` of its database, for which it waits up to `seconds`. The lock
 * is GET_LOCK, which dies with its connection: a killed process leaves nothing locked, which a row as a lock would.
 * Throws DatabaseError DATABASE_LOCK_TIMEOUT.
 */
export async function underNamedLock<T>(
  connection: Connection,
  { name, seconds }: { name: string; seconds: number },
  work: () => Promise<T>,
): Promise<T> {
  // Such a lock belongs to the whole server, so its name carries the database. 64 characters at most.
  const lock = "CONCAT('tributary_', ?, ':', MD5(DATABASE()))"
  const [row] = await connection.query<{ got: number | null }[]>(`SELECT GET_LOCK(${lock}, ?) AS got`, [name, seconds])
  if (row?.got !== 1) {
    throw new DatabaseError(
      'DATABASE_LOCK_TIMEOUT',
      `Another process has held the lock '${name}' of this database for more than ${seconds} s. Look at it, then try again.`,
    )
  }
  try {
    return await work()
  } finally {
    // If this fails the session is gone, and the lock with it.
    await connection.query(`DO RELEASE_LOCK(${lock})`, [name]).catch(() => {})
  }
}
