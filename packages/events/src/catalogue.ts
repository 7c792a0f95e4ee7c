import { type Static, type TSchema, Type } from 'typebox'
import { ContactChanged, CorpAuthorized, CorpDeauthorized, CorpNotified } from './contacts.ts'
import { FieldProblemSchema, NormalOrderSchema } from './normal-order.ts'

/** Topic names that operations know. Changing one orphans every cursor and consumer group. */
export const ORDER_TOPIC = 'EG_ORDER_SPI_TOPIC'
export const CONTACT_TOPIC = 'EG_WEWORK_EVENT_WEBHOOK_TOPIC'
export type Topic = typeof ORDER_TOPIC | typeof CONTACT_TOPIC

const closed = { additionalProperties: false } as const
/** The last moment that a JavaScript date can name. */
const LAST_DATE = 8_640_000_000_000_000
const channel = Type.Integer({ minimum: 1, maximum: 99, description: '1 eBay, 2 TikTok Shop, 3 Amazon, 4 Lazada.' })
/** An id that rows are found by: whole in its column, which holds 100 characters, and equal after a round trip. */
const sourceId = (description: string) =>
  Type.String({ minLength: 1, maxLength: 100, pattern: '^[^\\p{Cc}\\p{Cs}]+$', description })
const sellerId = sourceId("The marketplace's own id of the seller.")
const orderId = sourceId("The marketplace's id of the order.")
const rowId = (description: string) => Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description })
const milliseconds = (description: string) =>
  Type.Integer({ minimum: 0, maximum: LAST_DATE, description: `${description} Milliseconds since 1970.` })
const sealed = Type.String({ description: 'JWE compact (dir, A256GCM), bound to the subject and to this event id.' })
const sellerRowId = rowId('The seller in `eg_order_app_seller`.')
const subject = Type.String({ description: 'Pseudonym of whom the sealed part is about; names the data key in the vault.' })
const spiServerCodes = Type.Array(Type.String({ minLength: 1 }), { description: '`eg_spi.server_code` of every receiver.' })

const OrderReceived = Type.Object(
  {
    channel,
    sellerId,
    sellerRowId,
    orderId,
    sourceTime: milliseconds('When the marketplace last modified the order; orders snapshots among themselves.'),
    origin: Type.Enum(['notification', 'poll', 'manual', 'import'], { description: 'What made us read the order.' }),
    rowIds: Type.Object(
      {
        order: rowId('For `eg_order_order`.'),
        original: rowId('For `eg_order_order_original`.'),
        lines: Type.Record(Type.String(), rowId('For `eg_order_order_detail`.'), { description: 'By line item id.' }),
      },
      { ...closed, description: 'Ids for rows that do not exist yet; rows that do keep theirs.' },
    ),
    order: NormalOrderSchema,
    subject,
    sealed: Type.Union([sealed, Type.Null()], {
      description: 'A PersonalPart; null when the person had been erased before the order was read.',
    }),
    problems: Type.Array(FieldProblemSchema, { description: 'Fields of the source that were not as documented.' }),
  },
  { ...closed, description: 'A snapshot of an order, as the channel gave it and in its normal form.' },
)

const OrderNotified = Type.Object(
  {
    channel,
    sellerId,
    orderId,
    topic: Type.String({ description: "The marketplace's name for the kind of notification." }),
    notificationId: Type.String({ minLength: 1, description: "The marketplace's id; the same on every try." }),
    notifiedTime: milliseconds('When the marketplace says the thing happened.'),
  },
  { ...closed, description: 'A webhook said that an order changed. A hint: order-sync reads the order.' },
)

