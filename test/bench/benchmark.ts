/** One measured figure. `ceiling` was measured in the same run; a `ratio` of 1 means that nothing was lost against it. */
export type Row = { name: string; value: number; unit: string; ceiling: number; ratio: number }

/** What one file of this folder exports as `benchmark`; `main.ts` lists them. */
export type Benchmark = { name: string; run(): Promise<Row[]> }

/** Things a second: higher is better. */
export function rate(name: string, unit: string, value: number, ceiling: number): Row {
  return { name, value, unit, ceiling, ratio: value / ceiling }
}

/** Milliseconds: lower is better, and the ceiling is the least that was possible. */
export function latency(name: string, value: number, least: number): Row {
  return { name, value, unit: 'ms', ceiling: least, ratio: least / value }
}

/**
 * Runs each of the works in turn, round after round, and answers the median of what each returned. Taking turns lets
 * whatever else the machine does fall on all of them alike. One more round comes first, to warm up.
 */
export async function inTurns<K extends string>(
  rounds: number,
  works: Readonly<Record<K, (round: number) => Promise<number>>>,
): Promise<Record<K, number>> {
  const names = Object.keys(works) as K[]
  const results = new Map<K, number[]>(names.map((name) => [name, []]))
  for (let round = 0; round <= rounds; round += 1) {
    for (const name of names) {
      const result = await works[name](round)
      if (round > 0) results.get(name)?.push(result)
    }
  }
  return Object.fromEntries(names.map((name) => [name, quantile(results.get(name) ?? [], 0.5)])) as Record<K, number>
}

/** The value below which the given share of all lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** How many `things` a second `work` did. */
export async function perSecond(things: number, work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await work()
  return things / ((performance.now() - begin) / 1_000)
}
