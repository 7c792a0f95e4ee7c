import type { EventData, EventType } from './catalogue.ts'
import { createEvent } from './codec.ts'
import type { EventOf } from './envelope.ts'
import { corpKey, orderKey, sellerKey } from './keys.ts'

const order = { channel: 1, sellerId: 'u7rnQmKSS5e', orderId: '12-34567-89012' }
const seller = { channel: order.channel, sellerId: order.sellerId }
const sellerRowId = 891_408_887_636_352
const subject = 'Xq5dEj2kYbT0bWk8o1mJf3n6uV9wZrC4hL7pS2aG5tE'
const sealed = 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..c2FtcGxl.c2VhbGVk.dGFn'
const time = Date.UTC(2026, 10, 23, 9, 15, 30, 250)
const months18 = 47_304_000
const corp = { customer: 'keyfil', suiteId: 'ww0000example0suite', authCorpId: 'wp0000ExampleCorp0000000000000001' }
const corpSubject = 'q3Jr8yW5vKc1nTz6HbD0eLmXs4aGf7UoPi2RtYxBwCk'
const member = 'mB7uZ1kQe9Xw3RfTn5YpLc0HsJd6VgAo2iKt8EqUrNs'
const engineering = 'dP4sN8xGv2Lq6WjRb0TcYf1HmKz5UaEo9iBt3XnVwQe'
const shipmentId = '6f0c1f6e-58b1-8a52-9d3e-2b7a4c915d08'
const contactTime = Math.floor(time / 1000)

/** Data of every type, as an ordinary day would have it; the generated page shows them and tests build on them. */
export const EXAMPLE_DATA: { readonly [T in EventType]: EventData<T> } = {
  OrderReceived: {
    ...order,
    sellerRowId,
    sourceTime: time - 5_250,
    origin: 'notification',
    rowIds: {
      order: 891_408_887_636_480,
      original: 891_408_887_636_481,
      lines: { '10012345678901': 891_408_887_636_482, '10012345678902': 891_408_887_636_483 },
    },
    order: {
      status: 'AWAITING_SHIPMENT',
      sellerName: 'north_sea_tools',
      cancelState: 'NONE_REQUESTED',
      cancelledDate: '',
      creationDate: '2026-11-23T09:10:02.000Z',
      creationTime: time - 328_250,
      lastModifiedDate: '2026-11-23T09:15:25.000Z',
      fulfillmentStatus: 'NOT_STARTED',
      paymentStatus: 'PAID',
      digest: '3c1a5b0f8d1f4e0c9a7b6d5e4f3a2b1c',
      lines: [
        { lineItemId: '10012345678901', quantity: 2, title: 'Oak mallet, 450 g', sku: 'MALLET-450' },
        { lineItemId: '10012345678902', quantity: 1, title: 'Chisel 12 mm', sku: 'CHISEL-12' },
      ],
      linesComplete: true,
    },
    subject,
    sealed,
    problems: [],
  },
  OrderNotified: {
    ...order,
    topic: 'ORDER_CONFIRMATION',
    notificationId: '49feeaeb-4982-42d9-a377-9645b8479411_33f7e043-fed8-442b-9d44-791923bd9a6d',
    notifiedTime: time - 900,
  },
  NotificationReceived: {
    channel: 1,
    topic: 'ITEM_AVAILABILITY',
    notificationId: '0f5ad7f2-1d3c-4c1f-8a35-3b6f8f0f1c11_8d0a6a1e-27a5-4f0e-9d92-1c2b3a4d5e6f',
    notifiedTime: time - 900,
    sellerId: order.sellerId,
    subject,
    sealed,
  },
  SellerAuthorized: {
    ...seller,
    rowId: sellerRowId,
    appId: 2,
    sellerName: 'north_sea_tools',
    region: 'EBAY_DE',
    spiServerCodes: ['warehouse-hamburg'],
    authorizedTime: time,
    subject,
    sealed,
    refreshTokenExpiresIn: months18,
    refreshTokenExpiresTime: time + months18 * 1000,
  },
  SellerTokenRotated: {
    ...seller,
    rotatedTime: time,
    subject,
    sealed,
    refreshTokenExpiresIn: months18,
    refreshTokenExpiresTime: time + months18 * 1000,
  },
  SellerConfigured: { ...seller, spiServerCodes: ['warehouse-hamburg', 'bookkeeping'] },
  SellerDeauthorized: { ...seller, reason: 'revoked', deauthorizedTime: time },
  ShipmentRequested: {
    ...order,
    shipmentId,
    carrier: 'DHL',
    trackingNumber: '00340434161094042557',
    lines: [{ lineItemId: '10012345678901', quantity: 2 }],
    shippedTime: time - 60_000,
    requestedBy: '5f1d2c3b4a69',
  },
  ShipmentConfirmed: {
    ...order,
    shipmentId,
    fulfillmentId: '9405509699937003457459',
    carrier: 'DHL',
    trackingNumber: '00340434161094042557',
    lines: [{ lineItemId: '10012345678901', quantity: 2 }],
    shippedTime: time - 60_000,
  },
  ShipmentRefused: {
    ...order,
    shipmentId,
    code: '32100',
    detail: 'Invalid order id.',
    refusedTime: time,
  },
  PersonalDataErased: {
    ...order,
    sellerRowId,
    rowId: 891_408_887_636_490,
    subject,
    reason: 'account-deletion',
    notificationId: '5c0f5b7a-64a5-4d8e-9a6b-9d0c1e2f3a4b_1a2b3c4d-5e6f-4a0b-8c7d-6e5f4a3b2c1d',
    requestedTime: time - 1_400,
  },
  ContactChanged: {
    ...corp,
    changeType: 'update_user',
    timestamp: contactTime,
    origin: 'callback',
    member,
    newMember: null,
    department: null,
    rowIds: {
      event: 891_408_887_636_500,
      member: 891_408_887_636_501,
      department: 891_408_887_636_502,
      pairs: { [engineering]: 891_408_887_636_503 },
    },
    subject: corpSubject,
    sealed,
  },
  CorpAuthorized: { ...corp, timestamp: contactTime, subject: corpSubject },
  CorpDeauthorized: { ...corp, timestamp: contactTime, subject: corpSubject },
  CorpNotified: { ...corp, infoType: 'change_external_contact', timestamp: contactTime, subject: corpSubject, sealed },
}

/** An event of a type with the example's data, the parts of it in `changes` apart. Each has the envelope of its topic. */
export const exampleEvent = <T extends EventType>(
  type: T,
  id: string,
  changes: { time?: number; data?: Partial<EventData<T>> } = {},
): EventOf<T> => {
  const data: EventData<T> = { ...EXAMPLE_DATA[type], ...changes.data }
  return createEvent({
    id,
    type,
    source: '/tributary/example',
    time: changes.time ?? time,
    ...addressOf(data),
    data,
  })
}

/** Subject and partition key, as whoever appends such an event makes them. */
function addressOf(data: object): { subject: string; partitionkey: string } {
  const { channel, sellerId, orderId, authCorpId } = data as {
    channel: number
    sellerId: string | null
    orderId?: string
    authCorpId?: string
  }
  if (authCorpId !== undefined) return { subject: `corps/${authCorpId}`, partitionkey: corpKey(authCorpId) }
  if (orderId === undefined)
    return { subject: `sellers/${channel}/${sellerId}`, partitionkey: sellerKey(channel, sellerId ?? '') }
  return {
    subject: `orders/${channel}/${sellerId}/${orderId}`,
    partitionkey: orderKey(channel, sellerId ?? '', orderId),
  }
}
