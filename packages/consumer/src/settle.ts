import { backOff, pause } from '@tributary/runtime'
import { applyPart } from './apply.ts'
import { blameFor, summarize } from './blame.ts'
import { decode, type Item, storedKey } from './item.ts'
import { type Loop, moveWith, noteTrouble, type Part } from './loop.ts'
import { countParking } from './measure.ts'
import { parkKey } from './parked.ts'

/** Tries that an event gets by itself before its key is parked. */
export const MOST_STRIKES = 3
/** So many keys in a row do not fail by themselves: better to stand still, which loses nothing, than to park the log. */
const MOST_PARKED_IN_A_ROW = 100
const SHORTEST_PAUSE = 100
const LONGEST_PAUSE = 10_000

/**
 * Applies a part whatever it takes: waits out errors of the surroundings, halves the part around a culprit, parks the key
 * of an event that fails by itself. Returns when the cursor stands behind the part; throws only when the partition is gone.
 */
export async function settle<P>(loop: Loop<P>, part: Part<P>): Promise<void> {
  let strikes = 0
  for (let attempt = 1; ; attempt += 1) {
    const failure = await tryPart(loop, part)
    if (!failure) return
    if (failure.blame === 'event') {
      if (part.items.length > 1) return await settleHalves(loop, part)
      strikes += 1
      if (isDone(loop, part, strikes)) return await park(loop, part, failure.error, strikes)
    }
    noteTrouble(loop, failure.error, 'a batch cannot be applied for now')
    await rest(loop, attempt)
  }
}

/** Applies a part once. Throws only when the partition is gone. */
async function tryPart<P>(loop: Loop<P>, part: Part<P>) {
  // What is prepared may have been sent to others: even while the partition is given up it is written down. The fence has
  // the last word.
  if (!part.prepared) loop.signal.throwIfAborted()
  try {
    await applyPart(loop, part)
    return undefined
  } catch (error) {
    loop.signal.throwIfAborted()
    const blame = blameFor(error)
    if (blame === 'event') part.prepared = undefined
    return { error, blame }
  }
}

/** Waits before the next try; long enough that a server on its knees is left alone, but never half a minute. */
async function rest<P>(loop: Loop<P>, attempt: number): Promise<void> {
  loop.stage = 'retrying'
  await pause(backOff(attempt, SHORTEST_PAUSE, LONGEST_PAUSE), loop.signal)
}

async function settleHalves<P>(loop: Loop<P>, { items, to, left }: Part<P>): Promise<void> {
  const middle = Math.ceil(items.length / 2)
  const second = items.slice(middle)
  await settle(loop, { items: items.slice(0, middle), to: second[0]?.recorded.position ?? to, left })
  await settle(loop, { items: second, to, left })
}

/** Whether a single event has failed for good, and parking is what to do about it. */
function isDone<P>(loop: Loop<P>, { items }: Part<P>, strikes: number): boolean {
  if (loop.shared.definition.poison === 'stop' || loop.parkedInARow >= MOST_PARKED_IN_A_ROW) return false
  return strikes >= MOST_STRIKES || items[0]?.decoded?.kind === 'unreadable'
}

async function park<P>(loop: Loop<P>, part: Part<P>, cause: unknown, strikes: number): Promise<void> {
  const [item] = part.items
  if (!item) return
  const key = keyToPark(loop, item)
  const { position } = item.recorded
  const error = summarize(cause)
  for (let attempt = 1; ; attempt += 1) {
    loop.signal.throwIfAborted()
    loop.stage = 'parking'
    try {
      await moveWith(loop, part.to, (connection) =>
        parkKey(connection, loop.cursor, { key, position, attempts: strikes, error }),
      )
      break
    } catch (failure) {
      loop.signal.throwIfAborted()
      noteTrouble(loop, failure, 'an event cannot be parked for now')
    }
    await rest(loop, attempt)
  }
  loop.parked.add(key)
  loop.parkedInARow += 1
  countParking(loop.cursor.consumer)
  const { consumer, partition } = loop.cursor
  loop.shared.logger.error(
    { consumer, partition, position, key, type: item.recorded.event.type, code: error.code },
    `an event cannot be applied; its key is parked until it is requeued: ${error.message}`,
  )
}

function keyToPark<P>(loop: Loop<P>, item: Item): string {
  const decoded = decode(item, loop.shared.definition.keyOf)
  return decoded.kind === 'readable' ? decoded.key : storedKey(item)
}
