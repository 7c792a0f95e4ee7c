export type ProjectionErrorCode = 'PROJECTION_PERSONAL_PART_INVALID' | 'PROJECTION_ROW_LOST'

/** An event that cannot be folded into rows; trying again never helps. No message holds a value of an event or a row. */
export class ProjectionError extends Error {
  override readonly name = 'ProjectionError'
  readonly code: ProjectionErrorCode
  readonly retriable = false

  constructor(code: ProjectionErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
