import type { HealthReport } from '@tributary/runtime'
import type { ErrorSummary } from './blame.ts'
import type { ConsumerFigures, PartitionFigures } from './figures.ts'

/** Standing still this long while there is lag deserves a look, in seconds. Longer than any pause between two tries. */
const STALLED_DEGRADED = 30
/** Standing still this long means that the consumer does not do its job, in seconds. */
const STALLED_DOWN = 120

/**
 * Health is progress: `down` when a partition of this member has stood for more than 120 s with events to read, or when it may
 * not be in its group (`refusal`);
 * `degraded` when one has for more than 30 s, when keys are parked, or when a partition that is not this member's has
 * stood for more than 120 s (nobody may be reading it). A connection alone makes nothing healthy.
 */
export function judge(name: string, figures: ConsumerFigures, refusal?: ErrorSummary): HealthReport {
  const own = slowest(figures.partitions.filter(({ stage }) => stage !== 'elsewhere'))
  const other = slowest(figures.partitions.filter(({ stage }) => stage === 'elsewhere'))
  const details = { ...figures }
  if (refusal) return { name, status: 'down', reason: `${refusal.message} (${refusal.code})`, details }
  if (own && own.stalledSeconds > STALLED_DOWN) return { name, status: 'down', reason: stalled(own), details }
  if (own && own.stalledSeconds > STALLED_DEGRADED) return { name, status: 'degraded', reason: stalled(own), details }
  if (figures.parkedKeys > 0) return { name, status: 'degraded', reason: parked(name, figures.parkedKeys), details }
  if (other && other.stalledSeconds > STALLED_DOWN) return { name, status: 'degraded', reason: unread(other), details }
  return { name, status: 'ok', details }
}

/**
 * The report when the figures themselves cannot be read, because the log or the database is away. That is progress of
 * nobody, so it turns to `down` after 120 s like a stall.
 */
export function judgeUnreadable(name: string, code: string, forSeconds: number): HealthReport {
  return {
    name,
    status: forSeconds > STALLED_DOWN ? 'down' : 'degraded',
    reason: `The log or the database cannot be read (${code}), for ${forSeconds} s.`,
  }
}

const slowest = (partitions: readonly PartitionFigures[]): PartitionFigures | undefined =>
  partitions.toSorted((a, b) => b.stalledSeconds - a.stalledSeconds)[0]

const stalled = ({ partition, stalledSeconds, lag, trouble }: PartitionFigures): string =>
  `Partition ${partition} has stood still for ${stalledSeconds} s with ${lag} events to read${trouble ? ` (${trouble})` : ''}.`

const parked = (consumer: string, keys: number): string =>
  `${keys === 1 ? 'One key is' : `${keys} keys are`} parked: an event could not be applied. See: tributary parked list --consumer ${consumer}`

const unread = ({ partition, stalledSeconds }: PartitionFigures): string =>
  `Nobody has read partition ${partition} for ${stalledSeconds} s. Is another member of the group meant to?`
