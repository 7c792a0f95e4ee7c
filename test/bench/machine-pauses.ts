import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import type { Row } from './benchmark.ts'

/** A stretch in which the machine gave its processors to others, milliseconds since 1970. */
export type Pause = { from: number; to: number }

/** Of the loop, about a tenth of a millisecond. */
const TURNS = 60_000
const EVERY = 4
/** A loop that takes so many times what it takes at best is within a pause, and so is what lies between two of those. */
const SLOWER = 3
const BETWEEN = 25
const SHORTEST = 10

/**
 * Notes when the machine stood still until `stop`. A virtual machine whose processors were given to somebody else knows
 * nothing of it, and counts the time as work of whoever was on them. So a thread does the same small piece of work again and
 * again and looks at the processor time that it took: waiting for its turn adds nothing to that, standing still does.
 * It takes one fortieth of a processor.
 */
export function watchMachine(): { stop(): Promise<Pause[]> } {
  const worker = new Worker(import.meta.filename)
  return {
    stop: async () => {
      worker.postMessage('stop')
      const [pauses] = await once(worker, 'message')
      return pauses
    },
  }
}

/** Of the time from the first to the second, milliseconds since 1970, the share in which the machine ran. */
export function shareRunning(pauses: readonly Pause[], from: number, to: number): number {
  const within = pauses.map((pause) => Math.max(0, Math.min(pause.to, to) - Math.max(pause.from, from)))
  return 1 - within.reduce((sum, one) => sum + one, 0) / (to - from)
}

/** Of times that took so many milliseconds until `ends`, those of which no part lies in a pause. */
export function withoutPauses(pauses: readonly Pause[], times: readonly number[], ends: readonly number[]): number[] {
  return times.filter((time, index) => {
    const to = ends[index] ?? 0
    return !pauses.some((pause) => pause.from < to && pause.to > to - time)
  })
}

/** That share as a row, so that whoever reads a latency beside it knows on what machine it was. */
export const machineRan = (name: string, share: number): Row => ({
  ...{ name: `${name}: time in which the machine ran at all`, value: 100 * share, unit: '%', ceiling: 100, ratio: share },
})

/** A piece of work, and the processor time that it took, in nanoseconds. */
type Piece = Pause & { took: number }

async function watch(port: NonNullable<typeof parentPort>): Promise<void> {
  let isStopped = false
  port.once('message', () => {
    isStopped = true
  })
  const pieces: Piece[] = []
  for (let used = processorTime(); !isStopped; ) {
    const from = Date.now()
    work()
    const to = Date.now()
    // The kernel writes down what a thread has used when that goes to sleep.
    await wait(EVERY)
    const now = processorTime()
    pieces.push({ from, to, took: now - used })
    used = now
  }
  port.postMessage(pausesOf(pieces.slice(WARM)))
}

/** The first pieces take longer, until the loop is compiled. */
const WARM = 50

/** What this thread has used, nanoseconds (proc_pid_schedstat(5)); nothing where a kernel does not tell. */
function processorTime(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0])
  } catch {
    return 0
  }
}

let state = 1

function work(): void {
  for (let turn = 0; turn < TURNS; turn += 1) state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
}

function pausesOf(pieces: readonly Piece[]): Pause[] {
  const best = pieces.map(({ took }) => took).toSorted((one, other) => one - other)[Math.floor(pieces.length / 4)] ?? 0
  const pauses: Pause[] = []
  for (const { from, to, took } of pieces) {
    if (took <= best * SLOWER) continue
    const last = pauses.at(-1)
    if (last && from - last.to <= BETWEEN) last.to = to
    else pauses.push({ from, to })
  }
  return pauses.filter(({ from, to }) => to - from >= SHORTEST)
}

if (!isMainThread && parentPort) await watch(parentPort)
