import { waitInQueue } from './wait-in-queue.ts'

/**
 * The rows that are set aside for an endpoint, and the batches that wait because there are too many. A batch reserves room
 * for all of its events before it sends any, so that there are never more than `most`.
 */
export type Room = {
  /** Waits until so many rows more may be set aside; answers how to give back that room. Throws the signal's reason. */
  reserve(rows: number, signal: AbortSignal): Promise<() => void>
  /** Counts rows set aside (positive) or settled (negative). */
  count(rows: number): void
  aside(): number
  /** A batch waits because of what is set aside. */
  isFull(): boolean
}

type Waiter = { rows: number; enter(): void }

export function createRoom(most: number): Room {
  const waiters = new Set<Waiter>()
  let aside = 0
  let reserved = 0

  /** First come, first served, so that a large batch is not passed for ever by small ones. */
  function pump(): void {
    for (const waiter of waiters) {
      const taken = aside + reserved
      // More rows at once than there may be at all pass alone.
      if (taken > 0 && taken + waiter.rows > most) return
      waiters.delete(waiter)
      waiter.enter()
    }
  }

  function giveBack(rows: number): void {
    reserved -= rows
    pump()
  }

  return {
    reserve: (rows, signal) =>
      waitInQueue<() => void>(signal, (resolve) => {
        const enter = () => {
          reserved += rows
          resolve(() => giveBack(rows))
        }
        const waiter: Waiter = { rows, enter }
        waiters.add(waiter)
        pump()
        return () => {
          waiters.delete(waiter)
          pump()
        }
      }),
    count(rows) {
      aside += rows
      if (rows < 0) pump()
    },
    aside: () => aside,
    isFull: () => {
      const [next] = waiters
      return next !== undefined && aside + next.rows > most
    },
  }
}
