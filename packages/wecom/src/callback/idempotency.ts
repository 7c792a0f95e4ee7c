import { hash } from 'node:crypto'
import type { Fields, FieldValue } from './fields.ts'

/** What two deliveries of one callback have in common: every opened field, keys sorted, and whom it was sealed for. */
export const canonicalText = (receiveId: string, fields: Fields): string => JSON.stringify(sorted({ fields, receiveId }))

/**
 * The key under which a callback is kept once. WeCom gives no id, and a second is too coarse (vectors 44 and 45), so it is
 * made of all that was said; not of ciphertext, nonce or the query's time, which may differ when it is sent again.
 */
export const idempotencyKey = (receiveId: string, fields: Fields): string =>
  `wecom:v1:${hash('sha256', canonicalText(receiveId, fields), 'base64url')}`

function sorted(value: FieldValue): FieldValue {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(sorted)
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, item]) => [name, sorted(item)]),
  )
}
