import type { Metric, MetricValueWithName } from 'prom-client'
import { registry } from './registry.ts'

type Labelled = { readonly labels: Readonly<Record<string, string>> }

/** One series of a counter. */
export type CountedSeries = Labelled & { value: number }

/** One series of a histogram: how many values stood up to each bound and above the one before; the last, above all of them. */
export type SpreadSeries = Labelled & { readonly counts: number[]; sum: number }

/** What is registered, and read at each scrape. Throws when the name is taken. */
type Described = { name: string; help: string; type: 'counter' | 'histogram'; values(): MetricValueWithName<string>[] }

/**
 * Has the registry tell series that are counted here, in plain numbers. prom-client's own counters and histograms check and hash the
 * labels of each value: 2 to 3 µs, of which a delivery and its statements need several.
 */
export function tellSeries({ name, help, type, values }: Described): void {
  const get = async () => ({ name, help, type, aggregator: 'sum', values: values() })
  registry.registerMetric({ name, get } as unknown as Metric)
}

/** Counts a value of a histogram. `bounds` rise. Throws TypeError for what is no number. */
export function spread(series: SpreadSeries, bounds: readonly number[], value: number): void {
  if (!Number.isFinite(value)) throw new TypeError(`A histogram was given ${value}.`)
  const above = bounds.findIndex((bound) => value <= bound)
  const at = above < 0 ? bounds.length : above
  series.counts[at] = (series.counts[at] ?? 0) + 1
  series.sum += value
}

/** What Prometheus has of a series: buckets that each hold those below them, sum and count. */
export function bucketsOf(name: string, bounds: readonly number[], series: SpreadSeries): MetricValueWithName<string>[] {
  const { labels, counts, sum } = series
  let count = 0
  const buckets = counts.map((more, at) => {
    count += more
    return { metricName: `${name}_bucket`, labels: { le: bounds[at] ?? '+Inf', ...labels }, value: count }
  })
  return [...buckets, { metricName: `${name}_sum`, labels, value: sum }, { metricName: `${name}_count`, labels, value: count }]
}
