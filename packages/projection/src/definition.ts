import type { ContactPart, Event, PersonalPart } from '@tributary/events'

/** What a column can hold. Keep integers below 2^53. */
export type Cell = string | number | null
export type Row = Readonly<Record<string, Cell>>

/** The rows of one key, by table, each list sorted by primary key. The whole input and output of a fold. */
export type KeyState = Readonly<Record<string, readonly Row[]>>

/**
 * An event with its sealed part opened: `personal` of an order, `contact` of a change of a directory. 'erased' when its key
 * is gone, undefined when the type has none.
 */
export type OpenedEvent = Event & {
  personal?: PersonalPart | 'erased'
  contact?: ContactPart | 'erased'
}

export type TableDefinition = {
  name: string
  /** Always a single column; upserts go by it alone. */
  primaryKey: 'id'
  /** Every column, in the order of the DDL. */
  columns: readonly string[]
  /** How the rows of a key are found: by columns that the key gives, or by the id of a row in a table listed before. */
  by: { columns: readonly string[] } | { parent: string; column: string }
  /**
   * Columns of a unique index besides the primary key. An event that would give a row what the index takes for another row's
   * cannot be applied.
   */
  unique?: readonly string[]
  /** Values that nearly every row has in a column, which makes it cheaper to write many rows at once. */
  usual?: Readonly<Record<string, string | number>>
  /** Columns that hold data about people; tools show them only to whoever may see it. */
  personal?: readonly string[]
  /** Columns that a release brings: a rebuild makes them in the tables that it builds (docs/operations.md). */
  added?: readonly { column: string; definition: string }[]
}

/** What a fold noticed and an operator should be able to count. Never personal data. */
export type Remark = { kind: 'truncated' | 'unknown-value' | 'stale'; table: string; column: string; detail: string }

/**
 * A projection: rows as a pure fold over events. No I/O, no clock, no randomness, no change of its arguments.
 * Ids come from the event (the first that names a row wins), audit times from the event's time.
 */
export type Projection = {
  name: string
  /**
   * Grows with every release whose rows are not those of the release before; 1 unless told. Tables that a rebuild of a
   * version made are written by that version and later ones only (docs/operations.md).
   */
  version?: number
  topic: string
  types: readonly Event['type'][]
  tables: readonly TableDefinition[]
  /** The values of the first table's `by.columns`, or undefined when the event changes no row of this projection. */
  key(event: Event): readonly Cell[] | undefined
  fold(state: KeyState, event: OpenedEvent): { state: KeyState; remarks: readonly Remark[] }
  /** For a projection whose events change rows of more keys than their own; all of them must have one partition key. */
  reach?: Reach
}

/** Rows of a table by the values of one of its columns. */
export type Need = { table: string; column: string; values: readonly Cell[] }

/**
 * How the events of a projection reach rows of other keys. The engine then loads, inside the transaction, the rows that a
 * batch needs, whatever their keys, with their children (`by.parent`), and folds the whole batch over them.
 * Whatever the order in which events of different keys are heard, they must end in the same: one that cannot be applied
 * parks its own key (`Projection.key`), and the others go on.
 */
export type Reach = {
  /** Every row that the events may read or change; children come along. */
  needs(events: readonly OpenedEvent[]): readonly Need[]
  /** As `Projection.fold`, for events in log order over all rows they need. Rows are sorted by id, in and out. */
  fold(state: KeyState, events: readonly OpenedEvent[]): { state: KeyState; remarks: readonly Remark[] }
  /**
   * For an event that changes very many rows, each by itself: where they are. It is folded alone, over one page of these
   * rows at a time. Without `by` every row of the table is meant. Undefined for every other event.
   */
  sweep(event: OpenedEvent): readonly { table: string; by?: { column: string; value: Cell } }[] | undefined
  /**
   * Whether an event may take from a row what it has in a `unique` index. It is written by itself, so that it does not depend
   * on where a batch was cut whether an event before it found its place taken.
   */
  frees?(event: OpenedEvent): boolean
  /** For the key of a row that turned out to be the same as another: the id of that one, in the first table. */
  joined?(key: readonly Cell[]): number | undefined
}
