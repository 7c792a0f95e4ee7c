export type DeliveryErrorCode = 'DELIVERY_REPLAY_REFUSED' | 'DELIVERY_ADDRESS_REFUSED'

export class DeliveryError extends Error {
  override readonly name = 'DeliveryError'
  readonly code: DeliveryErrorCode
  /** Whether the same call may succeed later without a change. */
  readonly retriable: boolean

  constructor(code: DeliveryErrorCode, message: string, options: { retriable: boolean; cause?: unknown }) {
    super(message, options)
    this.code = code
    this.retriable = options.retriable
  }
}
