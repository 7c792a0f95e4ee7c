import type { Connection, Database } from '@tributary/database'
import type { EventLog, Position } from '@tributary/event-log'
import type { Logger } from '@tributary/runtime'
import { type ErrorSummary, summarize } from './blame.ts'
import { commitGroupOf, type Move } from './commit-group.ts'
import { fencedFrom, moveCursor, type OwnedCursor, positionInOurEpoch, proveOwnership } from './cursor.ts'
import type { ConsumerDefinition } from './definition.ts'
import { ConsumerError } from './errors.ts'
import type { Item } from './item.ts'
import { countFence } from './measure.ts'
import type { Counts } from './progress.ts'

/** Where a partition stands in its life; the machine is told in `partition.ts`. */
export type Stage = 'assigned' | 'reading' | 'preparing' | 'applying' | 'retrying' | 'parking' | 'revoked'

/** What all partitions of one running consumer share. */
export type Shared<Prepared> = {
  readonly definition: ConsumerDefinition<Prepared>
  readonly database: Database
  readonly log: EventLog
  readonly logger: Logger
  readonly counts: Counts
  readonly now: () => number
}

/** One partition, from take-over to loss. Only one function at a time works on it, in turns. */
export type Loop<Prepared> = {
  readonly shared: Shared<Prepared>
  readonly cursor: OwnedCursor
  /** Aborts when the partition is taken away, the consumer stops, or the fence told us that we lost it. */
  readonly signal: AbortSignal
  readonly ending: AbortController
  /** Keys that are parked; changes only after the transaction that changed the table. */
  readonly parked: Set<string>
  /** Of what was ahead when the partition was taken, the events that an operator skipped: they are passed over. */
  readonly skipped: ReadonlySet<Position>
  stage: Stage
  /** How far we read without finding anything to do; at or beyond `cursor.next`. */
  passed: Position
  /** Where a move without effects may have put the cursor, of which we have not heard. */
  unheard: Position | undefined
  /** When the partition last came forward, milliseconds since 1970. */
  lastProgress: number
  /** What keeps it from coming forward. */
  trouble: (ErrorSummary & { since: number }) | undefined
  /** Keys parked since an event was last applied. */
  parkedInARow: number
}

/** Consecutive events with effects, the position after them, and how many at least are left behind that. `prepared` is for exactly the events in `run`, in one or several pieces. */
export type Part<Prepared> = {
  readonly items: readonly Item[]
  readonly to: Position
  readonly left: number
  prepared?: { run: readonly Item[]; values: readonly Prepared[] } | undefined
}

/**
 * Runs `work`, which applies `prepared`, in the transaction that moves the cursor to `to`. Once it returns, the move is durable
 * and noted. Throws what `work` throws, and ConsumerError CONSUMER_FENCED after giving the partition up.
 */
export function moveWith<P>(
  loop: Loop<P>,
  to: Position,
  work: (connection: Connection) => Promise<void>,
  prepared: readonly P[] = [],
): Promise<void> {
  return noteMoved(loop, to, prepared, () =>
    loop.shared.database.transaction(async (connection) => {
      await moveCursor(connection, loop.cursor, to)
      await work(connection)
    }),
  )
}

/** Moves the cursor in a transaction that others share, where the definition allows that. Throws like `moveWith`. */
export function moveTogether<P>(
  loop: Loop<P>,
  to: Position,
  effects: Pick<Move<P>, 'before' | 'events' | 'together' | 'prepared'>,
): Promise<void> {
  return noteMoved(loop, to, effects.prepared, () =>
    commitGroupOf(loop.shared.database, loop.shared.definition.preparesAhead === true).move({
      ...effects,
      cursor: loop.cursor,
      to,
    }),
  )
}

async function noteMoved<P>(loop: Loop<P>, to: Position, prepared: readonly P[], move: () => Promise<void>): Promise<void> {
  const { database } = loop.shared
  try {
    await move()
  } catch (error) {
    if (!isFence(error)) throw error
    // A connection lost in COMMIT leaves open whether it happened. In our own epoch only we move the cursor, so if it
    // stands at `to` already, an earlier try of this same work did.
    const position = await positionInOurEpoch(database, loop.cursor)
    if (position !== to) {
      if (position === undefined || position !== loop.unheard) throw lose(loop, error)
      noteMove(loop, position, [])
      return await noteMoved(loop, to, prepared, move)
    }
  }
  noteMove(loop, to, prepared)
}

/** Runs `work` in a transaction that proves ownership but leaves the cursor. Throws like `moveWith`. */
export async function fencedWith<P, T>(loop: Loop<P>, work: (connection: Connection) => Promise<T>): Promise<T> {
  try {
    return await loop.shared.database.transaction(async (connection) => {
      await proveOwnership(connection, loop.cursor)
      return work(connection)
    })
  } catch (error) {
    if (isFence(error)) throw lose(loop, error)
    throw error
  }
}

/** Gives the partition up when `epoch`, which its cursor was seen to have, is that of a later owner. */
export function noticeEpoch<P>(loop: Loop<P>, epoch: number): void {
  if (epoch > loop.cursor.epoch) lose(loop, fencedFrom(loop.cursor))
}

/** Notes what keeps the partition from coming forward, and says so in the log the first time. */
export function noteTrouble<P>(loop: Loop<P>, error: unknown, message: string): void {
  const { shared, cursor, trouble } = loop
  const summary = summarize(error)
  loop.trouble = { ...summary, since: trouble?.since ?? shared.now() }
  if (trouble?.code !== summary.code)
    shared.logger.warn(
      { consumer: cursor.consumer, partition: cursor.partition, code: summary.code },
      `${message}: ${summary.message}`,
    )
}

const isFence = (error: unknown): error is ConsumerError => error instanceof ConsumerError && error.code === 'CONSUMER_FENCED'

/** Gives the partition up, once; answers the error for its caller to throw. */
function lose<P>(loop: Loop<P>, error: ConsumerError): ConsumerError {
  if (!loop.signal.aborted) {
    loop.shared.counts.fences += 1
    countFence(loop.cursor.consumer)
    const { consumer, partition, epoch } = loop.cursor
    loop.shared.logger.warn({ consumer, partition, epoch }, 'another member took this partition over; it is dropped here')
    loop.ending.abort(error)
  }
  return error
}

function noteMove<P>(loop: Loop<P>, to: Position, prepared: readonly P[]): void {
  const { shared, cursor } = loop
  cursor.next = to
  loop.unheard = undefined
  loop.passed = Math.max(loop.passed, to)
  loop.lastProgress = shared.now()
  loop.trouble = undefined
  shared.counts.lastCommitTime = loop.lastProgress
  for (const one of prepared.length === 0 ? [undefined] : prepared) shared.definition.committed?.(cursor.partition, to, one)
}
