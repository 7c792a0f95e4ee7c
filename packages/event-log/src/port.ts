import type { StoredEvent } from '@tributary/events'

/**
 * Where an event stands in its partition. The first is 0. Positions grow; the MySQL and EventStoreDB drivers promise that
 * they have no gaps, Kafka's does not, so a reader's next position is the last it saw plus one, never a count.
 */
export type Position = number

export type RecordedEvent = {
  topic: string
  partition: number
  position: Position
  /** When the log took it, milliseconds since 1970. */
  recordedTime: number
  event: StoredEvent
}

/** One for each appended event, in the order given. `appended` is false when the log already held the event id. */
export type Appended = { partition: number; position: Position; appended: boolean }

export type Slice = {
  events: RecordedEvent[]
  /** Where to read on: after the last event looked at, even when none is returned. */
  next: Position
}

/** What a member of a group does with the partitions it is given. All calls for one partition come one after another. */
export type Follower = {
  /**
   * This member is now the partition's reader. Takes the cursor over and answers where to start.
   * `signal` aborts when the partition is taken away or the following ends: work on it must stop then.
   */
  assigned(partition: number, signal: AbortSignal): Promise<Position>
  /**
   * The next events in position order, and how many positions at least stand behind them. The next call comes only after
   * this resolves: that is the back-pressure. A throw gives the partition back; some member is then assigned again, after
   * a pause.
   */
  batch(partition: number, slice: Slice, left: number): Promise<void>
  /**
   * Aborts when a partition was taken from the follower. Whoever has the lease is then assigned it: this one again, at once, unless
   * another has taken that as well. The same goes for a throw of `assigned` that says that waiting may help (`retriable`).
   */
  lost?(partition: number): AbortSignal | undefined
  /** The partition is gone: finish or drop what is in hand, then resolve. Called once for each `assigned`, also one that threw. */
  revoked(partition: number): Promise<void>
}

/**
 * A named set of topics, each cut in partitions by key. Drivers: `mysql/`, `kafka/` and `eventstoredb/`. One
 * contract suite (`test/contract/event-log.ts`) runs over every driver.
 */
export type EventLog = {
  /** For messages and metrics, for example `mysql`. */
  readonly driver: string
  /**
   * Appends events to a topic, each to the partition of its key (murmur2, as Kafka), in the order given.
   * Resolves when they are durable. An event whose id the topic already holds is not appended again; `appended` tells.
   * Events of one call may be spread over several transactions, one partition never is.
   * Throws EventLogError: nothing, or a part that an equal second call completes, was kept. The same goes for the
   * reason of `signal`, which is thrown at once.
   */
  append(topic: string, events: readonly StoredEvent[], options?: { signal?: AbortSignal }): Promise<Appended[]>
  /** At most `limit` events (default 500) and about `maxBytes` of data (default 8 MB, but at least one event) from a position on. */
  read(
    topic: string,
    partition: number,
    from: Position,
    options?: { limit?: number; maxBytes?: number; signal?: AbortSignal },
  ): Promise<Slice>
  /**
   * Joins `group` for `topic` until `signal` aborts; which member reads which partition is the driver's business,
   * how far is the follower's (it answers the start from its own cursor). Resolves when every partition was revoked.
   */
  follow(options: {
    topic: string
    group: string
    follower: Follower
    signal: AbortSignal
    /** Most events of a slice; a function is asked before each. */
    limit?: number | (() => number)
    maxBytes?: number
    /** Milliseconds that events wait for others before a batch at the end of the topic, unless they come after a silence; default 5. */
    gathering?: number
  }): Promise<void>
  /** Number of partitions of a topic. */
  partitions(topic: string): Promise<number>
  /** For each partition the position the next event will get. */
  ends(topic: string): Promise<Position[]>
  /** Ends followers and appends in hand, then lets go of connections it made itself. */
  close(): Promise<void>
}

export type EventLogErrorCode =
  | 'LOG_UNAVAILABLE'
  | 'LOG_EVENT_INVALID'
  | 'LOG_EVENT_TOO_LARGE'
  | 'LOG_BATCH_TOO_LARGE'
  | 'LOG_TOPIC_UNKNOWN'
  | 'LOG_PARTITION_UNKNOWN'
  | 'LOG_URL_INVALID'
  | 'LOG_CLOSED'

export class EventLogError extends Error {
  override readonly name = 'EventLogError'
  readonly code: EventLogErrorCode
  /** Whether the same call may succeed later without a change. */
  readonly retriable: boolean

  constructor(code: EventLogErrorCode, message: string, options: { retriable: boolean; cause?: unknown }) {
    super(message, options)
    this.code = code
    this.retriable = options.retriable
  }
}
