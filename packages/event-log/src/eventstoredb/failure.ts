import { ErrorType, isCommandError } from '@eventstore/db-client'
import { asLogError as asDatabaseLogError } from '../mysql/failure.ts'
import { EventLogError } from '../port.ts'

/** Codes of gRPC, with which the client hands errors through that come before its first call. */
const CODES = new Map<unknown, ErrorType>([
  [7, ErrorType.ACCESS_DENIED],
  [14, ErrorType.UNAVAILABLE],
  [16, ErrorType.ACCESS_DENIED],
])
const DISCOVERY_FAILED = /^Failed to discover/

/** The name that the client gives to what went wrong; undefined for an error that is none of the client's. */
export function failureOf(thrown: unknown): ErrorType | undefined {
  if (!(thrown instanceof Error)) return undefined
  if (isCommandError(thrown)) return thrown.type
  if ('code' in thrown && typeof thrown.code === 'number' && 'details' in thrown)
    return CODES.get(thrown.code) ?? ErrorType.UNKNOWN
  return DISCOVERY_FAILED.test(thrown.message) ? ErrorType.UNAVAILABLE : undefined
}

/** What a caller of the log sees of an error of the client or of the database. Others pass as they are. */
export function asLogError(thrown: unknown, doing: string): unknown {
  const failure = failureOf(thrown)
  if (failure === undefined) return asDatabaseLogError(thrown, doing)
  const cause = thrown as Error
  if (failure === ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED || /MaximumAppend(?:Event)?Size/.test(cause.message))
    return new EventLogError(
      'LOG_EVENT_TOO_LARGE',
      `The log could not ${doing}: the server takes no append so large. Raise its setting MaxAppendSize (docs/eventstoredb.md).`,
      { retriable: false, cause },
    )
  const advice = ADVICE[failure]
  return new EventLogError(
    'LOG_UNAVAILABLE',
    `The log could not ${doing}. ${advice ?? 'Does the server answer, and is the address right?'} (${failure}: ${cause.message})`,
    { retriable: advice === undefined, cause },
  )
}

/** Failures that no waiting mends. */
const ADVICE: Partial<Record<ErrorType, string>> = {
  [ErrorType.ACCESS_DENIED]: 'The server refuses this user, or its access to a stream.',
  [ErrorType.STREAM_DELETED]: 'A stream of the log was deleted.',
  [ErrorType.UNSUPPORTED]: 'This server is too old.',
}
