import { DatabaseError, type DatabaseErrorCode } from '@tributary/database'
import { codeOf, isRetriable } from '@tributary/runtime'

/** Refusals that the rows of an event can cause; all other errors of the database are about the database. */
const CAUSED_BY_ROWS: ReadonlySet<DatabaseErrorCode> = new Set<DatabaseErrorCode>([
  'DATABASE_VALUE_REFUSED',
  'DATABASE_DUPLICATE',
  'DATABASE_PACKET_TOO_LARGE',
  'DATABASE_STATEMENT_REFUSED',
])

/**
 * Whom an error is about. `surroundings`: the same work may succeed later, so it waits. `event`: this work cannot
 * succeed, so the culprit is looked for and its key parked. A missing table or grant is surroundings too, retriable
 * or not: it would park every key there is.
 */
export function blameFor(error: unknown): 'surroundings' | 'event' {
  if (error instanceof DatabaseError) return CAUSED_BY_ROWS.has(error.code) ? 'event' : 'surroundings'
  return isRetriable(error) ? 'surroundings' : 'event'
}

export type ErrorSummary = { code: string; message: string }

const LONGEST_MESSAGE = 500
/** Codes of Node's own, whose messages often quote what was given. */
const OF_NODE = /^ERR_/

/**
 * What may be kept about an error: the code and message of one that has a code, as ours promise to hold no values;
 * of any other, and of Node's own that quote values, only its name and where in the code it arose, because its message may
 * quote personal data.
 */
export function summarize(error: unknown): ErrorSummary {
  if (!(error instanceof Error)) return { code: 'UNKNOWN', message: 'Something that is no Error was thrown.' }
  const code = codeOf(error)
  const place = /([^/\\\s(]+:\d+):\d+\)?$/m.exec(error.stack ?? '')?.[1]
  const where = place ? `A ${error.name} at ${place}.` : `A ${error.name}.`
  if (code === undefined || !/^[A-Z][A-Z0-9_]{2,63}$/.test(code)) return { code: error.name.slice(0, 64), message: where }
  return { code, message: OF_NODE.test(code) ? where : error.message.slice(0, LONGEST_MESSAGE) }
}
