import { type Channel, ChannelError, type Session, type Shipment, type ShipmentOutcome } from '../port.ts'
import { createFieldReader, type Field } from '../reading/fields.ts'
import { parseExactly } from '../reading/json-text.ts'
import { readData, Shipped, ShippingProviders } from './answers.ts'
import { isSuccess, type Reply } from './call.ts'
import { isAlreadyShipped, isBusinessRefusal, refusal } from './errors.ts'
import type { ShopCall } from './shops.ts'

/** Where a seller may announce a parcel of its own by order (Mark Package As Shipped); elsewhere it ships the package. */
const MARK_AS_SHIPPED: ReadonlySet<string> = new Set(['US', 'GB', 'UK', 'ES', 'IE', 'IT', 'DE', 'FR', 'JP'])

/** What an order tells about shipping it. */
type Parcels = {
  sellerShips: boolean
  deliveryOptionId: string
  packageIds: readonly string[]
  /** By line, the tracking number that it left under. */
  tracking: ReadonlyMap<string, { number: string; packageId: string }>
}

type Refused = Extract<ShipmentOutcome, { kind: 'refused' }>

/** What we must look again for: whether it is there after all. `otherwise` is what holds when it is not. */
type Doubtful = { kind: 'doubtful'; otherwise: ChannelError | Refused }

/**
 * Ships a package (202309), or updates nothing when TikTok already knows the tracking number. There is no idempotency key, so
 * the order is read before each write, and again after a write whose end we did not see or that TikTok says came too late.
 */
export function createShipping({ call, getOrder }: { call: ShopCall; getOrder: Channel['getOrder'] }): Pick<Channel, 'ship'> {
  const parcelsOf = async (session: Session, orderId: string, signal: AbortSignal) =>
    readParcels((await getOrder(session, orderId, signal)).personal.original)

  async function providerOf(session: Session, { deliveryOptionId }: Parcels, carrier: string, signal: AbortSignal) {
    const what = 'Get Shipping Providers'
    const path = `/logistics/202309/delivery_options/${encodeURIComponent(deliveryOptionId)}/shipping_providers`
    const reply = await call(session, { what, method: 'GET', path }, signal)
    if (!isSuccess(reply)) throw refusal(reply.verdict, what)
    const { shipping_providers: providers } = readData(ShippingProviders, reply.data, what)
    const wanted = carrier.trim().toLowerCase()
    const found = providers.find(({ id, name }) => id === carrier || name.toLowerCase() === wanted)
    return found?.id ?? providers.map(({ name }) => name)
  }

  async function write(session: Session, shipment: Shipment, parcels: Parcels, signal: AbortSignal) {
    if (!parcels.sellerShips) return await shipPackage(session, parcels, undefined, signal)
    const provider = await providerOf(session, parcels, shipment.carrier, signal)
    if (typeof provider !== 'string') return refused('CARRIER_UNKNOWN', `This shop ships with: ${provider.join(', ')}`)
    const parcel = { tracking_number: shipment.trackingNumber, shipping_provider_id: provider }
    if (!MARK_AS_SHIPPED.has(session.region)) return await shipPackage(session, parcels, { self_shipment: parcel }, signal)
    const what = 'Mark Package As Shipped'
    const lines = shipment.lines.map(({ lineItemId }) => lineItemId)
    const body = { ...parcel, ...(lines.length > 0 ? { order_line_item_ids: lines } : {}) }
    const path = `/fulfillment/202309/orders/${encodeURIComponent(shipment.orderId)}/packages`
    return judge(await call(session, { what, method: 'POST', path, body }, signal), what)
  }

  async function shipPackage(
    session: Session,
    { packageIds }: Parcels,
    body: Readonly<Record<string, unknown>> | undefined,
    signal: AbortSignal,
  ) {
    const [packageId] = packageIds
    if (packageId === undefined) return refused('PACKAGE_MISSING', 'TikTok Shop has made no package for this order yet')
    const what = 'Ship Package'
    const path = `/fulfillment/202309/packages/${encodeURIComponent(packageId)}/ship`
    return judge(await call(session, { what, method: 'POST', path, ...(body ? { body } : {}) }, signal), what, packageId)
  }

  return {
    async ship(session, shipment, signal) {
      const before = await parcelsOf(session, shipment.orderId, signal)
      const there = announced(before, shipment)
      if (there) return confirmed(there, before, true)
      if (before.sellerShips && (shipment.carrier === '' || shipment.trackingNumber === ''))
        return refused('SHIPMENT_INCOMPLETE', 'The seller ships this order itself: give a carrier and a tracking number')
      const written = await write(session, shipment, before, signal).catch(doubtfulOrThrow)
      if (written.kind === 'refused') return written
      const after = await parcelsOf(session, shipment.orderId, signal)
      const arrived = announced(after, shipment)
      if (arrived) return confirmed(arrived, after, false)
      if (written.kind !== 'doubtful') return written
      if (written.otherwise instanceof ChannelError) throw written.otherwise
      return written.otherwise
    },
  }
}

