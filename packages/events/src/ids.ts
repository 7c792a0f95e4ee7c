import { hash, randomBytes } from 'node:crypto'
import { RowIdError } from './errors.ts'

/** 2020-01-01T00:00:00Z: row ids count milliseconds from here, so 41 bits last until 2089. */
export const ROW_ID_EPOCH = 1_577_836_800_000

const WORKERS = 2 ** 5
const SEQUENCES = 2 ** 7
const MILLISECONDS = 2 ** 41

/**
 * The id of an event about something we received, the same whenever the same thing is heard again.
 * UUIDv8 (RFC 9562 §5.8): SHA-256 over the parts, each behind its length in bytes, so that ('ab', 'c') is not ('a', 'bc').
 */
export const derivedEventId = (...parts: (string | number)[]): string => {
  // A character for each byte, made to bytes at once: an order has some thirty parts, each of a few.
  let bytes = ''
  for (const part of parts) {
    const text = String(part)
    const length = Buffer.byteLength(text)
    bytes += String.fromCharCode(length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff)
    bytes += length === text.length ? text : Buffer.from(text).toString('latin1')
  }
  return shapedAsUuid(hash('sha256', Buffer.from(bytes, 'latin1'), 'hex'), '8')
}

/** The id of an event about something we decide: UUIDv7 (RFC 9562 §5.7), so ids sort by `now`, milliseconds since 1970. */
export const timeOrderedEventId = (now: number = Date.now()): string =>
  shapedAsUuid(now.toString(16).padStart(12, '0') + randomBytes(10).toString('hex'), '7')

/** Sets the version and the variant bits of 32 or more hex digits. */
const shapedAsUuid = (hex: string, version: '7' | '8'): string => {
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${version}${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

export type RowIds = {
  /** A row id that this worker never gave before, larger than all it gave. Throws RowIdError. */
  next(): number
}

/**
 * Makes row ids of 53 bits, safe in every language: 41 of milliseconds since ROW_ID_EPOCH, 5 of worker, 7 of sequence.
 * A full millisecond borrows from the next, and a clock that goes back is waited out by counting on, so ids only grow.
 * They bear times behind `from`; `mayIssue` says whether one may be made that bears this time, both in milliseconds since 1970. Two that
 * make ids for one `worker` (0 to 31) must have been given times of their own (`leaseRowIdWorker`).
 */
export const createRowIds = (options: {
  worker: number
  from?: number
  now?: () => number
  mayIssue?: (time: number) => boolean
}): RowIds => {
  const { worker, from = ROW_ID_EPOCH, now = Date.now, mayIssue = () => true } = options
  if (!Number.isInteger(worker) || worker < 0 || worker >= WORKERS)
    throw new RowIdError('ROW_ID_WORKER_INVALID', `A row id worker is a number from 0 to ${WORKERS - 1}.`)
  let millisecond = Math.max(0, from - ROW_ID_EPOCH)
  let sequence = SEQUENCES - 1

  const next = (): number => {
    const current = Math.floor(now()) - ROW_ID_EPOCH
    if (current > millisecond) {
      millisecond = current
      sequence = 0
    } else if (++sequence >= SEQUENCES) {
      millisecond += 1
      sequence = 0
    }
    if (millisecond >= MILLISECONDS)
      throw new RowIdError('ROW_ID_TIME_OUT_OF_RANGE', 'The clock is past 2089, where row ids end: set the clock.')
    if (!mayIssue(millisecond + ROW_ID_EPOCH))
      throw new RowIdError(
        'ROW_ID_LEASE_LOST',
        `The lease on row id worker ${worker} is gone: lease one again before making ids.`,
      )
    return (millisecond * WORKERS + worker) * SEQUENCES + sequence
  }
  return { next }
}
