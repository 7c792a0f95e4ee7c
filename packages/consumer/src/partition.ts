/**
 * One partition in the hands of this member.
 *
 *   assigned    The cursor's epoch was bumped, so every older owner is fenced; then the position and the parked keys were
 *               read. → reading
 *   reading     Nothing in hand. The log brings the next slice. Without a wanted event it only moves `passed`, which a
 *               tick writes to the cursor later. → preparing
 *   preparing   Wanted events are decoded and `prepare` runs, while the parts before may still be applied: with
 *               `preparesAhead` as many small ones as make a full batch; else one full one, and at the end of the log
 *               none, because the log gets its answer only when this part has ended. → applying
 *   applying    One transaction: the fence moves the cursor, events of parked keys queue behind their key, `apply` writes
 *               the effects. → reading; an error of the surroundings, or the first few of a single event → retrying; an
 *               error of a part of several events: each half by itself → applying
 *   retrying    A pause that grows, with jitter; for ever if it must be. → applying
 *   parking     One transaction: the fence moves the cursor past the culprit, its key is parked with the culprit at the
 *               head of its queue. → reading. A requeued key is applied in a turn of its own between two parts.
 *   revoked     Reached from everywhere: the log takes the partition away, the consumer stops, or a fence missed. The
 *               transaction in hand ends; nothing else starts. What is not committed is the next owner's.
 *
 * Whatever moves the cursor or touches effects runs in turns, one after another, so no two transactions of one owner ever
 * meet; transactions of two owners meet at the cursor's row.
 */
import type { Position, RecordedEvent, Slice } from '@tributary/event-log'
import { backOff, pause } from '@tributary/runtime'
import { createAhead } from './ahead.ts'
import { prepareAhead } from './apply.ts'
import { takeOver } from './cursor.ts'
import { BATCH_BYTES, batchSizeOf, joinsBatches, type OwnedPartition } from './definition.ts'
import { itemOf } from './item.ts'
import { fencedWith, type Loop, moveTogether, noteTrouble, noticeEpoch, type Part, type Shared, type Stage } from './loop.ts'
import { loadParkedKeys, loadSkipped } from './parked.ts'
import { applyRequeued } from './requeued.ts'
import { settle } from './settle.ts'
import { createTurns, type Turns } from './turns.ts'

export type OwnedFigures = {
  stage: Stage
  /** The next position that may still have effects. */
  next: Position
  lastProgress: number
  parkedKeys: number
  trouble: { code: string; message: string; since: number } | undefined
}

export type Partition = {
  readonly start: Position
  /** Takes a slice, behind which at least so many events are left; resolves when the next may come. Throws when the partition is lost. */
  batch(slice: Slice, left: number): Promise<void>
  /** Resolves when the cursor stands behind everything that was given. Throws when the partition is lost. */
  drain(): Promise<void>
  /** Does what is due apart from batches: writes `passed` down, applies requeued keys. Cheap when nothing is. */
  tick(): void
  figures(): OwnedFigures
  /** Hears which epoch its cursor was seen to have. */
  notice(epoch: number): void
  /** Whether the fence missed: the log should give the partition to someone anew. */
  isLost(): boolean
  /** Aborts when the partition is lost, or ended. */
  readonly lost: AbortSignal
  /** Ends the turn in hand and drops the rest. Callable twice. */
  end(): Promise<void>
}

/** Takes a partition over. Throws DatabaseError, or what the definition's `assigned` throws; then it was not taken. */
export async function takePartition<P>(
  shared: Shared<P>,
  partition: number,
  options: { owner: string; signal: AbortSignal },
): Promise<Partition> {
  const { definition, database, now } = shared
  const name = { consumer: definition.name, topic: definition.topic, partition }
  const cursor = await takeOver(database, name, options.owner)
  const ending = new AbortController()
  const loop: Loop<P> = {
    shared,
    cursor,
    ending,
    signal: AbortSignal.any([options.signal, ending.signal]),
    parked: await loadParkedKeys(database, name),
    skipped: await loadSkipped(database, name, cursor.next),
    stage: 'assigned',
    passed: cursor.next,
    unheard: undefined,
    lastProgress: now(),
    trouble: undefined,
    parkedInARow: 0,
  }
  try {
    await definition.assigned?.(ownedPartition(loop))
  } catch (error) {
    ending.abort(error)
    throw error
  }
  return runPartition(loop)
}

function ownedPartition<P>(loop: Loop<P>): OwnedPartition {
  const { topic, partition } = loop.cursor
  return { topic, partition, signal: loop.signal, fenced: (work) => fencedWith(loop, work) }
}

