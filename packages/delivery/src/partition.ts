import type { Delivered, OwnedPartition } from '@tributary/consumer'
import type { EventLog, Position } from '@tributary/event-log'
import { type Logger, pause } from '@tributary/runtime'
import type { Attempt } from './attempt.ts'
import type { Endpoint } from './endpoint.ts'
import type { Lane } from './lane.ts'
import type { LaneRows } from './lane-rows.ts'
import type { Place } from './place.ts'
import { isOfOrder, regroupLanes } from './regroup-lanes.ts'
import type { Replay } from './replay.ts'
import { noteRoutingCommitted, type Routing, type RoutingChange } from './routing.ts'

/**
 * One endpoint's deliveries on one partition, while this process owns it.
 *
 * Every position below the cursor is settled (delivered, or not for this endpoint) or set aside (head of a lane, or
 * waiting in one). The batch side (batch.ts) sends what is fresh and sets aside what fails; the rows of it are written in
 * the transaction that moves the cursor. The lane side (lane-runner.ts) sends what is set aside, and writes what
 * came of it in transactions of its own that prove the same ownership, so that the two take turns in the database.
 *
 * In memory the two meet under these rules, which keep each key in order:
 * 1. Only the batch side makes a lane, only the lane side ends one.
 * 2. While a key has a lane, the batch side adds its events to the lane and sends none.
 * 3. What comes of a head is written only where its row is: a lane of a batch that is not committed yet waits for that.
 * 4. A lane ends only when nothing waits in the table and, by the count in memory, nothing is on its way there.
 * 5. While the lane side settles a head, the batch side waits for that before it looks at the lane.
 *
 * An endpoint that fails, is paused or has too much set aside stands: its batch in hand waits at the gate (gate.ts), one more is
 * read ahead, and the cursor stays. A replay (replay.ts) is a cursor that was set back: the partition is lost to the fence
 * and taken up again at the older position, with the rule of what to pass over until the cursor is where it was.
 *
 * After a crash the lanes are read from the table, and the log is read again from the cursor: what was sent above it is
 * sent once more with the same id, in the same order.
 */
export type Partition = {
  readonly endpoint: Endpoint
  readonly owned: OwnedPartition
  readonly log: EventLog
  readonly logger: Logger
  readonly place: Place
  readonly rows: LaneRows
  /** Waits until the head of a lane may be sent: beside endpoints that keep up, lanes take the time that those leave. */
  readonly laneTurn: (signal: AbortSignal) => Promise<void>
  readonly replay: Replay | undefined
  /** Undefined where nothing that people may change decides who gets what. */
  readonly routing: Routing | undefined
  readonly lanes: Map<string, HeldLane>
  /** Aborts when requests under way must end: `grace` after the partition was given up. */
  readonly over: AbortController
  /** Deliveries of a batch that is not committed yet: a batch that comes again is not sent again. */
  readonly delivered: Map<Position, Attempt>
  /** Lane work under way. */
  readonly running: Set<Promise<void>>
  /** Called after a batch was committed. */
  readonly onCommit: Set<() => void>
  /** Makes the lane side look at its lanes now. */
  wake(): void
}

/**
 * A lane in memory. `lane` is the row as last written. `dueTime` is when its head is tried next, by the clock that only runs
 * forward (`performance.now`): the time of day that the row names may be set back while the lane waits.
 */
export type HeldLane = {
  lane: Lane
  dueTime: number
  /** The highest position that was added, whether its row is committed or not. */
  last: Position
  /** Events in it, the head included, whether their rows are committed or not. */
  events: number
  /** Its row is known to be in the table; the batch that made it may not be committed yet. */
  isWritten: boolean
  /** The lane side works on it. */
  busy: boolean
  /** The first try of the head, still under way when the lane was made. */
  firstTry: Promise<Attempt> | undefined
  /** The head was given up for the newest state of its key: what still waits but the last is skipped. */
  isGivenUp: boolean
  /** Resolves when the head, being settled right now, is. */
  settling: Promise<void> | undefined
  /** The partition was given up before anybody knew what a write came to: the row may be gone. */
  isInDoubt: boolean
}

/**
 * Takes a partition up: its lanes as they stand, or by the order that the endpoint has by now.
 * Throws DatabaseError, EventLogError, ConsumerError CONSUMER_FENCED.
 */
