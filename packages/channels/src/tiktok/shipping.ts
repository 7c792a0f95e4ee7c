import { type Channel, ChannelError, type Session, type Shipment, type ShipmentOutcome } from '../port.ts'
import { createFieldReader, type Field } from '../reading/fields.ts'
import { parseExactly } from '../reading/json-text.ts'
import { readData, Shipped, ShippingProviders } from './answers.ts'
import { isSuccess, type Reply } from './call.ts'
import { isAlreadyShipped, isBusinessRefusal, refusal } from './errors.ts'
import type { ShopCall } from './shops.ts'

/** Where a seller may announce a parcel of its own by order (Mark Package As Shipped); elsewhere it ships the package. */
const MARK_AS_SHIPPED: ReadonlySet<string> = new Set(['US', 'GB', 'UK', 'ES', 'IE', 'IT', 'DE', 'FR', 'JP'])

/** A line and what it left under, empty while it has not. */
type Line = { id: string; number: string; packageId: string; cancelled: boolean }

/** What an order tells about shipping it. */
type Parcels = { sellerShips: boolean; deliveryOptionId: string; packageIds: readonly string[]; lines: readonly Line[] }

/** The lines of a shipment, and those of them that TikTok does not know under it yet. */
type Task = { wanted: readonly Line[]; open: readonly Line[] }

type Refused = Extract<ShipmentOutcome, { kind: 'refused' }>

/** What we must look again for: whether it is there after all. `otherwise` is what holds when it is not. */
type Doubtful = { kind: 'doubtful'; otherwise: ChannelError | Refused }

/**
 * Ships a package (202309), or updates nothing when TikTok already knows the tracking number. There is no idempotency key, so
 * the order is read before each write and again after it: its end may not have been seen, TikTok may say that it came too late,
 * and where TikTok carries the parcel only the order tells its number.
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

  async function write(
    session: Session,
    shipment: Shipment,
    { parcels, task }: { parcels: Parcels; task: Task },
    signal: AbortSignal,
  ) {
    if (!parcels.sellerShips) return await shipPackages(session, { parcels, task }, undefined, signal)
    const provider = await providerOf(session, parcels, shipment.carrier, signal)
    if (typeof provider !== 'string') return refused('CARRIER_UNKNOWN', `This shop ships with: ${provider.join(', ')}`)
    const parcel = { tracking_number: shipment.trackingNumber, shipping_provider_id: provider }
    if (!MARK_AS_SHIPPED.has(session.region))
      return await shipPackages(session, { parcels, task }, { self_shipment: parcel }, signal)
    const what = 'Mark Package As Shipped'
    const body = { ...parcel, order_line_item_ids: task.open.map(({ id }) => id) }
    const path = `/fulfillment/202309/orders/${encodeURIComponent(shipment.orderId)}/packages`
    return judge(await call(session, { what, method: 'POST', path, body }, signal), what)
  }

  /** A package leaves whole: one that holds lines which are not to be shipped is refused. */
  async function shipPackages(
    session: Session,
    { parcels, task }: { parcels: Parcels; task: Task },
    body: Readonly<Record<string, unknown>> | undefined,
    signal: AbortSignal,
  ): Promise<ShipmentOutcome | Doubtful> {
    const [only] = parcels.packageIds.length === 1 ? parcels.packageIds : []
    const packageIds = new Set(task.open.map(({ packageId }) => packageId || (only ?? '')))
    if (packageIds.has('')) return refused('PACKAGE_MISSING', 'TikTok Shop has made no package for these lines yet')
    const wanted = new Set(task.wanted.map(({ id }) => id))
    const stranger = parcels.lines.find((line) => packageIds.has(line.packageId) && !line.cancelled && !wanted.has(line.id))
    if (stranger) return refused('PACKAGE_LARGER', `Their package holds line ${stranger.id}, too, and leaves whole`)
    const what = 'Ship Package'
    let last: ShipmentOutcome | Doubtful = refused('PACKAGE_MISSING', 'There is nothing to ship')
    for (const packageId of packageIds) {
      const path = `/fulfillment/202309/packages/${encodeURIComponent(packageId)}/ship`
      last = judge(await call(session, { what, method: 'POST', path, ...(body ? { body } : {}) }, signal), what, packageId)
      if (last.kind !== 'confirmed') return last
    }
    return last
  }

  return {
    async ship(session, shipment, signal) {
      const before = await parcelsOf(session, shipment.orderId, signal)
      const task = taskOf(before, shipment)
      if ('kind' in task) return task
      if (task.open.length === 0) return confirmed(task.wanted, before, true)
      if (before.sellerShips && (shipment.carrier === '' || shipment.trackingNumber === ''))
        return refused('SHIPMENT_INCOMPLETE', 'The seller ships this order itself: give a carrier and a tracking number')
      const written = await write(session, shipment, { parcels: before, task }, signal).catch(doubtfulOrThrow)
      if (written.kind === 'refused') return written
      const after = await parcelsOf(session, shipment.orderId, signal)
      return conclude(written, after, taskOf(after, shipment))
    },
  }
}

/** What holds after a write, now that we have looked again. */
function conclude(written: ShipmentOutcome | Doubtful, after: Parcels, task: Task | Refused): ShipmentOutcome {
  if (!('kind' in task) && task.open.length === 0) return confirmed(task.wanted, after, false)
  if (written.kind !== 'doubtful') return written
  if (written.otherwise instanceof ChannelError) throw written.otherwise
  return written.otherwise
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
  return {
    sellerShips: text(root, 'shipping_type') === 'SELLER',
    deliveryOptionId: text(root, 'delivery_option_id'),
    packageIds: read.elements(read.member(root, 'packages')).map((one) => text(one, 'id')),
    lines: read.elements(read.member(root, 'line_items')).map((line) => ({
      id: text(line, 'id'),
      number: text(line, 'tracking_number'),
      packageId: text(line, 'package_id'),
      cancelled: text(line, 'display_status') === 'CANCELLED',
    })),
  }
}

/**
 * The lines of a shipment: those it names, or all that stand and have not left under another number. A line is done when it
 * left under this number, or under any where TikTok chooses it.
 */
function taskOf({ sellerShips, lines }: Parcels, shipment: Shipment): Task | Refused {
  const isDone = ({ number }: Line) =>
    number !== '' && (!sellerShips || number.toUpperCase() === shipment.trackingNumber.toUpperCase())
  const named = new Set(shipment.lines.map(({ lineItemId }) => lineItemId))
  const unknown = [...named].find((id) => !lines.some((line) => line.id === id))
  if (unknown !== undefined) return refused('LINES_UNKNOWN', `The order has no line ${unknown}`)
  const standing = lines.filter((line) => !line.cancelled && (line.number === '' || isDone(line)))
  const wanted = named.size > 0 ? lines.filter(({ id }) => named.has(id)) : standing
  if (wanted.length === 0)
    return refused('ALREADY_SHIPPED', 'Every line of the order has left under another number, or was cancelled')
  return { wanted, open: wanted.filter((line) => !isDone(line)) }
}

function confirmed([line]: readonly Line[], { sellerShips }: Parcels, existing: boolean): ShipmentOutcome {
  const chosen = sellerShips ? {} : { trackingNumber: line?.number ?? '' }
  return { kind: 'confirmed', fulfillmentId: line?.packageId ?? '', existing, ...chosen }
}

function refused(code: string, detail: string): Refused {
  return { kind: 'refused', code, detail }
}
