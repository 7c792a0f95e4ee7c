import { DatabaseError } from '@tributary/database'
import type { Position } from '@tributary/event-log'
import { backOff, pause } from '@tributary/runtime'
import { deliveredOf } from './apply.ts'
import { blameFor, summarize } from './blame.ts'
import { ConsumerError } from './errors.ts'
import { decode, type Item, itemOf } from './item.ts'
import { fencedWith, type Loop, noteTrouble } from './loop.ts'
import { dequeue, nextRequeuedKey, parkKey, queueBehind, unparkIfEmpty, waitingPositions } from './parked.ts'
import { noteApplied } from './progress.ts'
import { MOST_STRIKES } from './settle.ts'

/** Waiting events applied in one turn: small, because the live events of the partition wait for the turn to end. */
const MOST_IN_A_TURN = 100

/**
 * Applies some of the events that wait behind a requeued key of this partition, in order, and unparks the key after the
 * last; parks it again at one that still fails. Answers whether another turn has something to do.
 */
export async function applyRequeued<P>(loop: Loop<P>): Promise<boolean> {
  const { database } = loop.shared
  try {
    const key = await nextRequeuedKey(database, loop.cursor)
    if (key === undefined) return false
    const positions = await waitingPositions(database, loop.cursor, key, MOST_IN_A_TURN)
    await applyWaiting(loop, key, positions)
    loop.trouble = undefined
    return true
  } catch (error) {
    loop.signal.throwIfAborted()
    noteTrouble(loop, error, 'requeued events cannot be applied for now')
    return false
  }
}

/** Applies waiting events, or, when one of them fails, as many of the first as can be; parks the key at a first that fails. */
async function applyWaiting<P>(loop: Loop<P>, key: string, positions: readonly Position[]): Promise<void> {
  for (let strike = 1; ; strike += 1) {
    loop.signal.throwIfAborted()
    try {
      return await applyTogether(loop, key, await readItems(loop, positions))
    } catch (error) {
      loop.signal.throwIfAborted()
      if (blameFor(error) === 'surroundings') throw error
      if (positions.length > 1) return await applyWaiting(loop, key, positions.slice(0, Math.ceil(positions.length / 2)))
      if (strike >= MOST_STRIKES) return await parkAgain(loop, key, positions, error, strike)
    }
    await pause(backOff(strike, 100, 1_000), loop.signal)
  }
}

async function applyTogether<P>(loop: Loop<P>, key: string, items: readonly Item[]): Promise<void> {
  const { definition, counts, now, logger } = loop.shared
  const { run, elsewhere } = sortOut(loop, key, items)
  const prepared =
    run.length === 0 ? undefined : { value: await definition.prepare(run.map(deliveredOf), loop.signal, undefined) }
  const positions = items.map((item) => item.recorded.position)
  const outcome = await fencedWith(loop, async (connection) => {
    // An operator may have skipped one meanwhile: the next turn reads the queue anew.
    if (positions.length > 0 && !(await dequeue(connection, loop.cursor, key, positions)))
      throw new QueueChanged('The queue changed.')
    await queueBehind(connection, loop.cursor, elsewhere)
    if (prepared) await definition.apply(connection, prepared.value)
    return (await unparkIfEmpty(connection, loop.cursor, key)) ? 'unparked' : 'parked'
  }).catch((error: unknown) => {
    if (error instanceof QueueChanged) return 'changed' as const
    if (error instanceof DatabaseError && error.code === 'DATABASE_UNAVAILABLE') dropUnsure(loop, key, error)
    throw error
  })
  if (outcome === 'changed') return
  noteApplied(counts, run.length, now())
  definition.committed?.(loop.cursor.partition, loop.cursor.next, prepared?.value)
  if (outcome === 'parked') return
  loop.parked.delete(key)
  logger.info({ consumer: definition.name, partition: loop.cursor.partition, key }, 'a requeued key is applied and unparked')
}

class QueueChanged extends Error {}

/**
 * A connection lost in COMMIT leaves open whether the events have had their effects and the key is free. Of that depends what
 * is remembered here, the parked keys above all: taken for parked, a key that is free would gather events that nobody ever
 * applies. So the partition is given up, and whoever takes it reads what stands.
 */
function dropUnsure<P>(loop: Loop<P>, key: string, error: DatabaseError): void {
  const { consumer, partition } = loop.cursor
  loop.shared.logger.warn(
    { consumer, partition, key, code: error.code },
    'whether requeued events were applied is not known; the partition is taken anew',
  )
  loop.ending.abort(error)
}

/** Which events run, and which must wait on behind their own key because that is parked as well. */
function sortOut<P>(
  loop: Loop<P>,
  key: string,
  items: readonly Item[],
): { run: Item[]; elsewhere: { key: string; position: Position }[] } {
  const run: Item[] = []
  const elsewhere: { key: string; position: Position }[] = []
  for (const item of items) {
    const decoded = decode(item, loop.shared.definition.keyOf)
    if (decoded.kind === 'unreadable') throw decoded.error
    if (decoded.key === key || !loop.parked.has(decoded.key)) run.push(item)
    else elsewhere.push({ key: decoded.key, position: item.recorded.position })
  }
  return { run, elsewhere }
}

async function readItems<P>(loop: Loop<P>, positions: readonly Position[]): Promise<Item[]> {
  const { topic, partition } = loop.cursor
  const items: Item[] = []
  for (const position of positions) {
    const { events } = await loop.shared.log.read(topic, partition, position, { limit: 1, signal: loop.signal })
    const [recorded] = events
    if (recorded?.position !== position)
      throw new ConsumerError(
        'CONSUMER_EVENT_MISSING',
        `The log no longer holds position ${position} of partition ${partition} of ${topic}.`,
      )
    items.push(itemOf(recorded))
  }
  return items
}

async function parkAgain<P>(
  loop: Loop<P>,
  key: string,
  [position]: readonly Position[],
  cause: unknown,
  attempts: number,
): Promise<void> {
  if (position === undefined) throw cause
  const error = summarize(cause)
  await fencedWith(loop, (connection) => parkKey(connection, loop.cursor, { key, position, attempts, error }))
  const { consumer, partition } = loop.cursor
  loop.shared.logger.error(
    { consumer, partition, position, key, code: error.code },
    `a requeued event still cannot be applied: ${error.message}`,
  )
}