const NotificationReceived = Type.Object(
  {
    channel,
    topic: Type.String({ minLength: 1, description: "The marketplace's name for the kind of notification." }),
    notificationId: Type.String({ minLength: 1, description: "The marketplace's id; the same on every try." }),
    notifiedTime: milliseconds('When the marketplace says the thing happened.'),
    sellerId: Type.Union([sellerId, Type.Null()], { description: 'null when the notification names no seller.' }),
    subject,
    sealed: Type.Union([sealed, Type.Null()], { description: 'The raw body; null when the person had been erased.' }),
  },
  { ...closed, description: 'A verified webhook that names no order; kept, and acted on where a service knows its topic.' },
)

const refreshToken = {
  subject,
  sealed: Type.Union([sealed, Type.Null()], { description: 'The refresh token; null when its key was destroyed.' }),
  refreshTokenExpiresIn: Type.Integer({ minimum: 0, description: 'Seconds, as the marketplace gave it.' }),
  refreshTokenExpiresTime: milliseconds('When the refresh token ends; 0 when it does not.'),
}

const SellerAuthorized = Type.Object(
  {
    channel,
    sellerId,
    rowId: rowId('For `eg_order_app_seller`, unless the seller has its row.'),
    appId: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: '`eg_order_app.id`.' }),
    sellerName: Type.String({ description: 'Name of the seller when it consented; it may change.' }),
    region: Type.String({ description: 'Marketplace or region of the consent; empty when there is only one.' }),
    spiServerCodes: Type.Union([spiServerCodes, Type.Null()], { description: 'null leaves the codes as they are.' }),
    authorizedTime: milliseconds('When the grant was exchanged; of one that waited for an operator, when it was confirmed.'),
    ...refreshToken,
  },
  { ...closed, description: 'A seller let an app act for it.' },
)

const ofGrant = {
  authorizedTime: Type.Optional(
    milliseconds('`authorizedTime` of the grant this is about: it says nothing of a consent given later, whenever we asked.'),
  ),
}

const SellerTokenRotated = Type.Object(
  {
    channel,
    sellerId,
    rotatedTime: milliseconds('When we asked for the new token: a consent given later counts more.'),
    ...ofGrant,
    ...refreshToken,
  },
  { ...closed, description: 'The marketplace replaced the refresh token.' },
)

const SellerConfigured = Type.Object(
  { channel, sellerId, spiServerCodes },
  { ...closed, description: 'An operator chose which SPI services get the orders of a seller.' },
)

const SellerDeauthorized = Type.Object(
  {
    channel,
    sellerId,
    reason: Type.Enum(['revoked', 'expired', 'refused', 'operator'], { description: 'How we know.' }),
    deauthorizedTime: milliseconds('When we were sure of it.'),
    ...ofGrant,
  },
  { ...closed, description: 'The grant is gone; only a new consent helps.' },
)

const shipmentId = Type.String({
  pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
  description: 'Ours; the same for a request, its repetitions and its outcome.',
})
const parcel = {
  lines: Type.Array(
    Type.Object(
      {
        lineItemId: Type.String({ description: "The marketplace's id of the line." }),
        quantity: Type.Integer({ minimum: 1, description: 'Units in the package.' }),
      },
      closed,
    ),
    { description: 'What is in the package.' },
  ),
  shippedTime: milliseconds('When the package left.'),
}

const ShipmentRequested = Type.Object(
  {
    channel,
    sellerId,
    orderId,
    shipmentId,
    carrier: Type.String({ maxLength: 100, description: 'As the marketplace names it; empty where it chooses.' }),
    trackingNumber: Type.String({ maxLength: 100, description: 'Empty where the marketplace chooses it.' }),
    ...parcel,
    requestedBy: Type.String({ maxLength: 100, description: 'The caller: id of an API key, or `operator`.' }),
  },
  { ...closed, description: 'Somebody of ours asked to tell the marketplace that a package left. `order-sync` does so, once.' },
)

const ShipmentConfirmed = Type.Object(
  {
    channel,
    sellerId,
    orderId,
    shipmentId: Type.Union([shipmentId, Type.Null()], { description: 'null in events from before requests had ids.' }),
    fulfillmentId: Type.String({ description: "The marketplace's id of the shipment." }),
    carrier: Type.String({ description: 'As the marketplace names it.' }),
    trackingNumber: Type.String({ description: 'As announced, or as the marketplace chose it.' }),
    ...parcel,
  },
  { ...closed, description: 'The marketplace took our word that a package is on its way.' },
)

