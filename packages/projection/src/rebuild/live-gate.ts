import type { Connection } from '@tributary/database'
import { isLockHeld } from '@tributary/database'
import type { Projection } from '../definition.ts'
import { ProjectionError } from '../errors.ts'
import { readGeneration } from './generation.ts'
import { lockOf } from './names.ts'
import { FENCED_STATES, latestRebuild, type RebuildRecord, updateRebuild } from './record.ts'
import { settleRollback, settleSwap } from './swap.ts'

/**
 * Asked by the live consumer when it takes a partition, in a transaction that holds the cursor's row: may it write?
 * Not while a rebuild is between its fence and its end. If whoever fenced is gone, which the server tells because the lock
 * went with the connection, this finishes what was begun: behind the swap it settles, before it it lets the rebuild stand
 * as it was. Throws ProjectionError PROJECTION_FENCED.
 */
export async function passLiveGate(connection: Connection, projection: Projection): Promise<void> {
  const record = await latestRebuild(connection, projection)
  if (!record || !isHalfWay(record)) return
  await connection.query('SELECT 1 FROM tributary_rebuild WHERE projection = ? AND generation = ? FOR UPDATE', [
    record.projection,
    record.generation,
  ])
  const locked = await latestRebuild(connection, projection)
  if (!locked || !isHalfWay(locked)) return
  if (await isLockHeld(connection, lockOf(projection)))
    throw new ProjectionError(
      'PROJECTION_FENCED',
      `The tables of ${projection.name} are about to be swapped; it goes on in a moment.`,
    )
  await finishHalfWay(connection, projection, locked)
}

/** Brings a rebuild that was fenced to where it can be taken up. Only for who holds the lock, or knows that nobody does. */
export async function finishHalfWay(connection: Connection, projection: Projection, record: RebuildRecord): Promise<void> {
  const generation = await readGeneration(connection, projection)
  if (record.state === 'fenced') {
    if (generation === record.generation) await settleSwap(connection, projection, record)
    else await updateRebuild(connection, record, { state: 'catching-up' })
  } else if (record.state === 'rolling-back') {
    if (generation < record.generation) await settleRollback(connection, projection, record)
    else await updateRebuild(connection, record, { state: 'done' })
  }
}

const isHalfWay = ({ state }: RebuildRecord): boolean => (FENCED_STATES as readonly string[]).includes(state)
