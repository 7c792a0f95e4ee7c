import { waitInQueue } from './wait-in-queue.ts'

/** How long an endpoint counts as at the head of its log after a batch that was not full, milliseconds. */
const RECENTLY = 2_000

/** By the names of endpoints. */
const lastAtHead = new Map<string, number>()

/**
 * Catching up beside others. An endpoint that is behind takes whatever time the process and its database have: its requests are
 * bounded, but each of its partitions has full batches to commit, and the small ones of endpoints at the head wait among
 * them. So while another endpoint of the process is at the head, only one partition of the one behind sends at a time; alone,
 * all do.
 */
export type CatchUp = {
  /** Notes a batch that was not full: this endpoint is at the head. */
  noteAtHead(): void
  /** Waits until a full batch may be sent; answers what to call, once, when it was, or was given up. Throws the signal's reason. */
  turn(signal: AbortSignal): Promise<() => void>
}

/** Of the endpoint of this name. `now`, milliseconds of a clock that never jumps, is for tests. */
export function createCatchUp(endpoint: string, now: () => number = () => performance.now()): CatchUp {
  const waiting: (() => void)[] = []
  let atWork = 0

  const isBesideOthers = (): boolean => {
    const since = now() - RECENTLY
    return [...lastAtHead].some(([other, time]) => other !== endpoint && time >= since)
  }
  const leave = () => {
    atWork -= 1
    waiting.shift()?.()
  }
  return {
    noteAtHead: () => void lastAtHead.set(endpoint, now()),
    async turn(signal) {
      while (atWork > 0 && isBesideOthers())
        await waitInQueue<void>(signal, (resolve) => {
          waiting.push(resolve)
          return () => void waiting.splice(waiting.indexOf(resolve), 1)
        })
      atWork += 1
      return leave
    },
  }
}
