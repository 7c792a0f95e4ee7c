export type ConsumerErrorCode = 'CONSUMER_FENCED' | 'CONSUMER_EVENT_MISSING'

/**
 * CONSUMER_FENCED: another member took the partition over; what was in hand is undone and must be dropped, for its new
 * owner does it. CONSUMER_EVENT_MISSING: the log no longer holds an event that waits behind a parked key.
 */
export class ConsumerError extends Error {
  override readonly name = 'ConsumerError'
  readonly code: ConsumerErrorCode
  readonly retriable = false

  constructor(code: ConsumerErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
