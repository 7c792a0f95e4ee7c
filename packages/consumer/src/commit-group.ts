import { setTimeout as wait } from 'node:timers/promises'
import type { Connection, Database } from '@tributary/database'
import type { Position } from '@tributary/event-log'
import { pause } from '@tributary/runtime'
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

type Waiting = Move & { resolve(): void; reject(error: unknown): void }

/**
 * Milliseconds that a group waits for company. Few wait for it: what was sent, or passed over, is written down afterwards, and
 * events go on being sent meanwhile. Only an event that goes behind others of its key, and a consumer that stops, take so much longer.
 */
const LINGER = 10
/** Moves in one transaction. */
const MOST_MOVES = 64
/** Events of a move that gains by company: one with more pays for its commit itself, and would keep the small ones waiting. */
const MOST_EVENTS = 32
/** Seconds that a group waits for a lock of a row; whoever holds it up goes on alone. MySQL counts in whole ones. */
const LOCK_PATIENCE = 1

const groups = new WeakMap<Database, CommitGroup>()

/** The group of all consumers of a database in this process that commit together. */
export function commitGroupOf(database: Database): CommitGroup {
  const known = groups.get(database) ?? createCommitGroup(database)
  groups.set(database, known)
  return known
}

/**
 * Commits what comes while a transaction is under way in the next one: at the head of the log, where every batch is small,
 * a commit and its five statements are shared by all partitions of all endpoints.
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
        const move = { ...(given as Move), resolve, reject }
        if (move.events > MOST_EVENTS) return void commitAlone(database, move)
        waiting.push(move)
        if (!isUnderWay) void run()
      }),
  }
}

/** Never throws, and waits for nobody who is held up. */
async function commit(database: Database, group: readonly Waiting[]): Promise<void> {
  const [first] = group
  // Short waits for locks cost two statements. One that comes alone is left to itself instead, should it take long.
  if (first && group.length === 1) return await awhile(commitAlone(database, first))
  try {
    await database.transaction((connection) => impatiently(connection, () => apply(connection, group)), { attempts: 1 })
    for (const { resolve } of group) resolve()
  } catch {
    for (const move of group) void commitAlone(database, move)
  }
}

const commitAlone = (database: Database, move: Waiting): Promise<void> =>
  database.transaction((connection) => apply(connection, [move])).then(move.resolve, move.reject)

/** Resolves when the work ends, or after so long as a lock is waited for. */
async function awhile(work: Promise<void>): Promise<void> {
  const ended = new AbortController()
  void work.then(() => ended.abort(ENDED))
  await pause(LOCK_PATIENCE * 1_000, ended.signal)
}

/** A reason made once: an abort without one makes an error with a stack each time. */
const ENDED = new Error('The work has ended.')

/** Does its work with short waits for locks, and leaves the session as it was. */
async function impatiently(connection: Connection, work: () => Promise<void>): Promise<void> {
  await connection.query(`SET SESSION innodb_lock_wait_timeout = ${LOCK_PATIENCE}`)
  try {
    await work()
  } finally {
    // A connection that is gone takes its settings with it.
    await connection.query('SET SESSION innodb_lock_wait_timeout = DEFAULT').catch(() => {})
  }
}

async function apply(connection: Connection, group: readonly Move[]): Promise<void> {
  await moveCursors(connection, group)
  for (const { before } of group) await before(connection)
  for (const [together, moves] of Map.groupBy(group, (move) => move.together))
    await together(
      connection,
      moves.flatMap(({ prepared }) => prepared),
    )
}
