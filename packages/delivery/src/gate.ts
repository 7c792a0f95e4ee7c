import { createPace, type Pace, type PaceLimits } from './pace.ts'
import { createRoom, type Room } from './room.ts'
import { waitInQueue } from './wait-in-queue.ts'

/**
 * The gate of one endpoint in one process: every request to the endpoint passes it, those of fresh events and those of
 * lanes in queues of their own, so that neither starves the other.
 *
 *   open     Requests pass while fewer than a queue's cap are out. The cap of fresh events follows what the receiver bears
 *            (pace.ts); that of lanes is a part of it, and all of it while lanes drain after a failure.
 *   failing  Entered when requests of `failingAfter` different keys failed with no success between, or one in a way that no
 *            key can do anything about. One request passes
 *            every `probeEvery`, sooner at first in the second case, from the two queues in turn; the first success, of whatever request, opens the gate, one
 *            request at first, then two, four and so on. Lanes, which are older, pass before fresh events until none waits.
 *   shut     By `shut(reason)`, when there is nowhere to send or nothing to sign with, or a person wants it. Nothing passes until
 *            `unshut`, and then one request at a time until it is known how the receiver is by now: the first success opens the
 *            gate as after a failure, a failure before that makes it fail.
 *
 * A request that takes long may be moved aside, so that it holds up no other; then it counts against a third cap.
 * The gate also counts the rows that are set aside for the endpoint (room.ts).
 */
export type Gate = {
  /** Waits for a permit. Throws the signal's reason when that aborts first. */
  enter(queue: Queue, signal: AbortSignal): Promise<Permit>
  /** See `Room.reserve`. */
  room: Room['reserve']
  /** See `Room.count`. */
  countAside: Room['count']
  shut(reason: string): void
  unshut(): void
  /** Calls `listener` whenever a failing gate opens again; answers how to stop that. */
  onRecovery(listener: () => void): () => void
  view(): GateView
}

/**
 * `since`, for all but an open one, and `probeTime` in milliseconds since 1970; `openFor` in milliseconds; `aside` in rows; `cap` in
 * requests that may be out.
 */
export type GateView = {
  state: 'open' | 'failing' | 'shut'
  reason: string
  since: number | undefined
  openFor: number
  probeTime: number | undefined
  aside: number
  cap: number
  /** A batch waits because of what is set aside. */
  isFull: boolean
}

export type Queue = 'fresh' | 'lane'

/**
 * How the request of a key went. `retryAfter` in milliseconds; `overload` when it tells that the receiver has too much to do;
 * `isEndpoints` when it would have gone so for every key.
 */
export type Passage = {
  key: string
  delivered: boolean
  reason: string
  retryAfter?: number | undefined
  overload?: boolean
  isEndpoints?: boolean
}

export type Permit = {
  /** True for a request that passed a failing gate, or one that was shut: its failure says nothing about its key. */
  readonly probe: boolean
  /** Gives the permit back; without a passage when nothing was sent. */
  leave(passage?: Passage): void
  /** Moves a slow request aside, freeing its place; false when too many are aside already, and always while the gate fails. */
  moveAside(): boolean
}

export type GateLimits = PaceLimits & {
  /** Requests of lanes, and slow ones moved aside, that may be out at one time. */
  lane: number
  slow: number
  failingAfter: number
  /** Milliseconds. */
  probeEvery: number
  /** Rows. */
  most: number
}

/** `since` is the time of day, for people; `probeTime` goes by the clock that only runs forward; `pause` was before it. */
type Failing = { since: number; probeTime: number; pause: number; reason: string; probing: boolean; turn: Queue }
type Waiter = (permit: Permit) => void
type State = {
  readonly limits: GateLimits
  readonly pace: Pace
  readonly now: () => number
  readonly waiting: Readonly<Record<Queue, Set<Waiter>>>
  readonly out: Record<Queue | 'slow', number>
  readonly failedKeys: Set<string>
  readonly listeners: Set<() => void>
  readonly room: Room
  isDraining: boolean
  /** Nothing has been heard of the receiver since the gate was shut. */
  onTrial: boolean
  /** When it last was not open, by the clock that only runs forward. */
  closedTime: number
  /** It was never open, so that there is nothing that the receiver could have had to do. */
  isNew: boolean
  shut: { reason: string; since: number } | undefined
  failing: Failing | undefined
  timer: NodeJS.Timeout | undefined
}

/**
 * A gate, open unless there is a reason why it begins shut. `now` is a clock in milliseconds that only runs forward, because the
 * time of day may be set back while a gate waits.
 */
export function createGate(limits: GateLimits, now: () => number = () => performance.now(), reason?: string): Gate {
  const state: State = {
    limits,
    pace: createPace(limits, now),
    now,
    waiting: { fresh: new Set(), lane: new Set() },
    out: { fresh: 0, lane: 0, slow: 0 },
    failedKeys: new Set(),
    listeners: new Set(),
    room: createRoom(limits.most),
    isDraining: false,
    onTrial: false,
    closedTime: now(),
    isNew: reason !== undefined,
    shut: reason === undefined ? undefined : { reason, since: Date.now() },
    failing: undefined,
    timer: undefined,
  }
  return {
    enter: (queue, signal) => enter(state, queue, signal),
    room: state.room.reserve,
    countAside: state.room.count,
    shut(reason) {
      state.shut = { reason, since: state.shut?.since ?? Date.now() }
      state.isNew = false
      pump(state)
    },
    unshut() {
      if (!state.shut) return
      state.shut = undefined
      state.closedTime = state.now()
      if (state.failing) state.failing.probeTime = state.now()
      else state.onTrial = !state.isNew
      state.isNew = false
      pump(state)
    },
    onRecovery(listener) {
      state.listeners.add(listener)
      return () => state.listeners.delete(listener)
    },
    view: () => viewOf(state),
  }
}

