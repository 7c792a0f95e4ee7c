import { blameFor } from '@tributary/consumer'
import type { Connection } from '@tributary/database'
import { backOff, pause } from '@tributary/runtime'
import type { Attempt } from './attempt.ts'
import type { DeadLetter } from './dead-letter.ts'
import { afterSettled, type Lane } from './lane.ts'
import { countDeadLetter } from './measure.ts'
import { dueTimeOf, type HeldLane, nextCommit, type Partition } from './partition.ts'
import { placed } from './place.ts'

/** What the table says after a write: the lane as it stands now, or that it ended. */
type Written = Lane | 'ended'

/** Writes that the head was not delivered; always false, as no other event became the head. Throws when the partition is gone. */
export async function keepHead(partition: Partition, held: HeldLane, lane: Lane, attempts: readonly Attempt[]): Promise<false> {
  const { place, rows, logger } = partition
  const written = await change(partition, held, async (connection, row) => {
    // A person who skipped the head while it was being tried has the last word.
    const kept: Lane = row.state === 'skipped' ? { ...row, attempts: lane.attempts } : lane
    await rows.update(connection, place, kept)
    await rows.insertAttempts(connection, placed(place, attempts))
    return kept
  })
  if (written !== 'ended' && written.state === 'blocked') {
    const { endpoint, topic, partition: number } = place
    logger.warn({ endpoint, topic, partition: number, position: lane.head, reason: lane.reason }, 'delivery blocked')
  }
  return false
}

/** How a head was settled: one that was given up goes to the dead letters; `given-back` was not for the endpoint any more. */
export type Settlement = 'delivered' | 'given-back' | { givenUp: string }

/**
 * Writes that the head is settled: the next in order takes its place, then true, or the lane ends. Throws when the
 * partition is gone.
 */
export async function settleHead(
  partition: Partition,
  held: HeldLane,
  attempts: readonly Attempt[],
  settlement: Settlement,
): Promise<boolean> {
  const { place, rows, logger, routing } = partition
  const { head, key } = held.lane
  const letter = typeof settlement === 'object' ? deadLetterOf(held, attempts, settlement.givenUp) : undefined
  const written = await change(partition, held, async (connection) => {
    const next = await rows.firstWaiting(connection, place, key)
    // More is on its way, in a batch that is not committed yet.
    if (next === undefined && held.events > 1) return undefined
    await rows.insertAttempts(connection, placed(place, attempts))
    if (letter) await rows.insertDeadLetter(connection, place, letter)
    if (routing && settlement === 'given-back')
      await rows.writeRoutings(connection, placed(place, [{ position: head, routedBy: key, kind: settlement }]))
    if (next === undefined) {
      await rows.end(connection, place, key)
      return 'ended'
    }
    const lane = afterSettled(held.lane, next, Date.now())
    await rows.update(connection, place, lane)
    await rows.deleteWaiting(connection, place, { key, position: next })
    return lane
  })
  if (letter) {
    countDeadLetter(place.endpoint)
    logger.warn({ ...place, position: head, reason: letter.reason }, 'delivery given up; it is among the dead letters')
  }
  return written !== 'ended'
}

const deadLetterOf = ({ lane }: HeldLane, attempts: readonly Attempt[], reason: string): DeadLetter => ({
  position: lane.head,
  key: lane.key,
  attempts: lane.attempts + attempts.length,
  reason,
  time: Date.now(),
})

/**
 * Changes a lane in the table, then in memory. `work` answers undefined when it has to wait for rows that are not
 * committed yet. The batch side keeps off the lane meanwhile, except while this waits for a batch.
 */
async function change(
  partition: Partition,
  held: HeldLane,
  work: (connection: Connection, row: Lane) => Promise<Written | undefined>,
): Promise<Written> {
  await untilWritten(partition, held)
  for (;;) {
    const written = await alone(partition, held, async () => {
      const answer = await durably(partition, (connection) => changeOnce(connection, partition, held, work))
      if (answer !== undefined) take(partition, held, answer)
      return answer
    })
    if (written !== undefined) return written
    await nextCommit(partition)
  }
}

/** Does the work unless an earlier try of it did, whose COMMIT went through though its answer got lost. */
async function changeOnce(
  connection: Connection,
  { place, rows }: Partition,
  { lane }: HeldLane,
  work: (connection: Connection, row: Lane) => Promise<Written | undefined>,
): Promise<Written | undefined> {
  const row = await rows.find(connection, place, lane.key)
  if (!row) return 'ended'
  return row.head === lane.head && row.attempts === lane.attempts ? work(connection, row) : row
}

/** Waits until the lane's row is in the table: from then on, a row that is missing means that the lane ended. */
async function untilWritten(partition: Partition, held: HeldLane): Promise<void> {
  const { rows, place } = partition
  while (!held.isWritten) {
    held.isWritten = (await durably(partition, (connection) => rows.find(connection, place, held.lane.key))) !== undefined
    if (!held.isWritten) await nextCommit(partition)
  }
}

/** Brings the lane in memory in line with the table. */
function take({ lanes, endpoint }: Partition, held: HeldLane, written: Written): void {
  if (written === 'ended' || written.head !== held.lane.head) {
    held.events -= 1
    endpoint.gate.countAside(-1)
  }
  if (written === 'ended') {
    lanes.delete(held.lane.key)
    return
  }
  held.lane = written
  held.dueTime = dueTimeOf(written)
}

/** Keeps the batch side from looking at the lane while `work` runs. */
async function alone<T>({ over }: Partition, held: HeldLane, work: () => Promise<T>): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<void>()
  held.settling = promise
  try {
    return await work()
  } catch (error) {
    held.isInDoubt = over.signal.aborted
    throw error
  } finally {
    held.settling = undefined
    resolve()
  }
}

/** Runs a fenced transaction, again while the database is away: what was sent must not be sent again for that. */
async function durably<T>({ owned, over }: Partition, work: (connection: Connection) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await owned.fenced(work)
    } catch (error) {
      if (over.signal.aborted || blameFor(error) === 'event') throw error
      await pause(backOff(attempt, SHORTEST_PAUSE, LONGEST_PAUSE), over.signal)
    }
  }
}

/** Milliseconds between two tries of a transaction. */
const SHORTEST_PAUSE = 20
const LONGEST_PAUSE = 5_000
