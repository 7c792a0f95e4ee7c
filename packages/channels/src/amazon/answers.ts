import { type Static, type TSchema, Type } from 'typebox'
import type { Answer } from '../http.ts'
import { ChannelError } from '../port.ts'
import { parseIfJson } from '../reading/json-text.ts'
import { checkShape } from '../reading/shape.ts'

/** Login with Amazon, "Access token response". The refresh token of a refresh is mostly the old one, or left out. */
export const Tokens = Type.Object({
  access_token: Type.String({ minLength: 1 }),
  expires_in: Type.Integer({ minimum: 1 }),
  refresh_token: Type.Optional(Type.String({ minLength: 1 })),
})

/** searchOrders (Orders API v2026-01-01), without a `payload` around it; the orders themselves are read one by one. */
export const OrderList = Type.Object({
  orders: Type.Array(Type.Unknown()),
  pagination: Type.Optional(Type.Union([Type.Null(), Type.Object({ nextToken: Type.Optional(Type.String()) })])),
})

/** getOrder (Orders API v2026-01-01). */
export const OneOrder = Type.Object({ order: Type.Object({}) })

/** Checks the shape of a success. Throws ChannelError. */
export function readAnswer<T extends TSchema>(schema: T, { text }: Answer, what: string): Static<T> {
  const value = parseIfJson(text)
  if (value === undefined)
    throw new ChannelError('CHANNEL_ANSWER_UNREADABLE', `Amazon's answer to ${what} is no JSON`, { remedy: 'retry' })
  return checkShape(schema, value, { from: 'Amazon', what })
}
