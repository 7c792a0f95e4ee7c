import {
  type MetricConfiguration,
  Counter as PrometheusCounter,
  Gauge as PrometheusGauge,
  Histogram as PrometheusHistogram,
} from 'prom-client'
import { registry } from './registry.ts'

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
const BEYOND = 'other'

/** Upper bounds in seconds, those of OpenTelemetry's conventions for HTTP, below them finer for databases. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const

/** A counter of this process. Throws when the name is taken: metrics are made once, beside the code that counts. */
export function counter<const L extends string = never>(definition: MetricDefinition<L>): Counter<L> {
  const metric = new PrometheusCounter(configurationOf(definition))
  const bounded = boundedLabels(definition)
  return { add: (amount, labels) => metric.inc(bounded(labels), amount) }
}

/** A gauge of this process. Throws like `counter`. */
export function gauge<const L extends string = never>(definition: MetricDefinition<L>): Gauge<L> {
  const metric = new PrometheusGauge(configurationOf(definition))
  const set: Gauge<L>['set'] = (value, labels) => metric.set(textOf(labels), value)
  return {
    set,
    remove: (labels) => metric.remove(textOf(labels)),
    reading: (value, labels) => ({ metric: definition.name, set: () => set(value, labels) }),
  }
}

/** A histogram of this process, of seconds unless `buckets` (upper bounds) say otherwise. Throws like `counter`. */
export function histogram<const L extends string = never>(
  definition: MetricDefinition<L> & { buckets?: readonly number[] },
): Histogram<L> {
  const { buckets = SECONDS } = definition
  const metric = new PrometheusHistogram({ ...configurationOf(definition), buckets: [...buckets] })
  const bounded = boundedLabels(definition)
  return { record: (value, labels) => metric.observe(bounded(labels), value) }
}

function configurationOf<L extends string>({ name, help, labels = [] }: MetricDefinition<L>): MetricConfiguration<string> {
  return { name, help, labelNames: [...labels], registers: [registry] }
}

/** The labels as text, the same object for the same values; from `MOST_SERIES` on, those of the one series of all others. */
function boundedLabels<L extends string>({
  labels: names = [],
}: MetricDefinition<L>): (labels: Labels<L>) => Record<L, string> {
  const known = new Map<string, Record<L, string>>()
  const beyond = Object.fromEntries(names.map((name) => [name, BEYOND])) as Record<L, string>
  return (labels) => {
    let key = ''
    for (const name of names) key += `${labels[name]}\u0000`
    const found = known.get(key)
    if (found) return found
    if (known.size >= MOST_SERIES) return beyond
    const made = textOf(labels)
    known.set(key, made)
    return made
  }
}

function textOf<L extends string>(labels: Labels<L>): Record<L, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)])) as Record<L, string>
}
