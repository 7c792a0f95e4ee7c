import { Type } from 'typebox'

const Id = Type.Integer({ minimum: 0 })
const Name = Type.String({ minLength: 1, maxLength: 100 })
const Channel = Type.String({ pattern: '^[1-4]$' })
const Time = Type.Integer({ description: 'Milliseconds since 1970.' })
const closed = { additionalProperties: false }

export const OrderQuery = Type.Object(
  {
    channel: Type.Optional(Channel),
    seller: Type.Optional(Name),
    status: Type.Optional(Type.String({ minLength: 1, maxLength: 50 })),
    modifiedSince: Type.Optional(Type.String({ pattern: '^[0-9]{1,15}$', description: 'Milliseconds since 1970.' })),
    cursor: Type.Optional(Type.String({ pattern: '^[0-9]{1,15}$', description: '`next` of the page before.' })),
    limit: Type.Optional(Type.String({ pattern: '^([1-9][0-9]?|1[0-9]{2}|200)$', description: '1 to 200, default 50.' })),
  },
  closed,
)

export const OrderPath = Type.Object({ channel: Channel, sellerId: Name, orderId: Name }, closed)

export const Order = Type.Object(
  {
    id: Id,
    channel: Type.Integer(),
    sellerId: Type.String(),
    orderId: Type.String(),
    status: Type.String(),
    createTime: Time,
    updateTime: Time,
  },
  closed,
)

export const OrderPage = Type.Object({ orders: Type.Array(Order), next: Type.Union([Type.String(), Type.Null()]) }, closed)

export const NoQuery = Type.Object({}, closed)

export const Sellers = Type.Object(
  {
    sellers: Type.Array(
      Type.Object(
        {
          id: Id,
          channel: Type.Integer(),
          sellerId: Type.String(),
          appId: Id,
          region: Type.String(),
          spiServerCodes: Type.Array(Type.String()),
          createTime: Time,
          updateTime: Time,
        },
        closed,
      ),
    ),
  },
  closed,
)

export const ProblemDetails = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String(),
  detail: Type.String(),
  instance: Type.String(),
})
