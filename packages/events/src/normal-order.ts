import { type Static, Type } from 'typebox'
import { checkOf } from './schema-check.ts'

/** The normal order status (column `status`). Only AWAITING_SHIPMENT and PARTIALLY_SHIPPED may be shipped. */
export const ORDER_STATUSES = [
  'PENDING_PAYMENT',
  'ON_HOLD',
  'AWAITING_SHIPMENT',
  'AWAITING_COLLECTION',
  'PARTIALLY_SHIPPED',
  'SHIPPED',
  'DELIVERED',
  'COMPLETED',
  'CANCEL_REQUESTED',
  'CANCELLED',
  'REFUNDED',
  'RETURNED',
  'DELIVERY_FAILED',
  'PAYMENT_FAILED',
  'UNFULFILLABLE',
  'UNKNOWN',
] as const

export const OrderStatusSchema = Type.Enum(ORDER_STATUSES, { description: 'The normal order status.' })
export type OrderStatus = (typeof ORDER_STATUSES)[number]

const closed = { additionalProperties: false } as const

export const OrderLineSchema = Type.Object(
  {
    lineItemId: Type.String({ minLength: 1, description: "The marketplace's id of the line." }),
    quantity: Type.Integer({ description: 'Units ordered.' }),
    title: Type.String({ description: 'Listing title, whole; the table column may be shorter.' }),
    sku: Type.String({ description: "The seller's stock keeping unit, empty when the listing has none." }),
  },
  closed,
)
export type OrderLine = Static<typeof OrderLineSchema>

/** The part of an order that says nothing about a person. */
export const NormalOrderSchema = Type.Object(
  {
    status: OrderStatusSchema,
    sellerName: Type.String({ description: 'The seller as the order names it; goes to column `seller_id`.' }),
    cancelState: Type.String({ description: 'Raw value of the marketplace.' }),
    cancelledDate: Type.String({ description: 'As the marketplace wrote it; empty when there is none.' }),
    creationDate: Type.String({ description: 'As the marketplace wrote it.' }),
    creationTime: Type.Integer({ description: 'Milliseconds since 1970; 0 when the date is unreadable.' }),
    lastModifiedDate: Type.String({ description: 'As the marketplace wrote it.' }),
    fulfillmentStatus: Type.String({ description: 'Raw value of the marketplace.' }),
    paymentStatus: Type.String({ description: 'Raw value of the marketplace.' }),
    digest: Type.String({ description: 'MD5, lower-case hex, of the canonical mapped fields; goes to `original_md5`.' }),
    lines: Type.Array(OrderLineSchema, { description: 'Every line of this snapshot that could be read.' }),
    linesComplete: Type.Boolean({
      description:
        'Whether that is every line there is: then a line that is missing has gone, otherwise it may only be unreadable.',
    }),
  },
  { ...closed, description: 'What the order says that is not about people.' },
)
export type NormalOrder = Static<typeof NormalOrderSchema>

const known = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))

/**
 * What an order says about people. A field that is absent, masked or aged out at the marketplace is left out,
 * never written as an empty string: an absent field does not erase a known one.
 */
export const PersonalPartSchema = Type.Object(
  {
    buyer: Type.Object(
      {
        id: known("The marketplace's id or name of the buyer."),
        name: known('Full name.'),
        phone: known('Phone of the receiver, else of the buyer.'),
        email: known('E-mail, often a relay address.'),
        taxId: known('Tax identifier.'),
        taxType: known('Kind of the tax identifier.'),
        companyName: known('Company.'),
        remark: known('What the buyer wrote at checkout.'),
      },
      { ...closed, description: 'Who bought.' },
    ),
    receiver: Type.Object(
      {
        name: known('Name of the receiver; no table column takes it.'),
        addressLine1: known('First line of the street address.'),
        addressLine2: known('Second line of the street address.'),
        addressDetail: known('The whole address on one line.'),
        city: known('City.'),
        countryCode: known('Country, ISO 3166-1 alpha-2.'),
        province: known('State or province.'),
        postalCode: known('Postal code.'),
      },
      { ...closed, description: 'Where the parcel goes.' },
    ),
    original: Type.String({ description: "The order, byte for byte as the marketplace's JSON gave it." }),
  },
  closed,
)
export type PersonalPart = Static<typeof PersonalPartSchema>

const checkOfPersonalPart = checkOf<PersonalPart>(PersonalPartSchema)

export const isPersonalPart = (value: unknown): value is PersonalPart => checkOfPersonalPart()(value)

/** A field of the source that did not have the shape its platform documents. */
export const FieldProblemSchema = Type.Object(
  {
    field: Type.String({ description: 'Path in the source, for example `lineItems[3].quantity`.' }),
    problem: Type.String({ description: 'What was wrong, without the value.' }),
  },
  closed,
)
export type FieldProblem = Static<typeof FieldProblemSchema>
