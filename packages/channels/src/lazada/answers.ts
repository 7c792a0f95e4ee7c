import { type Static, type TSchema, Type } from 'typebox'
import { parseExactly } from '../reading/json-text.ts'
import { checkShape } from '../reading/shape.ts'

/** Documents print every value as text, live answers have numbers: both are taken. */
const Count = Type.Union([Type.Integer({ minimum: 0 }), Type.String({ pattern: '^\\d{1,12}$' })])
const Id = Type.Union([Type.Integer(), Type.String({ minLength: 1 })])

const Sellers = Type.Array(
  Type.Object({ country: Type.String({ minLength: 2 }), seller_id: Id, short_code: Type.Optional(Type.String()) }),
)

/** /auth/token/create and /refresh: flat, and each with another name for the list of sellers. */
export const Tokens = Type.Object({
  access_token: Type.String({ minLength: 1 }),
  expires_in: Count,
  refresh_token: Type.Optional(Type.String()),
  refresh_expires_in: Type.Optional(Count),
  country: Type.Optional(Type.String()),
  account: Type.Optional(Type.String()),
  country_user_info: Type.Optional(Sellers),
  country_user_info_list: Type.Optional(Sellers),
})

/** /orders/get. */
export const Orders = Type.Object({
  data: Type.Object({ countTotal: Type.Optional(Count), orders: Type.Optional(Type.Array(Type.Unknown())) }),
})

/** /orders/items/get. */
export const ItemLists = Type.Object({ data: Type.Array(Type.Object({ order_id: Type.Unknown() })) })

const Flag = Type.Optional(Type.Union([Type.String(), Type.Boolean()]))
const LineResult = {
  item_err_code: Type.Optional(Type.Union([Type.String(), Type.Integer()])),
  msg: Type.Optional(Type.String()),
  retry: Flag,
}

/** /order/fulfill/pack: the answer says of each line whether it was packed. */
export const Packed = Type.Object({
  result: Type.Object({
    success: Flag,
    error_code: Type.Optional(Type.Union([Type.String(), Type.Integer()])),
    error_msg: Type.Optional(Type.String()),
    data: Type.Optional(
      Type.Object({
        pack_order_list: Type.Optional(
          Type.Array(Type.Object({ order_item_list: Type.Optional(Type.Array(Type.Object(LineResult))) })),
        ),
        packages: Type.Optional(Type.Array(Type.Object(LineResult))),
      }),
    ),
  }),
})

/** /order/shipment/providers/get. */
export const Providers = Type.Object({
  result: Type.Object({
    data: Type.Optional(
      Type.Object({
        shipping_allocate_type: Type.Optional(Type.String()),
        shipment_providers: Type.Optional(
          Type.Array(
            Type.Object({ name: Type.Optional(Type.String()), provider_code: Type.Optional(Type.String({ minLength: 1 })) }),
          ),
        ),
      }),
    ),
  }),
})

/** Checks the shape of a success. Throws ChannelError. */
export const readAnswer = <T extends TSchema>(schema: T, text: string, what: string): Static<T> =>
  checkShape(schema, parseExactly(text), { from: 'Lazada', what })
