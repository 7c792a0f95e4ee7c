import { Gauge as PrometheusGauge } from 'prom-client'
import { registry } from './registry.ts'
import { bucketsOf, type CountedSeries, type SpreadSeries, spread, tellSeries } from './series.ts'

/** What tells the series of a metric apart. Only what is few and names no person: consumers, endpoints, outcomes, codes. */
export type Labels<L extends string> = Readonly<Record<L, string | number>>

/**
 * `name` as Prometheus has it, unit and all: OpenTelemetry's name where there is one (`http_server_request_duration_seconds`),
 * else `tributary_` and the words of docs/architecture.md. A counter ends in `_total`, a duration in `_seconds`.
 */
export type MetricDefinition<L extends string> = { name: string; help: string; labels?: readonly L[] }

/** Grows only. */
export type Counter<L extends string = never> = { add(amount: number, labels: Labels<L>): void }
/** Goes up and down. Set where the value changes, or read at each scrape: see `observe`. */
export type Gauge<L extends string = never> = {
  set(value: number, labels: Labels<L>): void
  /** Takes a series away that no longer has a value, for example that of an endpoint that is gone. */
  remove(labels: Labels<L>): void
  /** A value for `observe`. */
  reading(value: number, labels: Labels<L>): Reading
}
/** Counts values in buckets. */
export type Histogram<L extends string = never> = { record(value: number, labels: Labels<L>): void }
/** One value of one gauge, as it is now. */
export type Reading = { metric: string; set(): void }

/**
 * So many series a metric keeps; what comes beyond them is counted with `other` for every label. A label that others can
 * choose would else fill our memory, and the memory of whoever scrapes us.
 */
export const MOST_SERIES = 1_000
const OTHER = 'other'

/** Upper bounds in seconds, those of OpenTelemetry's conventions for HTTP, below them finer for databases. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const

/** A counter of this process. Throws when the name is taken: metrics are made once, beside the code that counts. */
export function counter<const L extends string = never>(definition: MetricDefinition<L>): Counter<L> {
  const { all, of } = boundedSeries(definition, (labels): CountedSeries => ({ labels, value: 0 }))
  tellSeries({ ...definition, type: 'counter', values: () => all.map((one) => ({ ...one })) })
  return {
    add(amount, labels) {
      of(labels).value += amount
    },
  }
}

/** A gauge of this process. Throws like `counter`. */
export function gauge<const L extends string = never>(definition: MetricDefinition<L>): Gauge<L> {
  const { name, help, labels: labelNames = [] } = definition
  const metric = new PrometheusGauge({ name, help, labelNames: [...labelNames], registers: [registry] })
  const set: Gauge<L>['set'] = (value, labels) => metric.set(textOf(labels), value)
  return {
    set,
    remove: (labels) => metric.remove(textOf(labels)),
    reading: (value, labels) => ({ metric: name, set: () => set(value, labels) }),
  }
}

/** A histogram of this process, of seconds unless `buckets` (upper bounds) say otherwise. Throws like `counter`. */
export function histogram<const L extends string = never>(
  definition: MetricDefinition<L> & { buckets?: readonly number[] },
): Histogram<L> {
  const { name, buckets = SECONDS } = definition
  const counts = () => Array<number>(buckets.length + 1).fill(0)
  const { all, of } = boundedSeries(definition, (labels): SpreadSeries => ({ labels, counts: counts(), sum: 0 }))
  tellSeries({ ...definition, type: 'histogram', values: () => all.flatMap((one) => bucketsOf(name, buckets, one)) })
  return { record: (value, labels) => spread(of(labels), buckets, value) }
}

/** The series of a metric, each made when it is first asked for; from `MOST_SERIES` on, the one of all others. */
function boundedSeries<L extends string, S>(
  { labels: names = [] }: MetricDefinition<L>,
  make: (labels: Readonly<Record<string, string>>) => S,
): { all: S[]; of(labels: Labels<L>): S } {
  const all: S[] = []
  const known = new Map<string, S>()
  let beyond: S | undefined
  const add = (labels: Labels<string>): S => {
    const made = make(textOf(labels))
    all.push(made)
    return made
  }
  const [only, ...others] = names
  const of = (labels: Labels<L>): S => {
    let key = only === undefined ? '' : String(labels[only])
    for (const name of others) key += `\u0000${labels[name]}`
    const found = known.get(key)
    if (found) return found
    if (known.size >= MOST_SERIES) {
      beyond ??= add(Object.fromEntries(names.map((name) => [name, OTHER])))
      return beyond
    }
    const made = add(labels)
    known.set(key, made)
    return made
  }
  // Without labels there is a series from the start.
  if (only === undefined) of({} as Labels<L>)
  return { all, of }
}

function textOf<L extends string>(labels: Labels<L>): Record<L, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)])) as Record<L, string>
}