function enter(state: State, queue: Queue, signal: AbortSignal): Promise<Permit> {
  return waitInQueue<Permit>(signal, (resolve) => {
    const waiter: Waiter = resolve
    state.waiting[queue].add(waiter)
    pump(state)
    return () => {
      state.waiting[queue].delete(waiter)
      pump(state)
    }
  })
}

/** Lets through whom the state lets through. Called after every change. */
function pump(state: State): void {
  clearTimeout(state.timer)
  if (state.shut) return
  if (state.failing) {
    pumpProbe(state, state.failing)
    return
  }
  if (state.onTrial) {
    pumpTrial(state)
    return
  }
  if (state.isDraining && state.waiting.lane.size === 0 && state.out.lane === 0) state.isDraining = false
  for (const queue of ['lane', 'fresh'] as const) {
    for (const waiter of state.waiting[queue]) {
      if (!hasPlace(state, queue)) break
      const wait = state.pace.wait()
      if (wait > 0) {
        state.timer = setTimeout(() => pump(state), wait)
        return
      }
      letPass(state, waiter, queue)
    }
  }
}

function hasPlace({ out, limits, pace, isDraining, waiting }: State, queue: Queue): boolean {
  const cap = pace.cap()
  if (isDraining) return out.lane + out.fresh < cap && (queue === 'lane' || waiting.lane.size === 0)
  return queue === 'fresh' ? out.fresh < cap : out.lane < Math.min(limits.lane, cap)
}

function pumpProbe(state: State, failing: Failing): void {
  const queue = state.waiting[failing.turn].size > 0 ? failing.turn : otherThan(failing.turn)
  const [waiter] = state.waiting[queue]
  if (failing.probing || !waiter) return
  const wait = failing.probeTime - state.now()
  if (wait > 0) {
    state.timer = setTimeout(() => pump(state), wait)
    return
  }
  failing.probing = true
  failing.turn = otherThan(queue)
  letPass(state, waiter, queue, 'probe')
}

/** Lanes, which are older, pass first. */
function pumpTrial(state: State): void {
  const { waiting, out, pace } = state
  const queue = waiting.lane.size > 0 ? 'lane' : 'fresh'
  const [waiter] = waiting[queue]
  if (!waiter || out.fresh + out.lane > 0) return
  const wait = pace.wait()
  if (wait > 0) state.timer = setTimeout(() => pump(state), wait)
  else letPass(state, waiter, queue, 'trial')
}

const otherThan = (queue: Queue): Queue => (queue === 'fresh' ? 'lane' : 'fresh')

function letPass(state: State, waiter: Waiter, queue: Queue, as?: 'probe' | 'trial'): void {
  const { out, limits, pace } = state
  let place: Queue | 'slow' = queue
  state.waiting[queue].delete(waiter)
  out[queue] += 1
  const request = pace.begin()
  waiter({
    probe: as !== undefined,
    leave(passage) {
      const isFull = out.fresh + out.lane >= pace.cap()
      out[place] -= 1
      if (as === 'probe' && state.failing) state.failing.probing = false
      if (passage?.delivered) pace.hear(request, 'good', isFull)
      else if (passage?.overload) pace.hear(request, 'overload', isFull)
      if (passage) learn(state, passage, as !== undefined)
      pump(state)
    },
    moveAside() {
      if (as === 'probe' || out.slow >= limits.slow) return false
      out[place] -= 1
      place = 'slow'
      out.slow += 1
      pump(state)
      return true
    },
  })
}

function learn(state: State, passage: Passage, probe: boolean): void {
  if (passage.delivered) {
    recover(state)
    return
  }
  const { failing, failedKeys, limits } = state
  failedKeys.add(passage.key)
  const isSoon = passage.isEndpoints || state.onTrial
  const begins = !failing && (isSoon || failedKeys.size >= limits.failingAfter)
  if (!begins && !(failing && probe)) return
  // A receiver that is only started anew, or a name that was not resolved, is back in a moment.
  const first = isSoon ? FIRST_PAUSE : limits.probeEvery
  const pause = Math.min(limits.probeEvery, failing ? failing.pause * 2 : first)
  const probeTime = state.now() + Math.max(pause, passage.retryAfter ?? 0)
  const { reason } = passage
  state.onTrial = false
  if (failing) Object.assign(failing, { probeTime, pause, reason })
  else state.failing = { since: Date.now(), probeTime, pause, reason, probing: false, turn: 'fresh' }
}

/** Milliseconds before the first probe of an endpoint that could not be reached; each later one waits twice as long. */
const FIRST_PAUSE = 1_000

function recover(state: State): void {
  // To clear an empty set makes a new one.
  if (state.failedKeys.size > 0) state.failedKeys.clear()
  const hasFailed = state.failing !== undefined
  if (!hasFailed && !state.onTrial) return
  state.closedTime = state.now()
  state.failing = undefined
  state.onTrial = false
  state.isDraining = state.room.aside() > 0
  state.pace.restart()
  if (hasFailed) for (const listener of state.listeners) listener()
}

function viewOf({ shut, failing, pace, room, now, closedTime }: State): GateView {
  const openFor = shut || failing ? 0 : now() - closedTime
  const figures = { aside: room.aside(), cap: pace.cap(), isFull: room.isFull(), openFor }
  if (shut) return { state: 'shut', ...shut, probeTime: undefined, ...figures }
  if (failing) {
    const { reason, since, probeTime } = failing
    return { state: 'failing', reason, since, probeTime: Math.round(Date.now() + probeTime - now()), ...figures }
  }
  return { state: 'open', reason: '', since: undefined, probeTime: undefined, ...figures }
}
