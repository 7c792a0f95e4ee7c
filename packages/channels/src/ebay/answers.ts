import { type Static, type TSchema, Type } from 'typebox'
import type { Answer } from '../http.ts'
import { ChannelError } from '../port.ts'
import { parseList } from '../reading/json-text.ts'
import { checkShape } from '../reading/shape.ts'

/** Answers to the three grants of the token endpoint (developer.ebay.com, "OAuth authorization code grant request"). */
export const UserTokens = Type.Object({
  access_token: Type.String({ minLength: 1 }),
  expires_in: Type.Integer({ minimum: 1 }),
  refresh_token: Type.String({ minLength: 1 }),
  refresh_token_expires_in: Type.Integer({ minimum: 0 }),
})

/** A refresh keeps the refresh token: eBay sends none. One that comes all the same has replaced ours. */
export const RefreshedTokens = Type.Object({
  access_token: Type.String({ minLength: 1 }),
  expires_in: Type.Integer({ minimum: 1 }),
  refresh_token: Type.Optional(Type.String({ minLength: 1 })),
  refresh_token_expires_in: Type.Optional(Type.Integer({ minimum: 0 })),
})

export const AppToken = Type.Object({
  access_token: Type.String({ minLength: 1 }),
  expires_in: Type.Integer({ minimum: 1 }),
})

/** Commerce Identity API v1, UserResponse: `userId` never changes, `username` may. */
export const User = Type.Object({
  userId: Type.String({ minLength: 1 }),
  username: Type.Optional(Type.String()),
  registrationMarketplaceId: Type.Optional(Type.String()),
})

/** Commerce Notification API, PublicKey. */
export const PublicKeyAnswer = Type.Object({
  key: Type.String({ minLength: 1 }),
  algorithm: Type.String(),
  digest: Type.String(),
})

/** eBay Fulfillment OpenAPI v1.20.7, OrderSearchPagedCollection. The orders themselves are read one by one. */
const OrderList = Type.Object({
  orders: Type.Array(Type.Unknown()),
  total: Type.Optional(Type.Integer({ minimum: 0 })),
  next: Type.Optional(Type.String()),
})

/** eBay Fulfillment OpenAPI v1.20.7, ShippingFulfillmentPagedCollection: `{"total":0,"fulfillments":[]}` when there is none. */
export const FulfillmentList = Type.Object({
  fulfillments: Type.Array(
    Type.Object({
      fulfillmentId: Type.Optional(Type.String()),
      shipmentTrackingNumber: Type.Optional(Type.String()),
      lineItems: Type.Optional(Type.Array(Type.Object({ lineItemId: Type.String() }))),
    }),
  ),
})

/**
 * Parses a successful answer and checks its shape. Text that is no JSON is most likely cut off or a proxy's page and worth
 * another try; JSON of another shape is not. The error names paths, never values: they may be tokens or personal data.
 */
export function readAnswer<T extends TSchema>(schema: T, answer: Answer, what: string): Static<T> {
  return checkShape(schema, parseAnswer(answer, what), { from: 'eBay', what })
}

/** Throws CHANNEL_ANSWER_UNREADABLE (retry) when the text is no JSON. */
export function parseAnswer(answer: Answer, what: string): unknown {
  return parsed(answer, what, ({ text }) => JSON.parse(text))
}

/** A page of orders: what it says of itself, checked, and its elements as they were written and as values. Throws like `readAnswer`. */
export function readOrderList(answer: Answer, what: string) {
  const { rest, elements } = parsed(answer, what, ({ bytes }) => parseList(bytes, 'orders'))
  return { list: checkShape(OrderList, rest, { from: 'eBay', what }), elements }
}

function parsed<T>(answer: Answer, what: string, parse: (answer: Answer) => T): T {
  if (answer.oversized)
    throw new ChannelError('CHANNEL_ANSWER_UNREADABLE', `eBay's answer to ${what} is larger than we hold`, { remedy: 'bug' })
  try {
    return parse(answer)
  } catch {
    throw new ChannelError('CHANNEL_ANSWER_UNREADABLE', `eBay's answer to ${what} is no JSON`, { remedy: 'retry' })
  }
}
