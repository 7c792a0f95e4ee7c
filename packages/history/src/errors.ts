export type HistoryErrorCode =
  | 'HISTORY_PLACE_UNKNOWN'
  | 'HISTORY_TABLE_UNKNOWN'
  | 'HISTORY_ROW_UNKNOWN'
  | 'HISTORY_ARCHIVE_INVALID'
  | 'HISTORY_ARCHIVE_BROKEN'
  | 'HISTORY_ARCHIVE_BUSY'
  | 'HISTORY_ARCHIVE_DIFFERS'
  | 'HISTORY_ARCHIVE_UNWRITABLE'
  | 'HISTORY_TARGET_NOT_EMPTY'
  | 'HISTORY_SOURCE_INVALID'
  | 'HISTORY_POSITIONS_DIFFER'

/** Something that was asked for cannot be found or done; the message says what to do instead. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError'
  readonly code: HistoryErrorCode
  readonly retriable = false

  constructor(code: HistoryErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.code = code
  }
}
