import type { Static } from 'typebox'
import { type Channel, ChannelError, type Session, type Shipment, type ShipmentOutcome } from '../port.ts'
import { createFieldReader, type Field } from '../reading/fields.ts'
import { parseExactly } from '../reading/json-text.ts'
import { readAllocation } from './allocation.ts'
import { Packed, readAnswer } from './answers.ts'
import type { SellerCall } from './call.ts'
import { plain } from './personal.ts'

type Line = { id: string; status: string; packageId: string; tracking: string; carrier: string }
type Refused = Extract<ShipmentOutcome, { kind: 'refused' }>

const TO_PACK: ReadonlySet<string> = new Set(['pending', 'topack', 'repacked'])
const NOT_SHIPPABLE: ReadonlySet<string> = new Set(['unpaid', 'canceled'])
const RETRY: ReadonlySet<string> = new Set(['40011', '700024', '6'])

/**
 * Lazada chooses the tracking number, and mostly the carrier: shipping is to pack the lines and to say that the packages are ready
 * (/order/fulfill/pack, /order/package/rts). Each step looks at the lines first, so what is packed is not packed again and
 * what is ready is not said twice, however often this is called. What Lazada shows may be older than what it did: a pack that is refused
 * is looked into, because an earlier one may have gone through, and one that went through and is not shown comes again later.
 */
export function createShipping(options: {
  call: SellerCall
  readItems: (session: Session, orderId: string, signal: AbortSignal) => Promise<string[]>
}): Pick<Channel, 'ship'> {
  async function linesOf(session: Session, shipment: Shipment, signal: AbortSignal): Promise<Line[]> {
    const lines = (await options.readItems(session, shipment.orderId, signal)).map(readLine)
    const wanted = new Set(shipment.lines.map(({ lineItemId }) => lineItemId))
    return wanted.size === 0 ? lines.filter(({ status }) => status !== 'canceled') : lines.filter(({ id }) => wanted.has(id))
  }

  async function step(session: Session, path: string, parameters: Record<string, string>, signal: AbortSignal) {
    const text = await options.call(session, { what: path, method: 'POST', path, parameters }, signal)
    return judge(readAnswer(Packed, text, path), path)
  }

  const pack = async (session: Session, { orderId, carrier }: Shipment, lines: readonly Line[], signal: AbortSignal) => {
    const lineIds = lines.map(({ id }) => id)
    const { type, providerCode } = await readAllocation(options.call, session, { orderId, lineIds, carrier }, signal)
    const order = `[{"order_id":${orderId},"order_item_list":[${lineIds.join(',')}]}]`
    const provider = providerCode === undefined ? '' : `,"shipment_provider_code":${JSON.stringify(providerCode)}`
    const packReq = `{"pack_order_list":${order},"delivery_type":"dropship","shipping_allocate_type":"${type}"${provider}}`
    return await step(session, '/order/fulfill/pack', { packReq }, signal)
  }

  const sayReady = (session: Session, packageIds: readonly string[], signal: AbortSignal) => {
    const readyToShipReq = JSON.stringify({ packages: packageIds.map((id) => ({ package_id: id })) })
    return step(session, '/order/package/rts', { readyToShipReq }, signal)
  }

  return {
    async ship(session, shipment, signal) {
      if (![shipment.orderId, ...shipment.lines.map(({ lineItemId }) => lineItemId)].every((id) => /^\d{1,30}$/.test(id)))
        return refused('ID_MALFORMED', 'Ids of Lazada are digits')
      const before = await linesOf(session, shipment, signal)
      const unfit = unfitFor(shipment, before)
      if (unfit) return unfit
      const toPack = before.filter(({ status }) => TO_PACK.has(status))
      const notPacked = toPack.length > 0 ? await pack(session, shipment, toPack, signal) : undefined
      const packed = toPack.length > 0 ? await linesOf(session, shipment, signal) : before
      if (packed.some(({ status }) => TO_PACK.has(status))) return notPacked ?? notShownYet()
      const waiting = [...new Set(packed.filter(({ status }) => status === 'packed').map(({ packageId }) => packageId))]
      const notReady = waiting.length > 0 ? await sayReady(session, waiting, signal) : undefined
      return notReady ?? conclude(packed, toPack.length === 0 && waiting.length === 0)
    },
  }
}

/** Said before the first step: half a parcel must not leave under the name of the whole. */
function unfitFor(shipment: Shipment, lines: readonly Line[]): Refused | undefined {
  if (lines.length === 0) return refused('LINES_UNKNOWN', 'Lazada knows none of these lines')
  const there = new Set(lines.map(({ id }) => id))
  const missing = shipment.lines.find(({ lineItemId }) => !there.has(lineItemId))
  if (missing) return refused('LINES_UNKNOWN', `The order has no line ${missing.lineItemId}`)
  const stopped = lines.find(({ status }) => NOT_SHIPPABLE.has(status))
  return stopped && refused('NOT_SHIPPABLE', `Line ${stopped.id} is ${stopped.status}`)
}

function notShownYet(): never {
  const message = 'Lazada packed the lines and does not show it yet'
  throw new ChannelError('CHANNEL_UNAVAILABLE', message, { remedy: 'retry' })
}

function conclude(lines: readonly Line[], existing: boolean): ShipmentOutcome {
  const [line] = lines
  if (!line || lines.some(({ status }) => NOT_SHIPPABLE.has(status)))
    return refused('NOT_SHIPPABLE', `The lines are: ${[...new Set(lines.map(({ status }) => status))].join(', ')}`)
  const { packageId: fulfillmentId, carrier, tracking: trackingNumber } = line
  return { kind: 'confirmed', fulfillmentId, existing, carrier, trackingNumber }
}

/** Success stands at three levels: the code of the answer, `result`, and each line or package. Throws for what may be retried. */
function judge({ result }: Static<typeof Packed>, what: string): Refused | undefined {
  const lines = [
    ...(result.data?.pack_order_list ?? []).flatMap((one) => one.order_item_list ?? []),
    ...(result.data?.packages ?? []),
  ]
  const failed = lines.filter((line) => String(line.item_err_code ?? '0') !== '0')
  if (failed.some(({ retry, item_err_code }) => String(retry) === 'true' || RETRY.has(String(item_err_code))))
    throw new ChannelError('CHANNEL_UNAVAILABLE', `Lazada asks to try ${what} again (${failed[0]?.item_err_code})`, {
      remedy: 'retry',
    })
  const [first] = failed
  if (first) return refused(String(first.item_err_code), first.msg ?? '')
  if (String(result.success ?? 'true') === 'true') return undefined
  const code = String(result.error_code ?? '')
  if (RETRY.has(code))
    throw new ChannelError('CHANNEL_UNAVAILABLE', `Lazada asks to try ${what} again (${code})`, { remedy: 'retry' })
  return refused(code, result.error_msg ?? '')
}

function readLine(text: string): Line {
  const read = createFieldReader()
  const root: Field = { value: parseExactly(text), path: '' }
  const value = (key: string) => plain(read, read.member(root, key)) ?? ''
  return {
    id: value('order_item_id'),
    status: value('status').toLowerCase(),
    packageId: value('package_id'),
    tracking: value('tracking_code'),
    carrier: value('shipment_provider'),
  }
}

function refused(code: string, detail: string): Refused {
  return { kind: 'refused', code, detail }
}