const ShipmentRefused = Type.Object(
  {
    channel,
    sellerId,
    orderId,
    shipmentId,
    code: Type.String({ minLength: 1, maxLength: 100, description: "The marketplace's code, or one of ours in capitals." }),
    detail: Type.String({ maxLength: 1000, description: "The marketplace's reason in its own words." }),
    refusedTime: milliseconds('When we heard it.'),
  },
  { ...closed, description: 'The marketplace would not take a shipment; asking again for the same changes nothing.' },
)

const PersonalDataErased = Type.Object(
  {
    channel,
    sellerId,
    sellerRowId,
    orderId,
    rowId: rowId('For `eg_order_order`, should this event come before the first snapshot of the order.'),
    subject,
    reason: Type.Enum(['account-deletion', 'operator'], { description: 'Who asked for it.' }),
    notificationId: Type.String({ description: 'The notification that asked for it; empty when none did.' }),
    requestedTime: milliseconds('When the erasure was asked for.'),
  },
  { ...closed, description: 'The data key of a person was destroyed; one event for each order that held data of theirs.' },
)

/** What the partition keys are made of, for the reader of `docs/events.md`; `keys.ts` makes them. */
const byOrder = 'channel:seller:order'
const bySeller = 'channel:seller'
const byCorp = 'corp'
const byCorpOrId = 'corp, or the event id when no corp is named'
const bySellerOrId = 'channel:seller, or the event id when no seller is named'

/** Every event type at its newest version. Older versions live in `upcasters.ts` only. */
export const CATALOGUE = {
  OrderReceived: { version: 1, topic: ORDER_TOPIC, key: byOrder, schema: OrderReceived },
  OrderNotified: { version: 1, topic: ORDER_TOPIC, key: byOrder, schema: OrderNotified },
  NotificationReceived: { version: 1, topic: ORDER_TOPIC, key: bySellerOrId, schema: NotificationReceived },
  SellerAuthorized: { version: 1, topic: ORDER_TOPIC, key: bySeller, schema: SellerAuthorized },
  SellerTokenRotated: { version: 1, topic: ORDER_TOPIC, key: bySeller, schema: SellerTokenRotated },
  SellerConfigured: { version: 1, topic: ORDER_TOPIC, key: bySeller, schema: SellerConfigured },
  SellerDeauthorized: { version: 2, topic: ORDER_TOPIC, key: bySeller, schema: SellerDeauthorized },
  ShipmentRequested: { version: 1, topic: ORDER_TOPIC, key: byOrder, schema: ShipmentRequested },
  ShipmentConfirmed: { version: 2, topic: ORDER_TOPIC, key: byOrder, schema: ShipmentConfirmed },
  ShipmentRefused: { version: 1, topic: ORDER_TOPIC, key: byOrder, schema: ShipmentRefused },
  PersonalDataErased: { version: 1, topic: ORDER_TOPIC, key: byOrder, schema: PersonalDataErased },
  ContactChanged: { version: 1, topic: CONTACT_TOPIC, key: byCorp, schema: ContactChanged },
  CorpAuthorized: { version: 1, topic: CONTACT_TOPIC, key: byCorp, schema: CorpAuthorized },
  CorpDeauthorized: { version: 1, topic: CONTACT_TOPIC, key: byCorp, schema: CorpDeauthorized },
  CorpNotified: { version: 1, topic: CONTACT_TOPIC, key: byCorpOrId, schema: CorpNotified },
} as const satisfies Record<string, { version: number; topic: Topic; key: string; schema: TSchema }>

export type EventType = keyof typeof CATALOGUE
export type EventData<T extends EventType> = Static<(typeof CATALOGUE)[T]['schema']>
