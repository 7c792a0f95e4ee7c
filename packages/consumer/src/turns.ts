import type { Loop } from './loop.ts'

/** What one partition does, one thing after another. A turn that throws gives the partition up. */
export type Turns = {
  /** `finishes` asks, when its turn comes, whether it may still run although the partition is being given up. */
  add(work: () => Promise<void>, finishes?: () => boolean): void
  /** Adds a turn unless one added this way is still waiting or running; as long as it answers true, it gets another. */
  addOnce(work: () => Promise<boolean>): void
  /** Resolves when every turn added so far has ended; never throws. */
  last(): Promise<void>
  isIdle(): boolean
}

/**
 * Turns start only while the partition is ours; its signal aborts when one throws. After a turn that threw or did not
 * start, none may finish either: the cursor would pass over what that one had in hand.
 */
export function createTurns<P>(loop: Loop<P>): Turns {
  let tail = Promise.resolve()
  let waiting = 0
  let isAddedOnce = false
  let isUnbroken = true

  const take = async (work: () => Promise<void>, finishes: (() => boolean) | undefined): Promise<void> => {
    try {
      if (!loop.signal.aborted || (isUnbroken && finishes?.())) await work()
      else if (finishes) isUnbroken = false
    } catch (error) {
      isUnbroken = false
      if (!loop.signal.aborted) giveUp(loop, error)
    } finally {
      waiting -= 1
      if (waiting === 0 && !loop.signal.aborted) loop.stage = 'reading'
    }
  }
  const add: Turns['add'] = (work, finishes) => {
    waiting += 1
    tail = tail.then(() => take(work, finishes))
  }
  const addOnce: Turns['addOnce'] = (work) => {
    if (isAddedOnce) return
    isAddedOnce = true
    add(async () => {
      let isAgain = false
      try {
        isAgain = await work()
      } finally {
        isAddedOnce = false
      }
      if (isAgain) addOnce(work)
    })
  }
  return { add, addOnce, last: () => tail, isIdle: () => waiting === 0 }
}

/** Nothing that a turn waits out or parks ends here: this is a fault of ours. The next owner starts at the cursor. */
function giveUp<P>(loop: Loop<P>, error: unknown): void {
  const { consumer, partition } = loop.cursor
  loop.shared.logger.error({ err: error, consumer, partition }, 'the partition is given back after an unexpected error')
  loop.ending.abort(error)
}
