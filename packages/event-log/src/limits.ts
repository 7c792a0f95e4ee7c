import type { StoredEvent } from '@tributary/events'
import { EventLogError } from './port.ts'

/** Most bytes of data in one event: what still fits a MySQL statement of 16 MB when its quotes are escaped. */
export const MAX_DATA_BYTES = 12 * 1024 * 1024
/** Most events, and bytes of data, in one call of `append`. */
export const MAX_CALL_EVENTS = 5_000
export const MAX_CALL_BYTES = 48 * 1024 * 1024

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Most characters of each attribute, for every driver the same. */
const LONGEST = { type: 64, partitionkey: 255, source: 255, subject: 512, traceparent: 64 } as const

/**
 * Bytes of data of each event, after checking that every driver could keep them all. Throws EventLogError
 * LOG_EVENT_INVALID, LOG_EVENT_TOO_LARGE or LOG_BATCH_TOO_LARGE before anything is written.
 */
export function checkEvents(events: readonly StoredEvent[]): number[] {
  if (events.length > MAX_CALL_EVENTS) throw batchTooLarge(`${events.length} events; at most ${MAX_CALL_EVENTS}`)
  const sizes = events.map(checkEvent)
  const bytes = sizes.reduce((sum, size) => sum + size, 0)
  if (bytes > MAX_CALL_BYTES) throw batchTooLarge(`${bytes} bytes of data; at most ${MAX_CALL_BYTES}`)
  return sizes
}

function checkEvent(event: StoredEvent): number {
  if (!UUID.test(event.id)) throw invalid(event, 'its id is not a lower-case UUID')
  const time = new Date(event.time)
  if (Number.isNaN(time.getTime()) || time.toISOString() !== event.time) {
    throw invalid(event, 'its time is not RFC 3339 in UTC with milliseconds')
  }
  for (const [name, most] of Object.entries(LONGEST)) {
    const value = event[name as keyof typeof LONGEST]
    if (value !== undefined && value.length > most) throw invalid(event, `its ${name} has more than ${most} characters`)
  }
  const bytes = Buffer.byteLength(event.data)
  if (bytes <= MAX_DATA_BYTES) return bytes
  throw new EventLogError(
    'LOG_EVENT_TOO_LARGE',
    `An event of type ${event.type} has ${bytes} bytes of data; at most ${MAX_DATA_BYTES}.`,
    { retriable: false },
  )
}

function invalid(event: StoredEvent, reason: string): EventLogError {
  const message = `An event of type ${event.type.slice(0, LONGEST.type)} cannot enter the log: ${reason}.`
  return new EventLogError('LOG_EVENT_INVALID', message, { retriable: false })
}

function batchTooLarge(reason: string): EventLogError {
  return new EventLogError('LOG_BATCH_TOO_LARGE', `One append had ${reason}. Append them in parts.`, { retriable: false })
}
