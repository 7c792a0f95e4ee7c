import type { Connection } from '@tributary/database'
import type { Position } from '@tributary/event-log'
import type { Event } from '@tributary/events'

/** An event that passed its schema, with the place where it stands. */
export type Delivered = { topic: string; partition: number; position: Position; recordedTime: number; event: Event }

/** A partition that this member owns, from `assigned` to `revoked`. */
export type OwnedPartition = {
  topic: string
  partition: number
  /** Aborts when the partition is taken away or the consumer stops. */
  signal: AbortSignal
  /**
   * Runs `work` in a transaction whose first statement locks the cursor's row and proves that this member still owns
   * it, so it takes turns with `apply`. A conflict runs `work` again, so it must do nothing but talk to its connection.
   * Throws ConsumerError CONSUMER_FENCED, and gives the partition up, when another member has taken it over.
   */
  fenced<T>(work: (connection: Connection) => Promise<T>): Promise<T>
}

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
  /**
   * May run for the next batch while `apply` runs for this one. The log is known to hold `left` positions behind these;
   * undefined for events of a requeued key, which tell nothing of where the consumer is.
   */
  prepare(events: readonly Delivered[], signal: AbortSignal, left: number | undefined): Promise<Prepared>
  apply(connection: Connection, prepared: Prepared): Promise<void>
  /**
   * The same for several batches at once, also of other consumers that have the same function here. With it, batches share
   * transactions (commit-group.ts). Of one partition there are several only with `preparesAhead`, and those come in order.
   */
  applyTogether?(connection: Connection, prepared: readonly Prepared[]): Promise<void>
  /**
   * May this member be in the group? Asked before it joins, and when it could not begin a partition; a throw keeps it out until
   * it is asked again, so that its partitions go to others. For what a pause does not mend.
   */
  admitted?(): Promise<void>
  /**
   * This member took the partition's cursor over, and the first batch waits for this. For work that belongs to the owner
   * of a partition but to no batch, for example retries. A throw gives the partition back; some member is then assigned again.
   */
  assigned?(owned: OwnedPartition): Promise<void>
  /**
   * The cursor now stands at `next` for good, with the effects of `prepared`, if anything was applied: called for each batch after
   * its commit, which it may share with the batches behind it, in order, and never for one that failed.
   */
  committed?(partition: number, next: Position, prepared: Prepared | undefined): void
  /** No batch and no `apply` will come; once for each `assigned` that resolved. The loop waits before it gives the partition back. */
  revoked?(partition: number): Promise<void>
  /** Most events in a batch, default 500. */
  batchSize?: number
  /** Most events that are read and prepared at once, asked each time, where that should be less than a batch for the moment. */
  sliceSize?(): number
  /** About how many bytes of data a batch has at most, default 8 MB. As much as two batches of a partition is in memory at a time. */
  batchBytes?: number
  /**
   * Whether batches are prepared while others are applied at the end of the log, too: as many as make a full batch. There it makes
   * batches smaller and brings their effects no sooner, so it is only for what is done in `prepare`.
   */
  preparesAhead?: boolean
  /**
   * Milliseconds that events wait for others once the consumer has caught up, default 5. More for effects that nobody waits
   * for: they come in fewer, larger transactions.
   */
  gathering?: number
  /**
   * Whether others move its cursors, as a rebuild and its rollback do. A member then looks every second whether a partition is still
   * its own: one that has nothing to write meets no fence, and would never come to what has to be applied again.
   */
  isMovedByOthers?: boolean
  /** What to do with an event that cannot be applied: `park` its key (default), or `stop` the partition. */
  poison?: 'park' | 'stop'
}

/** What the log gives at most at a time, when the definition says nothing. */
export const BATCH_BYTES = 8 * 1_024 * 1_024

/** Whether several batches of a partition may be applied at once. */
export const joinsBatches = (definition: { preparesAhead?: boolean; applyTogether?: unknown }): boolean =>
  definition.preparesAhead === true && definition.applyTogether !== undefined

/** Most events in a batch of this consumer. */
export const batchSizeOf = ({ batchSize = 500 }: { batchSize?: number }): number => batchSize
