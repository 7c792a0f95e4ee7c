import { hash } from 'node:crypto'
import type { Connection, Database } from './database.ts'
import { DatabaseError } from './errors.ts'
import { onOneConnection } from './one-connection.ts'

/** MySQL takes no longer names of locks; MariaDB does. */
const LONGEST = 64

/**
 * Such a lock belongs to the whole server, so its name carries the database. The digest is made here, because MySQL 9.6 has no
 * MD5() any more; another one would give processes of two versions two locks.
 */
export function lockName(name: string, database: string): string {
  const lock = `tributary_${name}:${hash('md5', database, 'hex')}`
  return lock.length <= LONGEST ? lock : `tributary_${hash('md5', `${name}:${database}`, 'hex')}`
}

async function lockNameHere(connection: Connection, name: string): Promise<string> {
  const [row] = await connection.query<{ name: string | null }[]>('SELECT DATABASE() AS name')
  return lockName(name, row?.name ?? '')
}

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
  const lock = await lockNameHere(connection, name)
  const [row] = await connection.query<{ got: number | null }[]>('SELECT GET_LOCK(?, ?) AS got', [lock, seconds])
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
    await connection.query('DO RELEASE_LOCK(?)', [lock]).catch(() => {})
  }
}

/** Whether some connection holds the lock `name` of this database now. Throws DatabaseError. */
export async function isLockHeld(connection: Connection, name: string): Promise<boolean> {
  const [row] = await connection.query<{ holder: number | null }[]>('SELECT IS_USED_LOCK(?) AS holder', [
    await lockNameHere(connection, name),
  ])
  return row?.holder !== null
}

/**
 * Runs `work` on a connection of its own that holds the lock `name`. The server ends the connection, and the lock with it,
 * when nothing is heard on it for `idleSeconds`: then `work` must stop, which its next query on it tells.
 * Throws DatabaseError DATABASE_LOCK_TIMEOUT when somebody else holds the lock for `seconds`, at once unless told.
 */
export function withNamedLock<T>(
  database: Database,
  { name, idleSeconds, seconds = 0 }: { name: string; idleSeconds: number; seconds?: number },
  work: (session: Connection) => Promise<T>,
): Promise<T> {
  return onOneConnection(database.knex, async (connection) => {
    try {
      // Before the lock: a connection that is lost between the two would hold it for hours.
      await connection.query(`SET SESSION wait_timeout = ${Math.trunc(idleSeconds)}`)
      return await underNamedLock(connection, { name, seconds }, () => work(connection))
    } finally {
      // Its settings are not those of the pool any more.
      connection.broken = true
    }
  })
}

/** Keeps the connection of a named lock from being idle while `work` goes on; it speaks every third of `idleSeconds`. */
export async function keptAwake<T>(session: Connection, idleSeconds: number, work: () => Promise<T>): Promise<T> {
  const awake = setInterval(() => void session.query('DO 1').catch(() => {}), (idleSeconds * 1_000) / 3)
  try {
    return await work()
  } finally {
    clearInterval(awake)
  }
}
