import { setTimeout as wait } from 'node:timers/promises'
import type { Connection, Database } from '@tributary/database'
import type { Position } from '@tributary/event-log'
import { currentTraceparent, detached, inSpan, isSameTrace, traceFrom } from '@tributary/runtime'
import { moveCursors, type OwnedCursor } from './cursor.ts'

/** A move of a cursor over so many `events`, with its effects: `before`, and then what `together` makes of `prepared`. */
export type Move<P = unknown> = {
  cursor: OwnedCursor
  to: Position
  events: number
  before(connection: Connection): Promise<void>
  /** The function tells which moves have effects of one kind. */
  together(connection: Connection, prepared: readonly P[]): Promise<void>
  prepared: readonly P[]
}

export type CommitGroup = {
  /** Resolves when the move is durable. Throws DatabaseError, what the effects throw, and ConsumerError CONSUMER_FENCED. */
  move<P>(move: Move<P>): Promise<void>
}

type Waiting = Move & { traceparent: string | undefined; resolve(): void; reject(error: unknown): void }

/**
 * Milliseconds that a group waits for company. Few wait for it: what was sent, or passed over, is written down afterwards, and
 * events go on being sent meanwhile. Only an event that goes behind others of its key, and a consumer that stops, take so much longer.
 * 25 were tried: a delivery at 2,000/s took some 6 of 100 less processor time, the slowest of a hundred were no faster, and what waited
 * took 14 MB.
 */
const LINGER = 10
/** Moves in one transaction. */
const MOST_MOVES = 64
/** Events of a move that gains by company: one with more pays for its commit itself, and would keep the small ones waiting. */
const MOST_EVENTS = 32

const sent = new WeakMap<Database, CommitGroup>()
const kept = new WeakMap<Database, CommitGroup>()

/**
 * The group in which consumers of a database in this process commit together: one for those whose effects happen before, in `prepare`,
 * and one for those that keep tables, whose statements the former should not wait for.
 */
export function commitGroupOf(database: Database, preparesAhead: boolean): CommitGroup {
  const groups = preparesAhead ? sent : kept
  const known = groups.get(database) ?? createCommitGroup(database)
  groups.set(database, known)
  return known
}

/**
 * Commits what comes while a transaction is under way in the next one: at the head of the log, where every batch is small,
 * a commit and its statements are shared by all partitions of all endpoints.
 *
 *   waiting   Came while a transaction was under way, or a moment before one. → together
 *   together  One transaction moves all cursors with one statement, and writes all effects. → done; whatever goes wrong,
 *             a cursor that was fenced or a row that stays locked: nothing happened. → alone
 *   alone     Each in a transaction of its own, at the same time as the next group: what is wrong with one shows there, and
 *             is its own. Large moves begin here.
 */
function createCommitGroup(database: Database): CommitGroup {
  const waiting: Waiting[] = []
  let isUnderWay = false

  const run = async (): Promise<void> => {
    isUnderWay = true
    while (waiting.length > 0) {
      if (waiting.length < MOST_MOVES) await wait(LINGER)
      await commit(database, waiting.splice(0, MOST_MOVES))
    }
    isUnderWay = false
  }
  return {
    move: (given) =>
      new Promise((resolve, reject) => {
        const move = { ...(given as Move), traceparent: currentTraceparent(), resolve, reject }
        if (move.events > MOST_EVENTS) return void commitAlone(database, move)
        waiting.push(move)
        if (!isUnderWay) void detached(run)
      }),
  }
}

/** Never throws, and waits for nobody who is held up. */
async function commit(database: Database, group: readonly Waiting[]): Promise<void> {
  try {
    await inSpan('commit together', traceOf(group), () =>
      database.transaction((connection) => apply(connection, group), { attempts: 1, hurried: true }),
    )
    for (const { resolve } of group) resolve()
  } catch {
    for (const move of group) void commitAlone(database, move)
  }
}

const commitAlone = (database: Database, move: Waiting): Promise<void> =>
  inSpan('commit', traceOf([move]), () => database.transaction((connection) => apply(connection, [move]))).then(
    move.resolve,
    move.reject,
  )

async function apply(connection: Connection, group: readonly Waiting[]): Promise<void> {
  await moveCursors(connection, group)
  for (const { before } of group) await before(connection)
  for (const [together, moves] of Map.groupBy(group, (move) => move.together)) {
    const prepared = moves.flatMap((move) => move.prepared)
    await inSpan('apply', traceOf(moves), () => together(connection, prepared))
  }
}

/** What several consumers do with one event goes on in its trace; what is done for several events has one of its own, linked to theirs. */
function traceOf(moves: readonly Waiting[]): ReturnType<typeof traceFrom> {
  const traceparents = moves.flatMap(({ traceparent }) => traceparent ?? [])
  const [first = ''] = traceparents
  const sources = traceparents.every((other) => isSameTrace(other, first)) ? traceparents.slice(0, 1) : traceparents
  return traceFrom(sources.map((traceparent) => ({ traceparent, time: Date.now() })))
}
