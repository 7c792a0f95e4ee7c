export type SpoolErrorCode = 'SPOOL_FULL' | 'SPOOL_IN_USE' | 'SPOOL_UNUSABLE' | 'SPOOL_KIND_UNKNOWN'

/** What the spool refuses, and what its disk refuses it. No message holds anything that was received. */
export class SpoolError extends Error {
  override readonly name = 'SpoolError'
  readonly code: SpoolErrorCode
  /** Whether the same call may succeed later without a change. */
  readonly retriable: boolean

  constructor(code: SpoolErrorCode, message: string, options: { retriable: boolean; cause?: unknown }) {
    super(message, options)
    this.code = code
    this.retriable = options.retriable
  }
}

/** https://sqlite.org/rescode.html */
const SQLITE_BUSY = 5
const SQLITE_FULL = 13

const isSqlite = (error: unknown, code: number): boolean => (error as { errcode?: unknown }).errcode === code
export const isBusy = (error: unknown): boolean => isSqlite(error, SQLITE_BUSY)

/** An error of SQLite as one of ours. */
export function asSpoolError(error: unknown, file: string): SpoolError {
  if (error instanceof SpoolError) return error
  if (isSqlite(error, SQLITE_FULL))
    return new SpoolError(
      'SPOOL_FULL',
      'The spool holds all it may: the log must come back, or tributary.ingest.spool.max-bytes grow.',
      {
        retriable: true,
        cause: error,
      },
    )
  const { message } = error as Error
  return new SpoolError('SPOOL_UNUSABLE', `The spool ${file} cannot be used: ${message}. Look at its disk and its rights.`, {
    retriable: true,
    cause: error,
  })
}
