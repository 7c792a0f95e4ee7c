import { gauge, observe, type Reading } from '@tributary/runtime'
import type { ConsumerDefinition } from './definition.ts'
import type { ConsumerFigures } from './figures.ts'
import { countFromZero } from './measure.ts'

const place = ['consumer', 'topic', 'partition'] as const
const lagEvents = gauge({
  name: 'tributary_consumer_lag_events',
  help: 'Events that the log holds and the consumer has not had.',
  labels: place,
})
const lagSeconds = gauge({
  name: 'tributary_consumer_lag_seconds',
  help: 'Age of the oldest event that the consumer has not had; 0 without lag.',
  labels: place,
})
const stalledSeconds = gauge({
  name: 'tributary_consumer_stalled_seconds',
  help: 'Time without progress while there is lag.',
  labels: place,
})
const parkedKeys = gauge({
  name: 'tributary_consumer_parked_keys',
  help: 'Keys that wait behind an event that cannot be applied. Told by the process that owns the partition.',
  labels: place,
})

/** Tells at every scrape how far a consumer is in each partition, until the function that it answers is called. */
export function observeFigures(
  { name: consumer, topic }: Pick<ConsumerDefinition<unknown>, 'name' | 'topic'>,
  figures: () => Promise<ConsumerFigures>,
): () => void {
  countFromZero(consumer)
  return observe(`consumer ${consumer}`, async () => {
    const { partitions } = await figures()
    return partitions.flatMap(({ partition, lag, stage, ...its }): Reading[] => {
      const labels = { consumer, topic, partition }
      return [
        lagEvents.reading(lag, labels),
        lagSeconds.reading(its.lagSeconds, labels),
        stalledSeconds.reading(its.stalledSeconds, labels),
        ...(stage === 'elsewhere' ? [] : [parkedKeys.reading(its.parkedKeys, labels)]),
      ]
    })
  })
}
