import { createHash } from 'node:crypto'
import type { Answer } from '../http.ts'
import { type Channel, ChannelError, type Session, type Shipment, type ShipmentOutcome, type SourceOrder } from '../port.ts'
import { createFieldReader, type Field } from '../reading/fields.ts'
import { parseExactly } from '../reading/json-text.ts'
import type { SellerCall } from './call.ts'
import { describe, readFaults, refusal } from './errors.ts'
import { type Package, readPackages, unitsIn } from './packages.ts'

/** What an order tells about shipping it; `lines` are the units that were ordered by the id of their line. */
type Shippable = {
  marketplaceId: string
  fulfilledBy: string
  status: string
  lines: ReadonlyMap<string, number>
  packages: readonly Package[]
}

type Refused = Extract<ShipmentOutcome, { kind: 'refused' }>
/** What to announce: `units` is all that the package is to hold then. */
type Task = { kind: 'open'; reference: string; units: ReadonlyMap<string, number> }
type Look = Refused | { kind: 'announced'; reference: string } | Task

const OPEN: ReadonlySet<string> = new Set(['UNSHIPPED', 'PARTIALLY_SHIPPED'])

/**
 * confirmShipment (Orders API v0, the one operation of it that goes on). A package has a number of ours, `packageReferenceId`, and
 * sending it again changes that package instead of making another: so every try of a shipment has the same, which is its `reference`
 * or made of order and tracking number. The order is read before each write, and again after one whose end was not seen.
 */
export function createShipping(options: {
  call: SellerCall
  getOrder: Channel['getOrder']
  clock: () => number
}): Pick<Channel, 'ship'> {
  const lookUp = async (session: Session, shipment: Shipment, signal: AbortSignal) => {
    const order = readShippable(await options.getOrder(session, shipment.orderId, signal))
    return { order, look: compare(order, shipment) }
  }

  async function post(session: Session, shipment: Shipment, body: string, signal: AbortSignal): Promise<Answer> {
    const path = `/orders/v0/orders/${encodeURIComponent(shipment.orderId)}/shipmentConfirmation`
    const answer = await options.call(session, { what: 'confirmShipment', method: 'POST', path, body }, signal)
    if (answer.status >= 300 && answer.status !== 400) throw refusal(answer, 'confirmShipment', options.clock())
    return answer
  }

  async function announce(session: Session, shipment: Shipment, order: Shippable, task: Task, signal: AbortSignal) {
    const announced: ShipmentOutcome = { kind: 'confirmed', fulfillmentId: task.reference, existing: false }
    try {
      const answer = await post(session, shipment, bodyOf(shipment, order, task), signal)
      return answer.status === 400 ? refusedByAmazon(answer) : announced
    } catch (error) {
      if (!(error instanceof ChannelError && error.code === 'CHANNEL_UNAVAILABLE')) throw error
      const { look } = await lookUp(session, shipment, signal)
      if (look.kind === 'announced') return announced
      throw error
    }
  }

  return {
    async ship(session, shipment, signal) {
      if (shipment.carrier.trim() === '' || normal(shipment.trackingNumber) === '')
        return refused('SHIPMENT_INCOMPLETE', 'A shipment needs a carrier and a tracking number of letters and digits')
      if (shipment.reference !== undefined && !/^[1-9]\d{0,15}$/.test(shipment.reference))
        return refused('REFERENCE_MALFORMED', 'The reference of a shipment must be a decimal number from 1')
      const { order, look } = await lookUp(session, shipment, signal)
      if (look.kind === 'announced') return { kind: 'confirmed', fulfillmentId: look.reference, existing: true }
      if (look.kind === 'refused') return look
      return await announce(session, shipment, order, look, signal)
    },
  }
}

