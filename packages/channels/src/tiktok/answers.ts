import { type Static, type TSchema, Type } from 'typebox'
import { parseExactly } from '../reading/json-text.ts'
import { checkShape } from '../reading/shape.ts'

/** Partner Center, "Authorization overview" (202407). Both ends are moments in seconds since 1970, not durations. */
export const Tokens = Type.Object({
  access_token: Type.String({ minLength: 1 }),
  access_token_expire_in: Type.Integer({ minimum: 1 }),
  refresh_token: Type.String({ minLength: 1 }),
  refresh_token_expire_in: Type.Integer({ minimum: 0 }),
  seller_name: Type.Optional(Type.String()),
})

/** Get Authorized Shops (202309). */
export const Shops = Type.Object({
  shops: Type.Array(
    Type.Object({
      id: Type.String({ minLength: 1 }),
      name: Type.Optional(Type.String()),
      region: Type.Optional(Type.String()),
      cipher: Type.String({ minLength: 1 }),
    }),
  ),
})

/** Get Order List (202309) and Get Order Detail; the orders themselves are read one by one. */
export const OrderList = Type.Object({
  orders: Type.Optional(Type.Array(Type.Unknown())),
  next_page_token: Type.Optional(Type.String()),
  total_count: Type.Optional(Type.Integer()),
})

/** Get Shipping Providers (202309). */
export const ShippingProviders = Type.Object({
  shipping_providers: Type.Array(Type.Object({ id: Type.String(), name: Type.String() })),
})

/** Mark Package As Shipped, and Ship Package, which may say nothing. */
export const Shipped = Type.Object({ package_id: Type.Optional(Type.String()) })

/** Checks the `data` of a success. Throws ChannelError. */
export const readData = <T extends TSchema>(schema: T, data: string, what: string): Static<T> =>
  checkShape(schema, parseExactly(data), { from: 'TikTok Shop', what })
