/** What a running consumer counts over all its partitions. Times are milliseconds since 1970. */
export type Counts = {
  /** Events that had their effects through this member since it started. */
  applied: number
  /** Partitions it lost to a newer owner while it was working on them. */
  fences: number
  lastCommitTime: number | null
  /** Applied events of the last seconds, by whole second. */
  readonly bySecond: Map<number, number>
}

export const newCounts = (): Counts => ({ applied: 0, fences: 0, lastCommitTime: null, bySecond: new Map() })

/** Seconds over which the rate is taken. */
const WINDOW = 10

export const noteApplied = (counts: Counts, events: number, time: number): void => {
  const second = Math.floor(time / 1000)
  counts.applied += events
  counts.bySecond.set(second, (counts.bySecond.get(second) ?? 0) + events)
  if (counts.bySecond.size > WINDOW + 1)
    for (const old of counts.bySecond.keys()) if (old < second - WINDOW) counts.bySecond.delete(old)
}

/** Events applied a second, over the last ten whole seconds. */
export const rateAt = ({ bySecond }: Counts, time: number): number => {
  const current = Math.floor(time / 1000)
  let events = 0
  for (const [second, count] of bySecond) if (second >= current - WINDOW && second < current) events += count
  return events / WINDOW
}