export async function openPartition(options: {
  endpoint: Endpoint
  owned: OwnedPartition
  log: EventLog
  logger: Logger
  rows: LaneRows
  laneTurn: (signal: AbortSignal) => Promise<void>
}): Promise<Partition> {
  const { endpoint, owned, rows } = options
  const { order } = endpoint.policy
  const place = { endpoint: endpoint.definition.name, topic: owned.topic, partition: owned.partition }
  const readRows = () =>
    owned.fenced(async (connection) => {
      const replay = await rows.replay(connection, place)
      return {
        found: await rows.load(connection, place),
        replay,
        routing: endpoint.definition.routedBy && (await rows.routing(connection, place, replay?.live ?? 0)),
      }
    })
  const asLeft = await readRows()
  const isOfOtherOrder = asLeft.found.some(({ lane }) => !isOfOrder(order, lane.key))
  if (isOfOtherOrder) await regroupLanes(options, place)
  const { found, replay, routing } = isOfOtherOrder ? await readRows() : asLeft
  const partition: Partition = {
    ...options,
    place,
    replay,
    routing,
    lanes: new Map(),
    over: new AbortController(),
    delivered: new Map(),
    running: new Set(),
    onCommit: new Set(),
    wake: () => {},
  }
  endAfterGrace(partition)
  for (const { lane, waiting, last } of found) hold(partition, { lane, last, events: 1 + waiting, isWritten: true })
  return partition
}

/** When a lane is due that was just written, or read. */
export const dueTimeOf = ({ nextTime }: Lane): number => performance.now() + Math.max(0, nextTime - Date.now())

/** Puts a lane into memory and counts its rows. */
export function hold(partition: Partition, made: { lane: Lane; last: Position; events: number; isWritten: boolean }): HeldLane {
  const { lane, events } = made
  const held: HeldLane = {
    ...made,
    dueTime: dueTimeOf(lane),
    busy: false,
    isGivenUp: false,
    firstTry: undefined,
    settling: undefined,
    isInDoubt: false,
  }
  partition.lanes.set(lane.key, held)
  partition.endpoint.gate.countAside(events)
  return held
}

/**
 * The lane of a key, if it has one once nothing is being settled in it. Throws the reason of `over` when nobody knows
 * whether it still has: what joined a lane that has ended would be lost.
 */
export async function laneAtRest(partition: Partition, key: string): Promise<HeldLane | undefined> {
  for (;;) {
    const held = partition.lanes.get(key)
    if (held?.isInDoubt) partition.over.signal.throwIfAborted()
    if (!held?.settling) return held
    await held.settling
  }
}

/** The cursor stands at `next` for good, and these changes are recorded. */
export function noteCommit(
  { delivered, onCommit, routing }: Partition,
  next: Position,
  routings: readonly RoutingChange[],
): void {
  if (routing) noteRoutingCommitted(routing, next, routings)
  for (const position of delivered.keys()) if (position < next) delivered.delete(position)
  for (const hear of [...onCommit]) hear()
}

/** Resolves at the next commit of a batch, or after a moment. Throws the reason of `over`. */
export async function nextCommit({ onCommit, over }: Partition): Promise<void> {
  const committed = new AbortController()
  const hear = () => committed.abort(COMMITTED)
  onCommit.add(hear)
  await pause(COMMIT_PAUSE, AbortSignal.any([committed.signal, over.signal]))
  onCommit.delete(hear)
  over.signal.throwIfAborted()
}

const COMMITTED = new Error('A batch was committed.')

/** Milliseconds. Events of a key that was parked and requeued are committed without a word. */
const COMMIT_PAUSE = 250

/** Lets requests under way end by themselves for a while after the partition is given up, then ends them. */
function endAfterGrace({ owned, over, endpoint }: Partition): void {
  const end = () => over.abort(owned.signal.reason)
  const startGrace = () => setTimeout(end, endpoint.policy.grace).unref()
  if (owned.signal.aborted) startGrace()
  else owned.signal.addEventListener('abort', startGrace, { once: true })
}

/** The key that orders an event among those of the partition's endpoint. */
export const keyOf = ({ endpoint }: Partition, { event }: Delivered): string => endpoint.orderKey(event)
