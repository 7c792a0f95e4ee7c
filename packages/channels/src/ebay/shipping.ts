import type { Static } from 'typebox'
import { type Answer, ORDERS_ANSWER, SMALL_ANSWER } from '../http.ts'
import { ChannelError, type Session, type Shipment, type ShipmentOutcome } from '../port.ts'
import { FulfillmentList, readAnswer } from './answers.ts'
import { readFaults, refusal } from './errors.ts'
import type { SellerCall } from './seller-call.ts'

type Fulfillment = Static<typeof FulfillmentList>['fulfillments'][number]
type Lines = Shipment['lines']
type Ship = (session: Session, shipment: Shipment, signal: AbortSignal) => Promise<ShipmentOutcome>

/**
 * createShippingFulfillment (Fulfillment API v1.20.7). eBay knows no idempotency key, so we look before each write whether the
 * parcel is already there, and again after a write whose end we did not see (time-out, 5xx, 409). Only lines that eBay does
 * not have under this tracking number are written.
 */
export function createShipping(options: { url: string; call: SellerCall; clock: () => number }): { ship: Ship } {
  const ship: Ship = async (session, shipment, signal) => {
    const trackingNumber = normalTrackingNumber(shipment.trackingNumber)
    if (trackingNumber === '' || shipment.carrier === '')
      return refused('SHIPMENT_INCOMPLETE', 'A shipment needs a carrier and a tracking number of letters and digits')
    const call = { session, shipment: { ...shipment, trackingNumber }, signal }
    const before = await lookUp(call)
    if (before.kind === 'refused') return before
    if (before.kind === 'announced') return confirmed(before.fulfillmentId, true)
    return await announce(call, before.missing)
  }

  async function announce(call: Call, lines: Lines): Promise<ShipmentOutcome> {
    const written = await write(call, lines)
    if (written.kind !== 'doubtful') return written
    const after = await lookUp(call)
    if (after.kind === 'announced') return confirmed(after.fulfillmentId, false)
    throw written.doubt
  }

  async function write(call: Call, lines: Lines): Promise<ShipmentOutcome | Doubtful> {
    try {
      return judge(await post(call, lines))
    } catch (error) {
      if (error instanceof ChannelError && error.code === 'CHANNEL_UNAVAILABLE') return { kind: 'doubtful', doubt: error }
      throw error
    }
  }

  function judge(answer: Answer): ShipmentOutcome | Doubtful {
    if (answer.status === 201) {
      const fulfillmentId = idFromLocation(answer.headers.get('location'))
      return fulfillmentId === undefined
        ? doubtful('eBay created a fulfillment but did not say which')
        : confirmed(fulfillmentId, false)
    }
    if (answer.status === 409) return doubtful('eBay answered 409 to createShippingFulfillment')
    const error = refusal(answer, 'createShippingFulfillment', options.clock())
    if (answer.status === 400 && !error.retriable) return refusedByEbay(answer)
    throw error
  }

  async function lookUp({ session, shipment, signal }: Call): Promise<LookUp> {
    const what = 'getShippingFulfillments'
    const answer = await options.call(session, { what, method: 'GET', url: address(shipment), limit: ORDERS_ANSWER }, signal)
    if (answer.status === 404)
      throw new ChannelError('CHANNEL_ORDER_UNKNOWN', 'eBay does not know this order (404)', { remedy: 'retry' })
    const error = answer.status === 200 ? undefined : refusal(answer, what, options.clock())
    if (error && answer.status === 400 && !error.retriable) return refusedByEbay(answer)
    if (error) throw error
    return compare(readAnswer(FulfillmentList, answer, what).fulfillments, shipment)
  }

  async function post({ session, shipment, signal }: Call, lines: Lines): Promise<Answer> {
    const body = JSON.stringify({
      lineItems: lines.map(({ lineItemId, quantity }) => ({ lineItemId, quantity })),
      shippedDate: new Date(shipment.shippedTime).toISOString(),
      shippingCarrierCode: shipment.carrier,
      trackingNumber: shipment.trackingNumber,
    })
    const what = 'createShippingFulfillment'
    return await options.call(session, { what, method: 'POST', url: address(shipment), body, limit: SMALL_ANSWER }, signal)
  }

  const address = (shipment: Shipment) => options.url.replace('{orderId}', encodeURIComponent(shipment.orderId))

  return { ship }
}

/** `shipment` already carries its normal tracking number. */
type Call = { session: Session; shipment: Shipment; signal: AbortSignal }

/** A write whose end we did not see. The error is for when it has not arrived: then the same call is safe to make again. */
type Doubtful = { kind: 'doubtful'; doubt: ChannelError }

type Refused = Extract<ShipmentOutcome, { kind: 'refused' }>
type LookUp = Refused | { kind: 'announced'; fulfillmentId: string } | { kind: 'missing'; missing: Lines }

/**
 * What eBay already has of a parcel. It reads back `shipmentTrackingNumber` though it takes `trackingNumber`, and may leave
 * out lines; a parcel without lines is taken for the whole.
 */
function compare(fulfillments: readonly Fulfillment[], shipment: Shipment): LookUp {
  const parcels = fulfillments.filter(
    (one) => normalTrackingNumber(one.shipmentTrackingNumber ?? '').toUpperCase() === shipment.trackingNumber.toUpperCase(),
  )
  const [first] = parcels
  if (!first) return { kind: 'missing', missing: shipment.lines }
  const whole = parcels.some((parcel) => parcel.lineItems === undefined)
  const there = new Set(parcels.flatMap((parcel) => parcel.lineItems ?? []).map((line) => line.lineItemId))
  const missing = whole ? [] : shipment.lines.filter((line) => !there.has(line.lineItemId))
  return missing.length > 0 ? { kind: 'missing', missing } : { kind: 'announced', fulfillmentId: first.fulfillmentId ?? '' }
}

/** Spaces and hyphens give errorId 32300, so only letters and digits go out. */
function normalTrackingNumber(trackingNumber: string): string {
  return trackingNumber.replace(/[^A-Za-z0-9]/g, '')
}

/** The id of a new fulfillment stands only in `Location: …/shipping_fulfillment/{fulfillmentId}`. */
function idFromLocation(location: string | null): string | undefined {
  const [, id] = /\/shipping_fulfillment\/([^/?#]+)/.exec(location ?? '') ?? []
  return id
}

function confirmed(fulfillmentId: string, existing: boolean): ShipmentOutcome {
  return { kind: 'confirmed', fulfillmentId, existing }
}

function refused(code: string, detail: string): Refused {
  return { kind: 'refused', code, detail }
}

function refusedByEbay(answer: Answer): Refused {
  const faults = readFaults(answer.text)
  const detail = faults.map((fault) => fault.message).filter((message) => message !== '')
  return refused(String(faults[0]?.errorId ?? answer.status), detail.join('; ') || 'eBay gave no reason')
}

function doubtful(message: string): Doubtful {
  return { kind: 'doubtful', doubt: new ChannelError('CHANNEL_UNAVAILABLE', message, { remedy: 'retry' }) }
}
