export type ProjectionErrorCode =
  | 'PROJECTION_PERSONAL_PART_INVALID'
  | 'PROJECTION_ROW_LOST'
  | 'PROJECTION_PLACE_TAKEN'
  | 'PROJECTION_FENCED'
  | 'PROJECTION_OUTDATED'
  | 'PROJECTION_REBUILD_REFUSED'
  | 'PROJECTION_SWAP_BLOCKED'

/**
 * An event that cannot be folded into rows, where trying again never helps, or tables that may not be written for the
 * moment (`PROJECTION_FENCED`, `PROJECTION_SWAP_BLOCKED`), where it does, or by this release (`PROJECTION_OUTDATED`). No
 * message holds a value of an event or a row.
 */
export class ProjectionError extends Error {
  override readonly name = 'ProjectionError'
  readonly code: ProjectionErrorCode
  readonly retriable: boolean

  constructor(code: ProjectionErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
    this.retriable = code === 'PROJECTION_FENCED' || code === 'PROJECTION_SWAP_BLOCKED'
  }
}