function runPartition<P>(loop: Loop<P>): Partition {
  const types: ReadonlySet<string> = new Set(loop.shared.definition.types)
  const fullSlice = batchSizeOf(loop.shared.definition)
  const isAlwaysAhead = loop.shared.definition.preparesAhead === true
  const turns = createTurns(loop)
  const { batchBytes: bytes = BATCH_BYTES } = loop.shared.definition
  const ahead = createAhead<P>({
    events: isAlwaysAhead ? fullSlice : 0,
    bytes,
    areJoined: joinsBatches(loop.shared.definition),
  })
  let read = loop.cursor.next
  let ended: Promise<void> | undefined

  const batch = async (slice: Slice, left: number): Promise<void> => {
    loop.ending.signal.throwIfAborted()
    if (loop.signal.aborted) return
    // A log may hand out again what it handed out before; positions tell.
    const isWanted = ({ position, event }: RecordedEvent) =>
      position >= read && types.has(event.type) && !loop.skipped.has(position)
    const items = slice.events.filter(isWanted).map(itemOf)
    if (slice.next <= read) return
    read = slice.next
    if (items.length === 0) return passOver(loop, slice.next, turns.isIdle())
    const part: Part<P> = { items, to: slice.next, left }
    if (turns.isIdle()) loop.stage = 'preparing'
    await prepareAhead(loop, part)
    loop.ending.signal.throwIfAborted()
    turns.add(
      async () => {
        const joined = ahead.take(part)
        if (joined) await settle(loop, joined)
      },
      () => part.prepared !== undefined,
    )
    ahead.add(part, turns.last())
    // At the end of the log there is nothing to read ahead: what comes while a batch is applied shares the next.
    const mayGoOn = isWholeAhead(part) && (isAlwaysAhead || slice.events.length >= fullSlice)
    await (mayGoOn ? ahead.room() : turns.last())
    loop.ending.signal.throwIfAborted()
  }

  const drain = async (): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      await turns.last()
      loop.signal.throwIfAborted()
      if (loop.passed === loop.cursor.next) return
      if (attempt > 1) await pause(backOff(attempt, 100, 10_000), loop.signal)
      turns.add(() => writePassed(loop))
    }
  }

  const end = async (): Promise<void> => {
    loop.ending.abort(new Error('The partition was revoked.'))
    await turns.last()
    loop.stage = 'revoked'
    await loop.shared.definition.revoked?.(loop.cursor.partition)
  }

  return {
    start: loop.cursor.next,
    batch,
    drain,
    tick: () => tick(loop, turns),
    figures: () => figuresOf(loop, turns.isIdle()),
    notice: (epoch) => noticeEpoch(loop, epoch),
    lost: loop.ending.signal,
    isLost: () => ended === undefined && loop.ending.signal.aborted,
    end: () => {
      ended ??= end()
      return ended
    },
  }
}

/** Events without effects need no transaction of their own: many slices of them share the next move of the cursor. */
function passOver<P>(loop: Loop<P>, next: Position, isIdle: boolean): void {
  loop.passed = next
  if (isIdle) loop.lastProgress = loop.shared.now()
}

function tick<P>(loop: Loop<P>, turns: Turns): void {
  if (loop.parked.size === 0 && (!turns.isIdle() || loop.passed === loop.cursor.next)) return
  turns.addOnce(async () => {
    await writePassed(loop)
    return loop.parked.size > 0 && (await applyRequeued(loop))
  })
}

const nothing = async (): Promise<void> => {}

/**
 * Whether all of a part is prepared. What is not, because it could not be or waits behind its parked key, is prepared in its turn, and by
 * then the key may not be parked any more. So nothing may be prepared past it, for that may send.
 */
const isWholeAhead = <P>({ items, prepared }: Part<P>): boolean => prepared?.run.length === items.length

async function writePassed<P>(loop: Loop<P>): Promise<void> {
  if (loop.passed === loop.cursor.next) return
  loop.unheard ??= loop.passed
  try {
    // Every partition of every consumer comes here at about the same time.
    await moveTogether(loop, loop.unheard, { before: nothing, together: nothing, prepared: [], events: 0 })
  } catch (error) {
    loop.signal.throwIfAborted()
    noteTrouble(loop, error, 'the cursor cannot be moved for now')
  }
}

function figuresOf<P>({ stage, cursor, passed, lastProgress, parked, trouble }: Loop<P>, isIdle: boolean): OwnedFigures {
  return { stage, next: isIdle ? passed : cursor.next, lastProgress, parkedKeys: parked.size, trouble }
}
