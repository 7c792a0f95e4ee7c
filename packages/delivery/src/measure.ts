import { counter, histogram } from '@tributary/runtime'
import type { Outcome } from './outcome.ts'

const attempts = counter({
  name: 'tributary_delivery_attempts_total',
  help: 'Tries to deliver, by how they ended.',
  labels: ['endpoint', 'outcome'],
})
const durations = histogram({
  name: 'tributary_delivery_attempt_duration_seconds',
  help: 'How long receivers took to answer.',
  labels: ['endpoint'],
})
const ages = histogram({
  name: 'tributary_delivery_age_seconds',
  help: 'From the append of an event until its receiver had taken it.',
  labels: ['endpoint'],
  buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3_600, 86_400],
})

const deadLetters = counter({
  name: 'tributary_dead_letters_total',
  help: 'Deliveries given up after their last retry, by the policy of their endpoint.',
  labels: ['endpoint'],
})

export const countDeadLetter = (endpoint: string): void => deadLetters.add(1, { endpoint })

/**
 * A try ended. `recordedTime` is when the log took the event, milliseconds since 1970; undefined when its age says nothing
 * about how fast we are, because it is being replayed.
 */
export function measureAttempt(endpoint: string, { kind, durationMs }: Outcome, recordedTime: number | undefined): void {
  attempts.add(1, { endpoint, outcome: kind })
  durations.record(durationMs / 1_000, { endpoint })
  if (kind === 'delivered' && recordedTime !== undefined)
    ages.record(Math.max(0, Date.now() - recordedTime) / 1_000, { endpoint })
}
