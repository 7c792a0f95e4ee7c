import { DatabaseError } from '@tributary/database'
import { EventLogError } from '@tributary/event-log'
import { EventError } from '@tributary/events'
import { codeOf } from '@tributary/runtime'
import { VaultError } from '@tributary/vault'
import { SpoolError } from './errors.ts'

/** Codes that speak of what was to be kept, and not of whoever keeps it. */
const OF_THE_ENTRY: ReadonlySet<string> = new Set([
  'LOG_EVENT_INVALID',
  'LOG_EVENT_TOO_LARGE',
  'LOG_BATCH_TOO_LARGE',
  'DATABASE_VALUE_REFUSED',
  'DATABASE_PACKET_TOO_LARGE',
  'SPOOL_KIND_UNKNOWN',
])

/**
 * Whether an entry of the spool is to blame for a failure. A log that refuses us, a schema that does not fit and whatever else
 * concerns every entry is none of its: setting all of them aside, one after the other, would be worse than waiting.
 * `unknown` is an error without a code: a fault of ours, which may come from this entry alone.
 */
export function blame(error: unknown): 'entry' | 'surroundings' | 'unknown' {
  if (error instanceof EventError || (error instanceof VaultError && !error.retriable)) return 'entry'
  if (error instanceof DatabaseError || error instanceof EventLogError || error instanceof SpoolError)
    return OF_THE_ENTRY.has(error.code) ? 'entry' : 'surroundings'
  return codeOf(error) !== undefined ? 'surroundings' : 'unknown'
}
