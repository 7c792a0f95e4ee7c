import { type Connection, isLockHeld, transactionOn } from '@tributary/database'
import type { Projection } from '../definition.ts'
import { ProjectionError } from '../errors.ts'
import { readGeneration } from './generation.ts'
import { lockOf } from './names.ts'
import { FENCED_STATES, latestRebuild, lockLatestRebuild, type RebuildRecord, rebuildOf, updateRebuild } from './record.ts'
import { settleRollback, settleSwap } from './swap.ts'
import { refuseOutdated } from './version.ts'

/**
 * Asked by the live consumer when it takes a partition, in a transaction that holds the cursor's row: may it write?
 * Not while a rebuild is between its fence and its end. If whoever fenced is gone, which the server tells because the lock
 * went with the connection, this finishes what was begun: behind the swap it settles, before it it lets the rebuild stand
 * as it was. Nor when the tables are those of a later version. Throws ProjectionError PROJECTION_FENCED or PROJECTION_OUTDATED.
 */
export async function passLiveGate(connection: Connection, projection: Projection): Promise<void> {
  await passSwap(connection, projection)
  await refuseOutdated(connection, projection)
}

async function passSwap(connection: Connection, projection: Projection): Promise<void> {
  if (!isHalfWay(await latestRebuild(connection, projection))) return
  if (!isHalfWay(await lockLatestRebuild(connection, projection))) return
  if (await isLockHeld(connection, lockOf(projection)))
    throw new ProjectionError(
      'PROJECTION_FENCED',
      `The tables of ${projection.name} are about to be swapped; it goes on in a moment.`,
    )
  await finishHalfWay(connection, projection)
}

/**
 * Brings the newest rebuild, if it was fenced, to where it can be taken up or has ended, and answers it as it then stands.
 * Only for who holds the lock, or knows that nobody does; and in a transaction, because a live consumer may finish the same at
 * this moment: what is settled a second time would lose the parked keys, which the first time made those of the live tables.
 */
export async function finishHalfWay(connection: Connection, projection: Projection): Promise<RebuildRecord | undefined> {
  const record = await lockLatestRebuild(connection, projection)
  if (!record || !isHalfWay(record)) return record
  const generation = await readGeneration(connection, projection)
  if (record.state === 'fenced') {
    if (generation === record.generation) await settleSwap(connection, projection, record)
    else await updateRebuild(connection, record, { state: 'catching-up' })
  } else if (generation < record.generation) await settleRollback(connection, projection, record)
  else await updateRebuild(connection, record, { state: 'done' })
  return await rebuildOf(connection, projection, record.generation)
}

/** What an earlier run left, for who holds the lock: the newest rebuild, and how it stands after `finishHalfWay`. */
export async function finishLeft(
  session: Connection,
  projection: Projection,
): Promise<{ before: RebuildRecord | undefined; after: RebuildRecord | undefined }> {
  const before = await latestRebuild(session, projection)
  const after = isHalfWay(before) ? await transactionOn(session, (connection) => finishHalfWay(connection, projection)) : before
  return { before, after }
}

const isHalfWay = (record: RebuildRecord | undefined): boolean =>
  record !== undefined && (FENCED_STATES as readonly string[]).includes(record.state)
