import type { KeyState } from './definition.ts'

/**
 * The states of keys, loaded for a batch while an earlier one was still being written.
 *
 * Loading costs a third of the time of changed rows, and nothing needs it to wait for the commit before: between two
 * transactions of an owner nobody else writes the rows of its partition, because the epoch keeps every other owner out.
 * So a batch's rows are loaded outside its transaction, beside the writing of the batch before, and only of the keys that
 * this one writes a newer state is taken, from memory. Whoever writes rows otherwise must bump the epoch.
 */
export type LoadedStates = {
  /** How many batches of the partition had been committed when the loading began. */
  since: number
  states: ReadonlyMap<string, KeyState>
}

export type RecentStates = {
  /** How many batches of a partition this owner has committed. */
  count(partition: number): number
  /** Whether all that was committed since the loading is still known here; else the rows must be loaded anew. */
  isKnown(partition: number, loaded: LoadedStates): boolean
  /** The state of a key as it is now: as a later batch left it, else as loaded; undefined when it was not loaded. */
  before(partition: number, loaded: LoadedStates, key: string): KeyState | undefined
  /** Keeps what a batch is about to leave, until its commit or until the next batch; nothing, when that is undefined. */
  hold(partition: number, after: ReadonlyMap<string, KeyState> | undefined): void
  /** What is held has been committed. */
  settle(partition: number): void
  /** The partition begins anew, with a new epoch. */
  forget(partition: number): void
}

type Committed = { number: number; states: ReadonlyMap<string, KeyState> }
type Recent = { count: number; held: ReadonlyMap<string, KeyState> | undefined; committed: Committed[] }

/** A batch is loaded one ahead; only one that is halved around a culprit sees more commits than that. */
const MOST_COMMITTED = 1

export function createRecentStates(): RecentStates {
  const partitions = new Map<number, Recent>()

  function recentOf(partition: number): Recent {
    const known = partitions.get(partition)
    if (known) return known
    const made: Recent = { count: 0, held: undefined, committed: [] }
    partitions.set(partition, made)
    return made
  }

  return {
    count: (partition) => recentOf(partition).count,
    isKnown: (partition, { since }) => {
      const { count, committed } = recentOf(partition)
      return count - since <= committed.length
    },
    before: (partition, { since, states }, key) => {
      for (const later of recentOf(partition).committed.toReversed()) {
        if (later.number <= since) break
        const state = later.states.get(key)
        if (state) return state
      }
      return states.get(key)
    },
    hold: (partition, after) => {
      recentOf(partition).held = after
    },
    settle: (partition) => {
      const recent = recentOf(partition)
      if (!recent.held) return
      recent.count += 1
      recent.committed.push({ number: recent.count, states: recent.held })
      if (recent.committed.length > MOST_COMMITTED) recent.committed.shift()
      recent.held = undefined
    },
    forget: (partition) => {
      partitions.delete(partition)
    },
  }
}
