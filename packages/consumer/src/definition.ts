import type { Connection } from '@tributary/database'
import type { Position } from '@tributary/event-log'
import type { Event } from '@tributary/events'

/** An event that passed its schema, with the place where it stands. */
export type Delivered = { topic: string; partition: number; position: Position; recordedTime: number; event: Event }

/**
 * A named reader of one topic. The loop gives it batches; for each, `prepare` does what needs no transaction (opening
 * sealed parts, sending), and `apply` writes the effects in the transaction whose first statement moved the cursor.
 * So each event has its effects exactly once, whatever crashes or repeats; what `prepare` does happens at least once.
 */
export type ConsumerDefinition<Prepared> = {
  /** Names the cursor. */
  name: string
  topic: string
  /** Names the group in which members share the partitions. */
  group: string
  /** Types it wants; others are passed over without being parsed. */
  types: readonly Event['type'][]
  /** Order is kept within a key; a poison event parks its key. Usually the partition key. */
  keyOf(event: Event): string
  /** May run for the next batch while `apply` runs for this one. */
  prepare(events: readonly Delivered[], signal: AbortSignal): Promise<Prepared>
  apply(connection: Connection, prepared: Prepared): Promise<void>
  /** Most events in a batch, default 500. */
  batchSize?: number
  /** What to do with an event that cannot be applied: `park` its key (default), or `stop` the partition. */
  poison?: 'park' | 'stop'
}
