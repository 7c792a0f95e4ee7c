import { counter, histogram } from '@tributary/runtime'

const durations = histogram({
  name: 'messaging_process_duration_seconds',
  help: 'How long the transactions took that gave a batch its effects and moved the cursor.',
  labels: ['messaging_system', 'messaging_operation_name', 'messaging_destination_name', 'consumer'],
})
const batches = histogram({
  name: 'tributary_consumer_batch_events',
  help: 'Events that one transaction applied.',
  labels: ['consumer'],
  buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000],
})
const ages = histogram({
  name: 'tributary_consumer_event_age_seconds',
  help: 'From the append of the oldest event of a batch until its effects were durable.',
  labels: ['consumer'],
  buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3_600, 86_400],
})
const applied = counter({
  name: 'tributary_consumer_applied_events_total',
  help: 'Events that had their effects through this process.',
  labels: ['consumer'],
})
const fences = counter({
  name: 'tributary_consumer_fences_total',
  help: 'Partitions that this process lost to a newer owner while it was working on them.',
  labels: ['consumer'],
})
const parkings = counter({
  name: 'tributary_consumer_parkings_total',
  help: 'Events that could not be applied, so that their key was parked.',
  labels: ['consumer'],
})

/** A batch had its effects. `started` by performance.now(); `oldest` is when the log took its first event, by the clock. */
export function measureBatch(batch: {
  consumer: string
  topic: string
  driver: string
  events: number
  started: number
  oldest: number
}): void {
  const { consumer, topic, driver, events, started, oldest } = batch
  durations.record((performance.now() - started) / 1_000, {
    messaging_system: driver,
    messaging_operation_name: 'process',
    messaging_destination_name: topic,
    consumer,
  })
  batches.record(events, { consumer })
  applied.add(events, { consumer })
  ages.record(Math.max(0, Date.now() - oldest) / 1_000, { consumer })
}

export const countFence = (consumer: string): void => fences.add(1, { consumer })
export const countParking = (consumer: string): void => parkings.add(1, { consumer })

/** Has a consumer's troubles stand at zero before the first one, so that the first is a growth that an alert can see. */
export function countFromZero(consumer: string): void {
  fences.add(0, { consumer })
  parkings.add(0, { consumer })
}
