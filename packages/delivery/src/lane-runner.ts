import { blameFor, type Delivered, summarize } from '@tributary/consumer'
import type { Connection } from '@tributary/database'
import type { Position } from '@tributary/event-log'
import { decodeEvent } from '@tributary/events'
import { pause } from '@tributary/runtime'
import type { Attempt } from './attempt.ts'
import { passageOf } from './batch.ts'
import { afterFailure, afterSettled, type Lane } from './lane.ts'
import { type HeldLane, nextCommit, type Partition } from './partition.ts'

/** What came of a lane's head: tried, not for this endpoint any more, not to be told yet, or never to be sent. */
type HeadResult =
  | { kind: 'tried'; attempt: Attempt; probe: boolean }
  | { kind: 'passed' }
  | { kind: 'later' }
  | { kind: 'unsendable'; reason: string }

/**
 * Sends what is set aside, until the partition is given up: due heads beside each other, and the events of a lane one
 * after another. `finishLanes` waits for what is then still under way.
 */
export async function runLanes(partition: Partition): Promise<void> {
  const { endpoint, owned, lanes } = partition
  const forget = endpoint.gate.onRecovery(() => hurry(partition))
  let lookTime = Date.now()
  try {
    while (!owned.signal.aborted) {
      const awake = new AbortController()
      partition.wake = () => awake.abort()
      for (const held of lanes.values()) if (isDue(held)) start(partition, held)
      await pause(untilNextDue(partition), AbortSignal.any([owned.signal, awake.signal]))
      if (Date.now() < lookTime) continue
      lookTime = Date.now() + endpoint.policy.resumeEvery
      await takeUpResumed(partition)
    }
  } finally {
    forget()
  }
}

/** Writes down what came of the requests under way; a batch may have left some after the lanes' own work had stopped. */
export async function finishLanes(partition: Partition): Promise<void> {
  const { lanes, running } = partition
  for (const held of lanes.values()) if (held.firstTry && !held.busy) start(partition, held)
  await Promise.all(running)
}

/** The endpoint is well again: nobody waits for a time that was set while it was not. */
function hurry(partition: Partition): void {
  for (const held of partition.lanes.values()) held.nextTime = 0
  partition.wake()
}

const isDue = ({ lane, nextTime, busy, firstTry }: HeldLane): boolean =>
  !busy && (firstTry !== undefined || (lane.state === 'retrying' && nextTime <= Date.now()))

function untilNextDue({ lanes, endpoint }: Partition): number {
  const times = [...lanes.values()].map(({ lane, nextTime, busy }) =>
    lane.state === 'blocked' ? Date.now() + endpoint.policy.resumeEvery : busy ? Number.POSITIVE_INFINITY : nextTime,
  )
  // A timer counts up to 2^31 milliseconds.
  return Math.min(Math.min(...times, Number.POSITIVE_INFINITY) - Date.now(), 2 ** 31 - 1)
}

function start(partition: Partition, held: HeldLane): void {
  held.busy = true
  const work = runLane(partition, held)
    .catch((error: unknown) => noteTrouble(partition, held, error))
    .finally(() => {
      held.busy = false
      partition.running.delete(work)
      partition.wake()
    })
  partition.running.add(work)
}

/** Sends the head and, as long as heads are settled, what waits behind it. */
async function runLane(partition: Partition, held: HeldLane): Promise<void> {
  while (!partition.owned.signal.aborted || held.firstTry) {
    const result = await resultOfHead(partition, held)
    if (result.kind === 'later') {
      held.nextTime = Date.now() + partition.endpoint.policy.again
      return
    }
    const goesOn = await write(partition, held, result)
    if (!goesOn) return
  }
}

async function resultOfHead(partition: Partition, held: HeldLane): Promise<HeadResult> {
  const { firstTry } = held
  if (!firstTry) return tryHead(partition, held)
  try {
    return { kind: 'tried', attempt: await firstTry, probe: false }
  } finally {
    held.firstTry = undefined
  }
}

async function tryHead(partition: Partition, { lane }: HeldLane): Promise<HeadResult> {
  const { endpoint, owned, over } = partition
  const permit = await endpoint.gate.enter('lane', owned.signal)
  let passage: ReturnType<typeof passageOf> | undefined
  try {
    const head = await readHead(partition, lane.head)
    if (!head) return { kind: 'unsendable', reason: 'event gone from the log' }
    const [route] = await endpoint.definition.route([head.event])
    if (route !== 'deliver') return { kind: route === 'later' ? 'later' : 'passed' }
    const [body = ''] = await endpoint.definition.bodies([head.event])
    const attempt = await endpoint.attempt(head, body, lane.attempts + 1, over.signal)
    passage = passageOf(lane.key, attempt)
    return { kind: 'tried', attempt, probe: permit.probe }
  } catch (error) {
    if (owned.signal.aborted || blameFor(error) === 'surroundings') throw error
    return { kind: 'unsendable', reason: summarize(error).code }
  } finally {
    permit.leave(passage)
  }
}

async function readHead({ log, place, over }: Partition, position: Position): Promise<Delivered | undefined> {
  const { events } = await log.read(place.topic, place.partition, position, { limit: 1, signal: over.signal })
  const [recorded] = events
  if (recorded?.position !== position) return undefined
  return { ...recorded, event: decodeEvent(recorded.event) }
}

