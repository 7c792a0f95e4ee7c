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
