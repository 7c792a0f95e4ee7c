import { hash } from 'node:crypto'
import { type Database, DatabaseError, keptAwake, withNamedLock } from '@tributary/database'
import { HistoryError } from '../errors.ts'

/** The server ends the connection that holds a folder when it is silent for so long, seconds. */
const IDLE = 60

/**
 * Runs `work` while no other export of this system writes into `folder`. Two at once would write the same files, each with the
 * checksums of its own in the manifest, and a restore would find the archive broken when it is needed. The right goes with the
 * connection, so a killed export leaves nothing behind. Throws HistoryError HISTORY_ARCHIVE_BUSY.
 */
export async function asOnlyWriter<T>(database: Database, folder: string, work: () => Promise<T>): Promise<T> {
  let isAlone = false
  const name = `export ${hash('sha256', folder, 'hex').slice(0, 12)}`
  try {
    return await withNamedLock(database, { name, idleSeconds: IDLE }, (session) => {
      isAlone = true
      return keptAwake(session, IDLE, work)
    })
  } catch (error) {
    if (isAlone || !(error instanceof DatabaseError && error.code === 'DATABASE_LOCK_TIMEOUT')) throw error
    throw new HistoryError(
      'HISTORY_ARCHIVE_BUSY',
      `Another export writes into ${folder} just now. Run this one again when that has ended.`,
      { cause: error },
    )
  }
}
