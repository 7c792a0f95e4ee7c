import type { Delivered } from '@tributary/consumer'
import type { Connection } from '@tributary/database'
import type { Attempt } from './attempt.ts'
import type { Passage, Permit } from './gate.ts'
import { afterFailure, type Lane, untriedLane } from './lane.ts'
import type { WaitingRow } from './lane-rows.ts'
import { isEndpoints } from './outcome.ts'
import { type HeldLane, hold, keyOf, laneAtRest, type Partition } from './partition.ts'
import { placed } from './place.ts'
import { isBeforeReplay, isReplayed } from './replay.ts'
import { givenBack, type Routed, type Routing, type RoutingChange, routingChanges } from './routing.ts'

/** What came of a batch: the rows to write with the cursor. */
export type SentBatch = {
  partition: Partition
  attempts: Attempt[]
  lanes: Lane[]
  waiting: WaitingRow[]
  routed: Routed[]
  /** Its events were parked, and the cursor has passed them. */
  isRequeued: boolean
  /** What its transaction, or the latest try of it, recorded. */
  routings: RoutingChange[]
}

/** How a batch is sent: until `signal` aborts, and each request only after its `turn`, where it has to wait for that. */
export type Way = {
  signal: AbortSignal
  turn: ((signal: AbortSignal) => Promise<void>) | undefined
  /** The events were parked before. */
  isRequeued: boolean
}

/** A fresh event on its way: where it goes and, once rendered, its body. */
type Fresh = { delivered: Delivered; isRouted: boolean; body: { text: string; time: number } | undefined }

/**
 * Sends a batch: keys beside each other, the events of a key one after another. Resolves when each event was
 * delivered or set aside. Holds while the endpoint fails as a whole or has too much set aside. When `signal` aborts,
 * what was not sent is set aside, unless the endpoint fails: then this throws the signal's reason and nothing moves.
 */
export async function sendBatch(partition: Partition, events: readonly Delivered[], way: Way): Promise<SentBatch> {
  const { isRequeued } = way
  const sent: SentBatch = { partition, attempts: [], lanes: [], waiting: [], routed: [], isRequeued, routings: [] }
  const fresh = await routeAndRender(partition, sent, events)
  if (fresh.length === 0) return sent
  const giveBackRoom = await partition.endpoint.gate.room(fresh.length, way.signal)
  try {
    const keys = Map.groupBy(fresh, ({ delivered }) => keyOf(partition, delivered))
    const ends = await Promise.allSettled([...keys].map(([key, list]) => sendKey(partition, sent, key, list, way)))
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  } finally {
    giveBackRoom()
  }
  if (sent.lanes.length > 0) partition.wake()
  return sent
}

/** Writes a batch's rows; in the transaction that moves the cursor. */
export const writeBatch = (connection: Connection, batch: SentBatch): Promise<void> => writeBatches(connection, [batch])

/** Writes the rows of batches of any endpoints, in the transaction that moves their cursors: one statement a table. */
export async function writeBatches(connection: Connection, batches: readonly SentBatch[]): Promise<void> {
  for (const [{ routing }, of] of Map.groupBy(batches, ({ partition }) => partition)) if (routing) tellRoutings(routing, of)
  for (const [rows, of] of Map.groupBy(batches, ({ partition }) => partition.rows)) {
    const all = <T>(items: (batch: SentBatch) => readonly T[]) =>
      of.flatMap((batch) => placed(batch.partition.place, items(batch)))
    await rows.insertAttempts(
      connection,
      all(({ attempts }) => attempts),
    )
    await rows.insertLanes(
      connection,
      all(({ lanes }) => lanes),
    )
    await rows.insertWaiting(
      connection,
      all(({ waiting }) => waiting),
    )
    await rows.writeRoutings(
      connection,
      all(({ routings }) => routings),
    )
  }
}

/** What batches of a partition, in order, change together is told with the first. */
function tellRoutings(routing: Routing, [first, ...others]: readonly SentBatch[]): void {
  if (!first) return
  const routed = [first, ...others].flatMap((batch) => batch.routed)
  first.routings = first.isRequeued ? givenBack(routed) : routingChanges(routing, routed)
  for (const batch of others) batch.routings = []
}

/** Asks for every route and renders what will be sent at once, before anything is sent: a throw here sends nothing. */
async function routeAndRender(partition: Partition, sent: SentBatch, events: readonly Delivered[]): Promise<Fresh[]> {
  const { definition } = partition.endpoint
  const { replay, routing } = partition
  const given = replay ? events.filter(({ position, event }) => isReplayed(replay, position, event.partitionkey)) : events
  const routes = await definition.route(given.map(({ event }) => event))
  if (routing)
    sent.routed = given.map(({ position, event }, index) => {
      return { position, routedBy: definition.routedBy?.(event), route: routes[index] ?? 'later' }
    })
  const fresh = given.flatMap((delivered, index): Fresh[] =>
    routes[index] === 'pass' ? [] : [{ delivered, isRouted: routes[index] === 'deliver', body: undefined }],
  )
  const soon = fresh.filter(({ delivered, isRouted }) => isRouted && !partition.lanes.has(keyOf(partition, delivered)))
  const time = performance.now()
  const texts = soon.length === 0 ? [] : await definition.bodies(soon.map(({ delivered }) => delivered.event))
  for (const [index, text] of texts.entries()) Object.assign(soon[index] ?? {}, { body: { text, time } })
  return fresh
}

