import { codeOf } from '../coded.ts'
import type { Logger } from '../logger.ts'
import { pause } from '../pause.ts'
import { counter, type Reading } from './instruments.ts'
import { registry } from './registry.ts'

type Observer = { name: string; read: () => Promise<readonly Reading[]> | readonly Reading[] }

/** A scraper waits ten seconds by default; a database that does not answer must not cost it all other metrics. */
const SLOWEST_READ = 3_000

const failures = counter({
  name: 'tributary_metrics_read_failures_total',
  help: 'Scrapes in which the readings of an observer were missing, because they failed or took longer than 3 s.',
  labels: ['observer'],
})

const observers = new Set<Observer>()
/** Gauges that observers have read: what no observer reads any more must go, and not stand still. */
const read = new Set<string>()

/**
 * Has `readings` taken at every scrape, until the function that it answers is called. What is not read at a scrape is not
 * told at it: no old value stands in. For what only the database or the log knows, such as lag.
 */
export function observe(name: string, readings: Observer['read']): () => void {
  const observer = { name, read: readings }
  observers.add(observer)
  return () => observers.delete(observer)
}

let scraping: Promise<string> | undefined

/** Every metric in Prometheus's text format 0.0.4. Two scrapes at once share their readings. Never throws. */
export function metricsText(logger?: Logger): Promise<string> {
  scraping ??= scrape(logger).finally(() => {
    scraping = undefined
  })
  return scraping
}

async function scrape(logger: Logger | undefined): Promise<string> {
  const readings = (await Promise.all([...observers].map((observer) => readingsOf(observer, logger)))).flat()
  for (const metric of read) registry.getSingleMetric(metric)?.reset()
  for (const reading of readings) {
    read.add(reading.metric)
    reading.set()
  }
  return await registry.metrics()
}

async function readingsOf({ name, read }: Observer, logger: Logger | undefined): Promise<readonly Reading[]> {
  const done = new AbortController()
  const late = pause(SLOWEST_READ, done.signal).then(() => undefined)
  try {
    const readings = await Promise.race([Promise.resolve().then(read), late])
    if (readings) return readings
    logger?.warn({ observer: name }, 'metrics could not be read within 3 s')
  } catch (error) {
    logger?.warn({ observer: name, code: codeOf(error) }, 'metrics could not be read')
  } finally {
    done.abort()
  }
  failures.add(1, { observer: name })
  return []
}
