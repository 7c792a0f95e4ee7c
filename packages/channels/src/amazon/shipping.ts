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
/** What to announce. */
type Task = { kind: 'open'; units: ReadonlyMap<string, number> }
type Look = Refused | { kind: 'announced'; reference: string } | Task

const OPEN: ReadonlySet<string> = new Set(['UNSHIPPED', 'PARTIALLY_SHIPPED'])

/**
 * confirmShipment (Orders API v0, the one operation of it that goes on). A package has a number of ours, `packageReferenceId`, and
 * sending that again changes the package instead of making another. The number is made of what a shipment says: so it is the same on
 * every try, and another shipment, also one under the same tracking number, overwrites nothing that Amazon does not show yet. The order
 * is read before each write, and again after one whose end was not seen.
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
    const reference = referenceOf(shipment)
    const announced: ShipmentOutcome = { kind: 'confirmed', fulfillmentId: reference, existing: false }
    try {
      const answer = await post(session, shipment, bodyOf(shipment, order, { reference, units: task.units }), signal)
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
  const [same, others] = [true, false].map((isSame) =>
    order.packages.filter(({ trackingNumber }) => (normal(trackingNumber) === number) === isSame),
  ) as [Package[], Package[]]
  const units = unitsOf(order, shipment, others)
  const [first] = same
  if (first && [...units].every(([id, quantity]) => unitsIn(same, id) >= quantity))
    return { kind: 'announced', reference: first.reference }
  if (order.fulfilledBy !== 'MERCHANT')
    return refused('NOT_SHIPPABLE', 'Amazon sends this order from its own warehouse, or does not say who does')
  if (!OPEN.has(order.status))
    return refused('NOT_SHIPPABLE', `An order that is ${order.status || 'in no known state'} cannot be shipped`)
  if (units.size === 0) return refused('ALREADY_SHIPPED', 'Every unit of the order lies in another package')
  return { kind: 'open', units }
}

/** The units that a shipment names, or all that lie in no package under another number. */
function unitsOf({ lines }: Shippable, shipment: Shipment, others: readonly Package[]): Map<string, number> {
  const named = new Map<string, number>()
  for (const { lineItemId, quantity } of shipment.lines) named.set(lineItemId, (named.get(lineItemId) ?? 0) + quantity)
  if (named.size > 0) return named
  return new Map([...lines].map(([id, ordered]) => [id, ordered - unitsIn(others, id)] as const).filter(([, left]) => left > 0))
}

/** A number of 31 bits, from 1. */
function referenceOf({ orderId, trackingNumber, lines }: Shipment): string {
  const parts = lines.map(({ lineItemId, quantity }) => `${lineItemId} ${quantity}`).toSorted()
  const digest = createHash('sha256')
    .update([orderId, normal(trackingNumber), ...parts].join('\n'))
    .digest()
  return String((digest.readUInt32BE(0) % 0x7f_ff_ff_fe) + 1)
}

/** Amazon takes the code of a carrier that it knows; any other is written `Other: its name`. */
function carrierOf(carrier: string): { carrierCode: string; carrierName: string } {
  const [, name] = /^other\s*[:/]\s*(.+)$/i.exec(carrier.trim()) ?? []
  return name === undefined
    ? { carrierCode: carrier.trim(), carrierName: carrier.trim() }
    : { carrierCode: 'Other', carrierName: name }
}

function bodyOf(
  shipment: Shipment,
  order: Shippable,
  { reference, units }: { reference: string; units: ReadonlyMap<string, number> },
): string {
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