/** Sends the events of a key in order, up to the first that does not get through; that one and the rest are set aside. */
async function sendKey(partition: Partition, sent: SentBatch, key: string, list: Fresh[], way: Way): Promise<void> {
  for (const [index, fresh] of list.entries()) {
    // Before the lane: when a batch comes again, what it delivered must not wait behind what then failed.
    const before = partition.delivered.get(fresh.delivered.position)
    if (before) {
      sent.attempts.push(before)
      continue
    }
    const rest = list.slice(index).map(({ delivered }) => delivered)
    const held = await laneAtRest(partition, key)
    if (held) return joinLane(partition, sent, held, rest)
    const tried = await tryFresh(partition, sent, fresh, way)
    if (tried.kind !== 'delivered') return joinLane(partition, sent, makeLane(partition, fresh.delivered, tried), rest)
  }
}

/** What came of trying a fresh event. `broken` is trouble of ours, or a stop: nothing is known about the receiver. */
type Tried = { kind: 'delivered' } | Undelivered
type Undelivered =
  | { kind: 'failed'; attempt: Attempt }
  | { kind: 'slow'; firstTry: Promise<Attempt> }
  | { kind: 'later' }
  | { kind: 'broken' }

async function tryFresh(partition: Partition, sent: SentBatch, fresh: Fresh, way: Way): Promise<Tried> {
  if (!fresh.isRouted) return { kind: 'later' }
  try {
    return await tryUntilTold(partition, sent, fresh, way)
  } catch (error) {
    // To set a whole batch aside at each stop while the endpoint fails would fill the table.
    if (way.signal.aborted && partition.endpoint.gate.view().state !== 'open') throw error
    return { kind: 'broken' }
  }
}

/** Tries an event until that says something about its key: a failed probe of a failing endpoint does not, nor one that did not reach it. */
async function tryUntilTold(partition: Partition, sent: SentBatch, fresh: Fresh, way: Way): Promise<Tried> {
  const { gate, policy } = partition.endpoint
  for (let number = 1; ; number += 1) {
    await way.turn?.(way.signal)
    const permit = await gate.enter('fresh', way.signal)
    const trying = tryOnce(partition, fresh, number, permit)
    if (!(await settlesWithin(policy.patience, trying)) && permit.moveAside()) return { kind: 'slow', firstTry: trying }
    const attempt = await trying
    sent.attempts.push(attempt)
    if (attempt.outcome.kind === 'delivered') {
      partition.delivered.set(attempt.position, attempt)
      return { kind: 'delivered' }
    }
    if (!permit.probe && !isEndpoints(attempt.outcome)) return { kind: 'failed', attempt }
  }
}

async function tryOnce(partition: Partition, fresh: Fresh, number: number, permit: Permit): Promise<Attempt> {
  let passage: Passage | undefined
  try {
    const body = await bodyOf(partition, fresh)
    const isReplay = isBeforeReplay(partition.replay, fresh.delivered.position)
    const sending = { attempt: number, isReplay, signal: partition.over.signal }
    const attempt = await partition.endpoint.attempt(fresh.delivered, body, sending)
    passage = passageOf(keyOf(partition, fresh.delivered), attempt)
    return attempt
  } finally {
    permit.leave(passage)
  }
}

/** Whether `work` ends, well or not, within `milliseconds`. */
function settlesWithin(milliseconds: number, work: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), milliseconds)
    const ended = () => {
      clearTimeout(timer)
      resolve(true)
    }
    work.then(ended, ended)
  })
}

/** How an attempt went, for the gate. */
export function passageOf(key: string, { outcome }: Attempt): Passage {
  const { kind, reason, status } = outcome
  return {
    key,
    delivered: kind === 'delivered',
    reason,
    isEndpoints: isEndpoints(outcome),
    retryAfter: kind === 'throttled' ? outcome.retryAfter : undefined,
    // A 500 or a 400 is about its event; these are about how much there is to do.
    overload:
      kind === 'throttled' || kind === 'timed-out' || status === 502 || status === 504 || (kind === 'failed' && status === 0),
  }
}

async function bodyOf({ endpoint }: Partition, fresh: Fresh): Promise<string> {
  if (fresh.body && performance.now() - fresh.body.time < endpoint.policy.freshness) return fresh.body.text
  const time = performance.now()
  const [text = ''] = await endpoint.definition.bodies([fresh.delivered.event])
  fresh.body = { text, time }
  return text
}

/** Makes the lane of a key, with the event that did not get through as its head. */
function makeLane(partition: Partition, head: Delivered, tried: Undelivered): HeldLane {
  const lane = laneAfter(partition, head, tried)
  const held = hold(partition, { lane, last: head.position, events: 1, isWritten: false })
  if (tried.kind === 'slow') held.firstTry = tried.firstTry
  return held
}

const REASONS = { slow: 'no answer yet', later: 'seller unknown', broken: 'not sent', failed: '' } as const

function laneAfter(partition: Partition, head: Delivered, tried: Undelivered): Lane {
  const { again, schedule } = partition.endpoint.policy
  const now = Date.now()
  const untried = untriedLane(
    keyOf(partition, head),
    head.position,
    tried.kind === 'later' ? now + again : now,
    REASONS[tried.kind],
  )
  if (tried.kind !== 'failed') return untried
  const { attempt, outcome } = tried.attempt
  return afterFailure({ ...untried, attempts: attempt - 1 }, outcome, { probe: false, now, schedule })
}

/**
 * Adds events of a key to its lane. A batch whose transaction failed comes again, with what it had set aside already:
 * the rows are given again, the count is not.
 */
function joinLane(partition: Partition, sent: SentBatch, held: HeldLane, events: readonly Delivered[]): void {
  const { key, head } = held.lane
  for (const { position } of events) {
    if (position === head) sent.lanes.push(held.lane)
    else sent.waiting.push({ key, position })
    if (position <= held.last) continue
    held.last = position
    held.events += 1
    partition.endpoint.gate.countAside(1)
  }
}
