import { waitInQueue } from './wait-in-queue.ts'

/** How long an endpoint counts as at the head of its log after a batch that was not full, milliseconds. */
const RECENTLY = 2_000

const lastAtHead = new Map<object, number>()

/**
 * Catching up beside others. An endpoint that is behind takes whatever time the process and its database have: its requests are
 * bounded, but each of its partitions has full batches to commit, and the small ones of endpoints at the head wait among
 * them. So while another endpoint of the process is at the head, only one partition of the one behind sends at a time; alone,
 * all do.
 */
export type CatchUp = {
  /** Notes a batch that was not full: this endpoint is at the head. */
  noteAtHead(): void
  /** Waits until a full batch may be sent; answers what to call once it was, or was given up. Throws the signal's reason. */
  turn(signal: AbortSignal): Promise<() => void>
}

export function createCatchUp(now: () => number = () => performance.now()): CatchUp {
  const self = {}
  const waiting: ((isOurs: undefined) => void)[] = []
  let atWork = 0

  const isBesideOthers = (): boolean => {
    const since = now() - RECENTLY
    for (const [other, time] of lastAtHead) {
      if (time < since) lastAtHead.delete(other)
      else if (other !== self) return true
    }
    return false
  }
  const leave = () => {
    let isLeft = false
    return () => {
      if (isLeft) return
      isLeft = true
      atWork -= 1
      waiting.shift()?.(undefined)
    }
  }
  return {
    noteAtHead: () => void lastAtHead.set(self, now()),
    async turn(signal) {
      while (atWork > 0 && isBesideOthers())
        await waitInQueue<undefined>(signal, (resolve) => {
          waiting.push(resolve)
          return () => void waiting.splice(waiting.indexOf(resolve), 1)
        })
      atWork += 1
      return leave()
    },
  }
}
