import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pause } from '@tributary/runtime'
import { asSpoolError, isBusy, SpoolError } from './errors.ts'

/** A process that is being replaced may need so long to stop, milliseconds. */
const PATIENCE = 10_000
const LOOK_AGAIN = 100

/**
 * Makes this process the one that fills and drains the spool of a folder, until the answered function is called or the
 * process is gone: the lock is the operating system's, on a file of its own, so that operators' commands can look at the
 * spool meanwhile. Waits for a predecessor that is stopping. Throws SpoolError SPOOL_IN_USE.
 */
export async function becomeOwner(folder: string, patience = PATIENCE): Promise<() => void> {
  const file = join(folder, 'owner.lock')
  const deadline = Date.now() + patience
  for (;;) {
    const lock = tryLock(file)
    if (lock) return () => lock.close()
    if (Date.now() >= deadline)
      throw new SpoolError(
        'SPOOL_IN_USE',
        `Another process has the spool in ${folder}. Give each process that runs ingest a tributary.ingest.spool.folder of its own.`,
        { retriable: false },
      )
    await pause(LOOK_AGAIN)
  }
}

function tryLock(file: string): DatabaseSync | undefined {
  let lock: DatabaseSync | undefined
  try {
    lock = new DatabaseSync(file)
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock?.close()
    if (isBusy(error)) return undefined
    throw asSpoolError(error, file)
  }
}