/** Writes what came of the head; true when another event became the head. */
function write(partition: Partition, held: HeldLane, result: Exclude<HeadResult, { kind: 'later' }>): Promise<boolean> {
  if (result.kind === 'passed') return settle(partition, held, [])
  if (result.kind === 'unsendable') return keep(partition, held, { ...held.lane, state: 'blocked', reason: result.reason }, [])
  const { attempt, probe } = result
  if (attempt.outcome.kind === 'delivered') return settle(partition, held, [attempt])
  const { schedule } = partition.endpoint.policy
  return keep(partition, held, afterFailure(held.lane, attempt.outcome, { probe, now: Date.now(), schedule }), [attempt])
}

async function keep(partition: Partition, held: HeldLane, lane: Lane, attempts: readonly Attempt[]): Promise<false> {
  const { place, rows, logger } = partition
  await whenCommitted(partition, async (connection) => {
    if (!(await rows.update(connection, place, lane))) return undefined
    await rows.insertAttempts(connection, place, attempts)
    return true
  })
  held.lane = lane
  held.nextTime = lane.nextTime
  if (lane.state === 'blocked') {
    const { endpoint, topic, partition: number } = place
    logger.warn({ endpoint, topic, partition: number, position: lane.head, reason: lane.reason }, 'delivery blocked')
  }
  return false
}

/** Settles the head: the next in order takes its place, true, or the lane ends. */
async function settle(partition: Partition, held: HeldLane, attempts: readonly Attempt[]): Promise<boolean> {
  const { lanes, endpoint } = partition
  const end = await whenCommitted(partition, (connection) => settleInDatabase(connection, partition, held, attempts), {
    held,
    done(next) {
      held.events -= 1
      held.nextTime = 0
      endpoint.gate.countAside(-1)
      if (next === 'ended') lanes.delete(held.lane.key)
      else held.lane = next
    },
  })
  return end !== 'ended'
}

async function settleInDatabase(
  connection: Connection,
  { place, rows }: Partition,
  { lane, events }: HeldLane,
  attempts: readonly Attempt[],
): Promise<Lane | 'ended' | undefined> {
  const next = await rows.firstWaiting(connection, place, lane.key)
  if (next === undefined && events > 1) return undefined
  const after = next === undefined ? undefined : afterSettled(lane, next, Date.now())
  const isThere = after ? await rows.update(connection, place, after) : await rows.end(connection, place, lane.key)
  if (!isThere) return undefined
  await rows.insertAttempts(connection, place, attempts)
  if (after) await rows.deleteWaiting(connection, place, { key: lane.key, position: after.head })
  return after ?? 'ended'
}

/**
 * Runs a fenced transaction until it answers something: `undefined` says that rows it needs are not committed yet.
 * With `settling`, the batch side keeps off the lane during each try, and until `done` has changed it in memory.
 */
async function whenCommitted<T>(
  partition: Partition,
  work: (connection: Connection) => Promise<T | undefined>,
  settling?: { held: HeldLane; done(answer: T): void },
): Promise<T> {
  for (;;) {
    const attempt = async () => {
      const answer = await durably(partition, work)
      if (answer !== undefined) settling?.done(answer)
      return answer
    }
    const answer = settling ? await alone(settling.held, attempt) : await attempt()
    if (answer !== undefined) return answer
    await nextCommit(partition)
  }
}

/** Keeps the batch side from looking at the lane while `work` runs. */
async function alone<T>(held: HeldLane, work: () => Promise<T>): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<void>()
  held.settling = promise
  try {
    return await work()
  } finally {
    held.settling = undefined
    resolve()
  }
}

/** Runs a fenced transaction, again while the database is away: what was sent must not be sent again for that. */
async function durably<T>(partition: Partition, work: (connection: Connection) => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await partition.owned.fenced(work)
    } catch (error) {
      if (partition.over.signal.aborted || blameFor(error) === 'event') throw error
      await pause(DATABASE_PAUSE, partition.over.signal)
    }
  }
}

/** Milliseconds. */
const DATABASE_PAUSE = 500

function noteTrouble({ endpoint, owned, logger, place }: Partition, held: HeldLane, error: unknown): void {
  held.nextTime = Date.now() + endpoint.policy.again
  if (owned.signal.aborted) return
  const { name, code } = error as { name?: unknown; code?: unknown }
  logger.warn(
    { endpoint: place.endpoint, partition: place.partition, position: held.lane.head, name, code },
    'lane interrupted',
  )
}

/** Looks whether a person resumed a blocked lane. */
async function takeUpResumed(partition: Partition): Promise<void> {
  const { lanes, owned, place, rows } = partition
  const blocked = [...lanes.values()].filter(({ lane, busy }) => lane.state === 'blocked' && !busy)
  if (blocked.length === 0 || owned.signal.aborted) return
  const keys = blocked.map(({ lane }) => lane.key)
  try {
    for (const lane of await owned.fenced((connection) => rows.resumed(connection, place, keys))) {
      const held = lanes.get(lane.key)
      if (held) Object.assign(held, { lane, nextTime: lane.nextTime })
    }
  } catch (error) {
    partition.logger.debug({ endpoint: place.endpoint, code: summarize(error).code }, 'could not look for resumed lanes')
  }
}
