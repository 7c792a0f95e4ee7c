import { type Request, Router } from 'express'
import { bearer } from './bearer.ts'
import type { Market, MarketOrder, SimulatedFulfillment } from './market.ts'
import { type createOperations, failure, json, type Reply } from './operations.ts'
import { FULFILLMENT_SCOPE } from './order-routes.ts'

const PATH = '/sell/fulfillment/v1/order/:orderId/shipping_fulfillment'

/** getShippingFulfillments and createShippingFulfillment; like eBay it creates the same parcel twice when asked twice. */
export function fulfillmentRoutes(market: Market, operation: ReturnType<typeof createOperations>): Router {
  const router = Router()
  router.get(
    PATH,
    operation('getShippingFulfillments', (request) => list(market, request)),
  )
  router.post(
    PATH,
    operation('createShippingFulfillment', (request) => create(market, request)),
  )
  return router
}

function list(market: Market, request: Request): Reply {
  const found = find(market, request)
  if (found.kind === 'refused') return found.reply
  return json(200, { total: found.entry.fulfillments.length, fulfillments: found.entry.fulfillments })
}

function create(market: Market, request: Request): Reply {
  const found = find(market, request)
  if (found.kind === 'refused') return found.reply
  const { entry } = found
  const read = readShipment(request, entry, market.clock())
  if (read.kind === 'refused') return read.reply
  entry.fulfillments.push(read.fulfillment)
  market.updateOrder(entry.order.orderId, (order) => {
    for (const line of order.lineItems)
      if (read.fulfillment.lineItems.some(({ lineItemId }) => lineItemId === line.lineItemId))
        line.lineItemFulfillmentStatus = 'FULFILLED'
    const whole = order.lineItems.every((line) => line.lineItemFulfillmentStatus === 'FULFILLED')
    order.orderFulfillmentStatus = whole ? 'FULFILLED' : 'IN_PROGRESS'
  })
  const location = `http://${request.headers.host}${request.originalUrl}/${read.fulfillment.fulfillmentId}`
  return json(201, {}, { location })
}

function find(market: Market, request: Request): { kind: 'found'; entry: MarketOrder } | { kind: 'refused'; reply: Reply } {
  const access = bearer(market, request, FULFILLMENT_SCOPE)
  if (access.kind === 'refused') return access
  const orderId = String(request.params['orderId'])
  const entry = market.orders.get(orderId)
  if (entry?.userId === access.userId && entry) return { kind: 'found', entry }
  return { kind: 'refused', reply: failure(400, 32100, `Invalid Order Id: ${orderId}`) }
}

type ShipmentRequest = {
  lineItems?: { lineItemId?: string; quantity?: number }[]
  shippedDate?: string
  shippingCarrierCode?: string
  trackingNumber?: string
}

function readShipment(
  request: Request,
  entry: MarketOrder,
  now: number,
): { kind: 'read'; fulfillment: SimulatedFulfillment } | { kind: 'refused'; reply: Reply } {
  const refuse = (errorId: number, message: string) => ({ kind: 'refused', reply: failure(400, errorId, message) }) as const
  const body = parse(String(request.body))
  if (!body?.lineItems?.length) return refuse(32600, 'Invalid input data')
  const { shippingCarrierCode = '', trackingNumber = '', shippedDate = new Date(now).toISOString() } = body
  if ((shippingCarrierCode === '') !== (trackingNumber === '') || !/^[A-Za-z0-9]*$/.test(trackingNumber))
    return refuse(32300, 'Invalid shipment tracking number or carrier')
  if (!(Date.parse(shippedDate) <= now)) return refuse(32500, 'Invalid shipped date')
  const lineItems = body.lineItems.map(({ lineItemId = '', quantity = 1 }) => ({ lineItemId, quantity }))
  if (new Set(lineItems.map((line) => line.lineItemId)).size < lineItems.length)
    return refuse(32210, 'Duplicate line item in the request')
  const strange = lineItems.find((line) => !entry.order.lineItems.some(({ lineItemId }) => lineItemId === line.lineItemId))
  if (strange) return refuse(32200, `Invalid line item id: ${strange.lineItemId}`)
  const fulfillmentId = trackingNumber === '' ? '999' : trackingNumber
  return {
    kind: 'read',
    fulfillment: { fulfillmentId, shipmentTrackingNumber: trackingNumber, shippingCarrierCode, shippedDate, lineItems },
  }
}

function parse(text: string): ShipmentRequest | undefined {
  try {
    return JSON.parse(text) as ShipmentRequest
  } catch {
    return undefined
  }
}
