import { blameFor, type Delivered, summarize } from '@tributary/consumer'
import type { Position } from '@tributary/event-log'
import { decodeEvent } from '@tributary/events'
import { pause } from '@tributary/runtime'
import type { Attempt } from './attempt.ts'
import { passageOf } from './batch.ts'
import { afterFailure, type Lane } from './lane.ts'
import { keepHead, settleHead } from './lane-writer.ts'
import { dueTimeOf, type HeldLane, type Partition } from './partition.ts'
import { isBeforeReplay } from './replay.ts'

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
  let lookTime = performance.now()
  try {
    while (!owned.signal.aborted) {
      const awake = new AbortController()
      partition.wake = () => awake.abort(WOKEN)
      for (const held of lanes.values()) if (isDue(held)) start(partition, held)
      await pause(untilNextDue(partition), AbortSignal.any([owned.signal, awake.signal]))
      if (performance.now() < lookTime) continue
      lookTime = performance.now() + endpoint.policy.resumeEvery
      await takeUpChanged(partition)
    }
  } finally {
    forget()
  }
}

/** A reason made once: an abort without one makes an error with a stack each time. */
const WOKEN = new Error('Something changed.')

/** Writes down what came of the requests under way; a batch may have left some after the lanes' own work had stopped. */
export async function finishLanes(partition: Partition): Promise<void> {
  const { lanes, running } = partition
  for (const held of lanes.values()) if (held.firstTry && !held.busy) start(partition, held)
  await Promise.all(running)
}

/** The endpoint is well again: nobody waits for a time that was set while it was not. */
function hurry(partition: Partition): void {
  for (const held of partition.lanes.values()) held.dueTime = 0
  partition.wake()
}

const isDue = ({ lane, dueTime, busy, firstTry }: HeldLane): boolean =>
  !busy && (firstTry !== undefined || (lane.state !== 'blocked' && dueTime <= performance.now()))

function untilNextDue({ lanes, endpoint }: Partition): number {
  const idle = [...lanes.values()].filter(({ busy }) => !busy)
  // A timer counts up to 2^31 milliseconds.
  if (idle.length === 0) return 2 ** 31 - 1
  const times = idle.map(({ lane, dueTime }) => (lane.state === 'blocked' ? Number.POSITIVE_INFINITY : dueTime))
  return Math.min(Math.min(...times) - performance.now(), endpoint.policy.resumeEvery)
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
    const reason = givenUpFor(held)
    if (reason !== undefined) {
      if (!(await settleHead(partition, held, [], { givenUp: reason }))) return
      continue
    }
    held.isGivenUp = false
    const result = await resultOfHead(partition, held)
    if (result.kind === 'later') {
      held.dueTime = performance.now() + partition.endpoint.policy.again
      return
    }
    const goesOn = await write(partition, held, result)
    if (!goesOn) return
  }
}

/** Why the head is given up without another try, if it is. */
function givenUpFor({ lane, isGivenUp, events }: HeldLane): string | undefined {
  if (lane.state === 'skipped') return lane.reason
  return isGivenUp && events > 1 ? 'superseded' : undefined
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
  const { endpoint, owned, over, laneTurn } = partition
  const permit = await endpoint.gate.enter('lane', owned.signal)
  let passage: ReturnType<typeof passageOf> | undefined
  try {
    // With the permit in hand: while lanes wait, the gate keeps fresh events behind them.
    await laneTurn(owned.signal)
    const head = await readHead(partition, lane.head)
    if (!head) return { kind: 'unsendable', reason: 'event gone from the log' }
    const [route] = await endpoint.definition.route([head.event])
    if (route !== 'deliver') return { kind: route === 'later' ? 'later' : 'passed' }
    const [body = ''] = await endpoint.definition.bodies([head.event])
    const isReplay = isBeforeReplay(partition.replay, head.position)
    const attempt = await endpoint.attempt(head, body, { attempt: lane.attempts + 1, isReplay, signal: over.signal })
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
  if (result.kind === 'passed') return settleHead(partition, held, [], 'given-back')
  if (result.kind === 'unsendable')
    return writeUndelivered(partition, held, { ...held.lane, state: 'blocked', reason: result.reason }, [])
  const { attempt, probe } = result
  if (attempt.outcome.kind === 'delivered') return settleHead(partition, held, [attempt], 'delivered')
  const { schedule } = partition.endpoint.policy
  const lane = afterFailure(held.lane, attempt.outcome, { probe, now: Date.now(), schedule })
  return writeUndelivered(partition, held, lane, [attempt])
}

/** A lane that would be blocked goes on, at endpoints that rather miss an event than wait for a person. */
function writeUndelivered(partition: Partition, held: HeldLane, lane: Lane, attempts: readonly Attempt[]): Promise<boolean> {
  const { exhausted } = partition.endpoint.policy
  if (lane.state !== 'blocked' || exhausted === 'block') return keepHead(partition, held, lane, attempts)
  held.isGivenUp = exhausted === 'latest'
  return settleHead(partition, held, attempts, { givenUp: lane.reason })
}

function noteTrouble({ endpoint, owned, logger, place }: Partition, held: HeldLane, error: unknown): void {
  held.dueTime = performance.now() + endpoint.policy.again
  if (owned.signal.aborted) return
  const { code, message } = summarize(error)
  const { endpoint: name, partition } = place
  logger.warn({ endpoint: name, partition, position: held.lane.head, code }, `a lane was interrupted: ${message}`)
}

/** Looks whether a person wants a head tried now, or skipped. */
async function takeUpChanged(partition: Partition): Promise<void> {
  const { lanes, owned, place, rows } = partition
  if (lanes.size === 0 || owned.signal.aborted) return
  try {
    for (const lane of await owned.fenced((connection) => rows.due(connection, place, Date.now()))) {
      const held = lanes.get(lane.key)
      if (held && !held.busy && !held.firstTry && isChanged(held.lane, lane))
        Object.assign(held, { lane, dueTime: dueTimeOf(lane) })
    }
  } catch (error) {
    partition.logger.debug({ endpoint: place.endpoint, code: summarize(error).code }, 'could not look for changed lanes')
  }
}

/** Whether somebody else changed a row. One that was read before our own last write has other attempts, or another head. */
const isChanged = (written: Lane, row: Lane): boolean =>
  row.head === written.head &&
  row.attempts === written.attempts &&
  (row.state !== written.state || row.nextTime < written.nextTime)
