import { DatabaseError, type DatabaseErrorCode } from '@tributary/database'
import { EventLogError, type EventLogErrorCode } from '../port.ts'

/** Where an event is to blame; everything else is the log being out of reach, or out of order. */
const CODES: Partial<Record<DatabaseErrorCode, EventLogErrorCode>> = {
  DATABASE_PACKET_TOO_LARGE: 'LOG_EVENT_TOO_LARGE',
  DATABASE_VALUE_REFUSED: 'LOG_EVENT_INVALID',
}

/** What a caller of the log sees of an error of the database. Anything else is a fault of ours and passes as it is. */
export function asLogError(thrown: unknown, doing: string): unknown {
  if (!(thrown instanceof DatabaseError)) return thrown
  const code = CODES[thrown.code] ?? 'LOG_UNAVAILABLE'
  return new EventLogError(code, `The log could not ${doing}. ${thrown.message}`, {
    retriable: thrown.retriable,
    cause: thrown,
  })
}
