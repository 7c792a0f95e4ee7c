import { ChannelError, type ShipmentOutcome } from '@tributary/channels'
import { processIdentity } from '@tributary/database'
import { createStoredEvent, derivedEventId, type EventOf, ORDER_TOPIC, orderKey, type StoredEvent } from '@tributary/events'
import { inSpan, traceFrom, type WorkLoop } from '@tributary/runtime'
import {
  type ClaimedShipment,
  claimShipment,
  putBackShipment,
  releaseShipments,
  type Shipment,
  type ShipmentAnswer,
  settleShipment,
} from '@tributary/shipping'
import { pauseWhenLimited } from '../call-budget.ts'
import { type OrderSyncContext, SOURCE } from '../context.ts'
import { needsPerson, storedReason, TRIES_OF_UNKNOWN, verdictOn } from '../failure.ts'
import { type Pace, retryWait } from '../pace.ts'
import type { createSellerAccess } from '../seller-access.ts'
import { startTaskLoop } from '../task-loop.ts'

/** Shipments announced at once in one process. */
const MOST_SHIPMENTS = 4
/** The share of a claim that a call may last: whoever takes an expired claim over must find nobody still at it. */
const SHARE_OF_CLAIM = 0.75
const LONGEST_CODE = 100
const LONGEST_DETAIL = 1000

type Parts = { context: OrderSyncContext; pace: Pace; openSeller: ReturnType<typeof createSellerAccess> }

/**
 * Announces packages at marketplaces, each once:
 *
 * 1. A shipment is claimed, the first open one of its order, for longer than a call may last.
 * 2. The channel looks at the marketplace first and writes only what is not there.
 * 3. The outcome is appended under an id that follows from the shipment: of all processes that ever tried, the first one's
 *    word is the outcome.
 * 4. Its row is settled; if we die before, the consumer of the log does it.
 *
 * A crash after 2 ends in another look that finds the package there. What may work later is tried later; what only a person
 * can mend is parked and tried now and then, and at once after a new consent.
 */
export function startShipper({ context, pace, openSeller }: Parts): WorkLoop {
  const { database, log, logger } = context
  const owner = processIdentity()
  const channels = [...context.channels.keys()]

  async function handle(shipment: ClaimedShipment, stopping: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([stopping, AbortSignal.timeout(pace.claim * SHARE_OF_CLAIM)])
    try {
      const attributes = { 'tributary.channel': shipment.channel }
      const from = traceFrom([{ traceparent: shipment.traceparent, time: shipment.requestedTime }])
      await inSpan('announce shipment', { attributes, root: true, ...from }, () => announce(shipment, signal))
    } catch (error) {
      await settleFailure(shipment, signal.aborted && !stopping.aborted ? tookTooLong(error) : error, stopping)
    }
  }

  async function announce(shipment: Shipment, signal: AbortSignal): Promise<void> {
    const { channel, session } = await openSeller(shipment)
    const { orderId, parcel } = shipment
    const outcome = await channel.ship(session, { orderId, ...parcel }, signal)
    await conclude(shipment, answerTo(shipment, outcome))
  }

  async function conclude(shipment: Shipment, answer: ShipmentAnswer): Promise<void> {
    const now = Date.now()
    const [kept] = await log.append(ORDER_TOPIC, [outcomeEvent(shipment, answer, now)])
    // Another process had its word kept before ours: the consumer brings it.
    if (kept?.appended) await settleShipment(database, shipment.shipmentId, answer, now)
    logger.info({ ...nameOf(shipment), outcome: answer.kind }, 'a shipment was announced')
  }

  async function settleFailure(shipment: ClaimedShipment, error: unknown, stopping: AbortSignal): Promise<void> {
    const now = Date.now()
    const { attempts } = shipment
    const reason = storedReason(error)
    if (stopping.aborted)
      return putBackShipment(database, shipment, owner, { dueTime: now, attempts, state: 'waiting', error: reason })
    if (isUnknownOrder(error) && attempts + 1 >= TRIES_OF_UNKNOWN)
      return conclude(shipment, { kind: 'refused', code: 'ORDER_UNKNOWN', detail: 'The marketplace does not know this order.' })
    if (needsPerson(error, attempts + 1)) {
      logger.warn({ ...nameOf(shipment), err: error }, 'a shipment cannot be announced until a person acts; parked')
      const next = { dueTime: now + pace.parked, attempts: attempts + 1, state: 'parked', error: reason } as const
      return putBackShipment(database, shipment, owner, next)
    }
    const verdict = verdictOn(error)
    const tried = verdict.kind === 'retry' && !verdict.counts ? attempts : attempts + 1
    const dueTime = now + retryWait(pace, tried, verdict.kind === 'retry' ? verdict.retryAfter : 0)
    await pauseWhenLimited(database, error, { channel: shipment.channel, operation: 'order', now, until: dueTime })
    logger.info(
      { ...nameOf(shipment), reason, attempts: tried, dueTime },
      'a shipment could not be announced; it is tried again',
    )
    await putBackShipment(database, shipment, owner, { dueTime, attempts: tried, state: 'waiting', error: reason })
  }

  return startTaskLoop({
    most: MOST_SHIPMENTS,
    claim() {
      const now = Date.now()
      return claimShipment(database, { owner, channels, now, until: now + pace.claim })
    },
    release(inHand) {
      const now = Date.now()
      return releaseShipments(database, { owner, now, until: now + pace.claim }, inHand)
    },
    handle,
    lost: (shipment, error) => logger.error({ ...nameOf(shipment), err: error }, 'a shipment could not be put back yet'),
    failed: (error) => logger.error({ err: error }, 'the shipments cannot be claimed'),
    idle: pace.idle,
  })
}

