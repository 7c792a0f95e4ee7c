import type { Item } from './item.ts'

/** Batches of a partition that are prepared and not applied yet. */
export type Ahead = {
  /** Counts a batch until it is `applied`, which comes in the order of the batches. */
  add(items: readonly Item[], applied: Promise<void>): void
  /** Resolves when another batch may be prepared: no more is ahead then than one full batch, or one batch of any size. */
  room(): Promise<void>
}

/** `events` and `bytes` are those of a full batch. What is done in `prepare` and not written down yet is done again after a crash. */
export function createAhead({ events, bytes }: { events: number; bytes: number }): Ahead {
  const batches: { events: number; bytes: number; applied: Promise<void> }[] = []
  const sum = (of: 'events' | 'bytes') => batches.reduce((total, batch) => total + batch[of], 0)
  return {
    add(items, applied) {
      const data = items.reduce((total, { recorded }) => total + recorded.event.data.length, 0)
      batches.push({ events: items.length, bytes: data, applied })
      void applied.then(() => batches.shift())
    },
    async room() {
      while (batches.length > 1 && (sum('events') > events || sum('bytes') > bytes)) await batches[0]?.applied
    },
  }
}
