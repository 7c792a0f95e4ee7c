export type DatabaseErrorCode =
  | 'DATABASE_URL_INVALID'
  | 'DATABASE_UNAVAILABLE'
  | 'DATABASE_BUSY'
  | 'DATABASE_REFUSED'
  | 'DATABASE_READ_ONLY'
  | 'DATABASE_DEADLOCK'
  | 'DATABASE_LOCK_TIMEOUT'
  | 'DATABASE_EXHAUSTED'
  | 'DATABASE_TOO_SLOW'
  | 'DATABASE_DUPLICATE'
  | 'DATABASE_VALUE_REFUSED'
  | 'DATABASE_PACKET_TOO_LARGE'
  | 'DATABASE_SCHEMA_MISMATCH'
  | 'DATABASE_STATEMENT_REFUSED'
  | 'DATABASE_NOT_PREPARED'
  | 'DATABASE_MIGRATION_CHANGED'
  | 'DATABASE_NEWER_THAN_PROGRAM'
  | 'DATABASE_ROW_UNREADABLE'
  | 'DATABASE_WORKERS_TAKEN'
  | 'DATABASE_CLOCK_APART'

const RETRIABLE: ReadonlySet<DatabaseErrorCode> = new Set<DatabaseErrorCode>([
  'DATABASE_UNAVAILABLE',
  'DATABASE_BUSY',
  'DATABASE_READ_ONLY',
  'DATABASE_DEADLOCK',
  'DATABASE_LOCK_TIMEOUT',
  'DATABASE_EXHAUSTED',
  'DATABASE_TOO_SLOW',
  'DATABASE_WORKERS_TAKEN',
])

/**
 * What went wrong at the database. `retriable` says that the same call may succeed later without a change.
 * Neither message nor cause holds a value of a row, a statement's values or a password.
 */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError'
  readonly code: DatabaseErrorCode
  readonly retriable: boolean

  constructor(code: DatabaseErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
    this.retriable = RETRIABLE.has(code)
  }
}

/** True for the two errors after which the server wants the whole transaction again. */
export function isTransactionConflict(error: unknown): boolean {
  return error instanceof DatabaseError && (error.code === 'DATABASE_DEADLOCK' || error.code === 'DATABASE_LOCK_TIMEOUT')
}
