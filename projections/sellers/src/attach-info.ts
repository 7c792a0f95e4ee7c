import type { EventData } from '@tributary/events'
import type { Cell } from '@tributary/projection'

/** What we keep in the column `attach_info`, a JSON object; what others keep there stays. Times in milliseconds since 1970. */
export type AttachInfo = {
  sellerName?: string
  /** When the grant that the row shows was given. */
  authorizedTime?: number
  /** When the marketplace last replaced the refresh token of that grant. */
  rotatedTime?: number
  /** `authorizedTime` of the grant of which that was, where the event said so. */
  rotatedGrantTime?: number
  /** Why and when the grant ended, and `authorizedTime` of that grant where the event said so; absent while it stands. */
  deauthorized?: { reason: EventData<'SellerDeauthorized'>['reason']; time: number; grantTime?: number }
}

/** Reads the column; what is no JSON object counts as empty. */
export const readAttachInfo = (text: Cell): AttachInfo => {
  try {
    const info: unknown = JSON.parse(String(text ?? '{}'))
    return typeof info === 'object' && info !== null && !Array.isArray(info) ? info : {}
  } catch {
    return {}
  }
}
