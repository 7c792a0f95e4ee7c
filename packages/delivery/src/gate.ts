import { pause } from '@tributary/runtime'

/**
 * The gate of one endpoint in one process: every request to the endpoint passes it, those of fresh events and those of
 * lanes in queues of their own, so that neither starves the other.
 *
 *   open     Requests pass while fewer than a queue's cap are out.
 *   failing  Entered when requests of `failingAfter` different keys failed with no success between. One request passes
 *            every `probeEvery`, from the two queues in turn; the first success, of whatever request, opens the gate.
 *   shut     By `shut(reason)`, when there is nowhere to send or nothing to sign with. Nothing passes until `unshut`.
 *
 * A request that takes long may be moved aside, so that it holds up no other; then it counts against a third cap.
 * The gate also counts the rows that are set aside for the endpoint: beyond `most`, `room` waits.
 */
export type Gate = {
  /** Waits for a permit. Throws the signal's reason when that aborts first. */
  enter(queue: Queue, signal: AbortSignal): Promise<Permit>
  /** Waits until fewer than `most` rows are set aside. Throws the signal's reason. */
  room(signal: AbortSignal): Promise<void>
  /** Counts rows set aside (positive) or settled (negative). */
  countAside(rows: number): void
  shut(reason: string): void
  unshut(): void
  /** Calls `listener` whenever a failing gate opens again; answers how to stop that. */
  onRecovery(listener: () => void): () => void
  view(): GateView
}

/** `since` and `probeTime` in milliseconds since 1970; `aside` in rows. */
export type GateView = {
  state: 'open' | 'failing' | 'shut'
  reason: string
  since: number | undefined
  probeTime: number | undefined
  aside: number
}

export type Queue = 'fresh' | 'lane'

/** How the request of a key went. `retryAfter` in milliseconds. */
export type Passage = { key: string; delivered: boolean; reason: string; retryAfter?: number | undefined }

export type Permit = {
  /** True for the one request that passed a failing gate: its failure says nothing about its key. */
  readonly probe: boolean
  /** Gives the permit back; without a passage when nothing was sent. */
  leave(passage?: Passage): void
  /** Moves a slow request aside, freeing its place; false when too many are aside already, and always for probes. */
  moveAside(): boolean
}

export type GateLimits = {
  /** Requests of fresh events, of lanes, and slow ones moved aside, that may be out at one time. */
  fresh: number
  lane: number
  slow: number
  failingAfter: number
  /** Milliseconds. */
  probeEvery: number
  /** Rows. */
  most: number
}

type Failing = { since: number; probeTime: number; reason: string; probing: boolean; turn: Queue }
type Waiter = (permit: Permit) => void
type State = {
  readonly limits: GateLimits
  readonly now: () => number
  readonly waiting: Readonly<Record<Queue, Set<Waiter>>>
  readonly out: Record<Queue | 'slow', number>
  readonly failedKeys: Set<string>
  readonly listeners: Set<() => void>
  aside: number
  shut: { reason: string; since: number } | undefined
  failing: Failing | undefined
  timer: NodeJS.Timeout | undefined
}

/** Milliseconds between two looks at the rows set aside: lanes drain much more slowly. */
const ROOM_PAUSE = 200

/** An open gate. `now` in milliseconds since 1970. */
export function createGate(limits: GateLimits, now: () => number = Date.now): Gate {
  const state: State = {
    limits,
    now,
    waiting: { fresh: new Set(), lane: new Set() },
    out: { fresh: 0, lane: 0, slow: 0 },
    failedKeys: new Set(),
    listeners: new Set(),
    aside: 0,
    shut: undefined,
    failing: undefined,
    timer: undefined,
  }
  return {
    enter: (queue, signal) => enter(state, queue, signal),
    async room(signal) {
      while (state.aside >= limits.most) {
        signal.throwIfAborted()
        await pause(ROOM_PAUSE, signal)
      }
    },
    countAside(rows) {
      state.aside += rows
    },
    shut(reason) {
      state.shut = { reason, since: state.shut?.since ?? now() }
      pump(state)
    },
    unshut() {
      state.shut = undefined
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
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const waiter: Waiter = (permit) => {
      signal.removeEventListener('abort', abort)
      resolve(permit)
    }
    const abort = () => {
      state.waiting[queue].delete(waiter)
      pump(state)
      reject(signal.reason)
    }
    signal.addEventListener('abort', abort, { once: true })
    state.waiting[queue].add(waiter)
    pump(state)
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
  for (const queue of ['fresh', 'lane'] as const) {
    for (const waiter of state.waiting[queue]) {
      if (state.out[queue] >= state.limits[queue]) break
      letPass(state, waiter, queue, false)
    }
  }
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
  letPass(state, waiter, queue, true)
}

const otherThan = (queue: Queue): Queue => (queue === 'fresh' ? 'lane' : 'fresh')

function letPass(state: State, waiter: Waiter, queue: Queue, probe: boolean): void {
  const { out, limits } = state
  let place: Queue | 'slow' = queue
  state.waiting[queue].delete(waiter)
  out[queue] += 1
  waiter({
    probe,
    leave(passage) {
      out[place] -= 1
      if (probe && state.failing) state.failing.probing = false
      if (passage) learn(state, passage, probe)
      pump(state)
    },
    moveAside() {
      if (probe || out.slow >= limits.slow) return false
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
  const probeTime = state.now() + Math.max(limits.probeEvery, passage.retryAfter ?? 0)
  if (failing && probe) Object.assign(failing, { probeTime, reason: passage.reason })
  if (!failing && failedKeys.size >= limits.failingAfter) {
    state.failing = { since: state.now(), probeTime, reason: passage.reason, probing: false, turn: 'fresh' }
  }
}

function recover(state: State): void {
  state.failedKeys.clear()
  if (!state.failing) return
  state.failing = undefined
  for (const listener of state.listeners) listener()
}

function viewOf({ shut, failing, aside }: State): GateView {
  if (shut) return { state: 'shut', ...shut, probeTime: undefined, aside }
  if (failing) return { state: 'failing', reason: failing.reason, since: failing.since, probeTime: failing.probeTime, aside }
  return { state: 'open', reason: '', since: undefined, probeTime: undefined, aside }
}