function judge(reply: Reply, what: string, packageId = ''): ShipmentOutcome | Doubtful {
  const { verdict } = reply
  if (isSuccess(reply)) {
    const id = reply.data === 'null' ? packageId : (readData(Shipped, reply.data, what).package_id ?? packageId)
    return { kind: 'confirmed', fulfillmentId: id, existing: false }
  }
  if (isAlreadyShipped(verdict)) return { kind: 'doubtful', otherwise: refused(String(verdict.code), verdict.message) }
  if (isBusinessRefusal(verdict)) return refused(String(verdict.code), verdict.message)
  throw refusal(verdict, what)
}

function doubtfulOrThrow(error: unknown): Doubtful {
  if (error instanceof ChannelError && error.code === 'CHANNEL_UNAVAILABLE') return { kind: 'doubtful', otherwise: error }
  throw error
}

function readParcels(original: string): Parcels {
  const read = createFieldReader()
  const root: Field = { value: parseExactly(original), path: '' }
  const text = (parent: Field, key: string) => read.text(read.member(parent, key)) ?? ''
  const lines = read.elements(read.member(root, 'line_items'))
  const shipped = lines.filter((line) => text(line, 'tracking_number') !== '')
  return {
    sellerShips: text(root, 'shipping_type') === 'SELLER',
    deliveryOptionId: text(root, 'delivery_option_id'),
    packageIds: read.elements(read.member(root, 'packages')).map((one) => text(one, 'id')),
    tracking: new Map(
      shipped.map((line) => [text(line, 'id'), { number: text(line, 'tracking_number'), packageId: text(line, 'package_id') }]),
    ),
  }
}

/** The parcel that TikTok already knows: by its number where the seller chose it, by any where TikTok did. */
function announced({ sellerShips, tracking }: Parcels, shipment: Shipment) {
  const lines = shipment.lines.length > 0 ? shipment.lines.map(({ lineItemId }) => lineItemId) : [...tracking.keys()]
  const parcels = lines.map((line) => tracking.get(line))
  const fits = (parcel: (typeof parcels)[number]) =>
    parcel !== undefined && (!sellerShips || parcel.number.toUpperCase() === shipment.trackingNumber.toUpperCase())
  return parcels.length > 0 && parcels.every(fits) ? parcels[0] : undefined
}

function confirmed(
  parcel: { number: string; packageId: string },
  { sellerShips }: Parcels,
  existing: boolean,
): ShipmentOutcome {
  const chosen = sellerShips ? {} : { trackingNumber: parcel.number }
  return { kind: 'confirmed', fulfillmentId: parcel.packageId, existing, ...chosen }
}

function refused(code: string, detail: string): Refused {
  return { kind: 'refused', code, detail }
}
