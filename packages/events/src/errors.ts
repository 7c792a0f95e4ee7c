/** What a caller may match on. `retriable` says whether the same call may succeed later without a change. */
export type EventErrorCode = 'EVENT_TYPE_UNKNOWN' | 'EVENT_VERSION_UNKNOWN' | 'EVENT_INVALID' | 'EVENT_NOT_JSON'

/** An event that may not enter the log, or that this version cannot read. Never retriable: only a change helps. */
export class EventError extends Error {
  override readonly name = 'EventError'
  readonly code: EventErrorCode
  readonly retriable = false

  constructor(code: EventErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

export type RowIdErrorCode = 'ROW_ID_WORKER_INVALID' | 'ROW_ID_LEASE_LOST' | 'ROW_ID_TIME_OUT_OF_RANGE'

/** No row id can be made. A lost lease may be leased again, so only that is retriable. */
export class RowIdError extends Error {
  override readonly name = 'RowIdError'
  readonly code: RowIdErrorCode
  readonly retriable: boolean

  constructor(code: RowIdErrorCode, message: string) {
    super(message)
    this.code = code
    this.retriable = code === 'ROW_ID_LEASE_LOST'
  }
}