function answerTo({ parcel }: Shipment, outcome: ShipmentOutcome): ShipmentAnswer {
  if (outcome.kind === 'refused')
    return {
      kind: 'refused',
      code: [...outcome.code].slice(0, LONGEST_CODE).join('') || 'REFUSED',
      detail: [...outcome.detail].slice(0, LONGEST_DETAIL).join(''),
    }
  const { fulfillmentId, carrier = parcel.carrier, trackingNumber = parcel.trackingNumber } = outcome
  return { kind: 'confirmed', fulfillmentId, carrier, trackingNumber }
}

/** The id hangs on the shipment alone, not on the outcome: a log that holds one takes no other. */
function outcomeEvent(shipment: Shipment, answer: ShipmentAnswer, now: number): StoredEvent {
  const { channel, sellerId, orderId, shipmentId, parcel, traceparent } = shipment
  const name = { channel, sellerId, orderId, shipmentId }
  const envelope = {
    id: derivedEventId('ShipmentOutcome', shipmentId),
    source: SOURCE,
    subject: `orders/${channel}/${sellerId}/${orderId}`,
    time: now,
    partitionkey: orderKey(channel, sellerId, orderId),
    ...(traceparent === null ? {} : { traceparent }),
  }
  if (answer.kind === 'refused') {
    const { code, detail } = answer
    return createStoredEvent({ ...envelope, type: 'ShipmentRefused', data: { ...name, code, detail, refusedTime: now } })
  }
  const { fulfillmentId, carrier, trackingNumber } = answer
  const data: EventOf<'ShipmentConfirmed'>['data'] = {
    ...{ ...name, fulfillmentId, carrier, trackingNumber },
    ...{ lines: [...parcel.lines], shippedTime: parcel.shippedTime },
  }
  return createStoredEvent({ ...envelope, type: 'ShipmentConfirmed', data })
}

const tookTooLong = (cause: unknown): ChannelError =>
  new ChannelError('CHANNEL_UNAVAILABLE', 'The marketplace took too long to be told of a package', { remedy: 'retry', cause })

const isUnknownOrder = (error: unknown): boolean => error instanceof ChannelError && error.code === 'CHANNEL_ORDER_UNKNOWN'

const nameOf = ({ channel, sellerId, orderId, shipmentId }: Shipment) => ({ channel, sellerId, orderId, shipmentId })