/** What is open of a shipment, what Amazon already has of it, or why it cannot be. */
function compare(order: Shippable, shipment: Shipment): Look {
  const unknown = shipment.lines.find(({ lineItemId }) => !order.lines.has(lineItemId))
  if (unknown) return refused('LINES_UNKNOWN', `The order has no line ${unknown.lineItemId}`)
  const number = normal(shipment.trackingNumber)
  const same = order.packages.find(({ trackingNumber }) => normal(trackingNumber) === number)
  const wanted = wantedOf(order, shipment, same)
  if (same && [...wanted].every(([id, quantity]) => (same.units.get(id) ?? 0) >= quantity))
    return { kind: 'announced', reference: same.reference }
  const reference = shipment.reference ?? referenceOf(shipment.orderId, same, number)
  if (order.fulfilledBy !== 'MERCHANT')
    return refused('NOT_SHIPPABLE', 'Amazon sends this order from its own warehouse, or does not say who does')
  // What was announced under a reference may be corrected also when nothing else is open.
  const isCorrection = order.packages.some((one) => one.reference === reference)
  if (!OPEN.has(order.status) && !isCorrection)
    return refused('NOT_SHIPPABLE', `An order that is ${order.status || 'in no known state'} cannot be shipped`)
  if (wanted.size === 0) return refused('ALREADY_SHIPPED', 'Every unit of the order lies in another package')
  return { kind: 'open', reference, units: merged(same, wanted) }
}

/** The units that a shipment names, or all that lie in no other package. */
function wantedOf({ lines, packages }: Shippable, shipment: Shipment, same: Package | undefined): Map<string, number> {
  if (shipment.lines.length > 0) {
    const named = new Map<string, number>()
    for (const { lineItemId, quantity } of shipment.lines) named.set(lineItemId, (named.get(lineItemId) ?? 0) + quantity)
    return named
  }
  const others = packages.filter((one) => one !== same && one.reference !== shipment.reference)
  return new Map([...lines].map(([id, ordered]) => [id, ordered - unitsIn(others, id)] as const).filter(([, left]) => left > 0))
}

/** Sending a package again replaces what it holds, so what it held goes along. */
function merged(same: Package | undefined, wanted: ReadonlyMap<string, number>): Map<string, number> {
  const units = new Map(same?.units)
  for (const [id, quantity] of wanted) units.set(id, Math.max(units.get(id) ?? 0, quantity))
  return units
}

/** A tracking number is one package: the number that it has, or one of 31 bits that is the same on every try. */
function referenceOf(orderId: string, same: Package | undefined, trackingNumber: string): string {
  if (same && /^[1-9]\d*$/.test(same.reference)) return same.reference
  const digest = createHash('sha256').update(`${orderId}\n${trackingNumber}`).digest()
  return String((digest.readUInt32BE(0) % 0x7f_ff_ff_fe) + 1)
}

/** Amazon takes the code of a carrier that it knows; any other is written `Other: its name`. */
function carrierOf(carrier: string): { carrierCode: string; carrierName: string } {
  const [, name] = /^other\s*[:/]\s*(.+)$/i.exec(carrier.trim()) ?? []
  return name === undefined
    ? { carrierCode: carrier.trim(), carrierName: carrier.trim() }
    : { carrierCode: 'Other', carrierName: name }
}

function bodyOf(shipment: Shipment, order: Shippable, { reference, units }: Task): string {
  return JSON.stringify({
    marketplaceId: order.marketplaceId,
    packageDetail: {
      packageReferenceId: reference,
      ...carrierOf(shipment.carrier),
      trackingNumber: shipment.trackingNumber.trim(),
      shipDate: new Date(shipment.shippedTime).toISOString(),
      orderItems: [...units].map(([orderItemId, quantity]) => ({ orderItemId, quantity })),
    },
  })
}

function readShippable({ personal }: SourceOrder): Shippable {
  const read = createFieldReader()
  const root: Field = { value: parseExactly(personal.original), path: '' }
  const text = (parent: string, key: string) => read.text(read.member(read.member(root, parent), key)) ?? ''
  const items = read.elements(read.member(root, 'orderItems'))
  return {
    marketplaceId: text('salesChannel', 'marketplaceId'),
    fulfilledBy: text('fulfillment', 'fulfilledBy'),
    status: text('fulfillment', 'fulfillmentStatus'),
    lines: new Map(
      items.map((item) => [
        read.text(read.member(item, 'orderItemId')) ?? '',
        read.count(read.member(item, 'quantityOrdered')) ?? 0,
      ]),
    ),
    packages: readPackages(read, root),
  }
}

const normal = (trackingNumber: string): string => trackingNumber.replace(/[^A-Za-z0-9]/g, '').toUpperCase()

function refusedByAmazon(answer: Answer): Refused {
  const faults = readFaults(answer.text)
  return refused(faults[0]?.code || '400', describe(faults).replace(/^: /, '') || 'Amazon gave no reason')
}

function refused(code: string, detail: string): Refused {
  return { kind: 'refused', code, detail }
}
