import { createHash } from 'node:crypto'
import { createSignedReceive } from '../app-signature.ts'
import type { App, Channel, NotificationContent, Reception } from '../port.ts'
import { createFieldReader, type Field, type FieldReader, momentOrNone } from '../reading/fields.ts'
import { parseIfJson } from '../reading/json-text.ts'

/** Types whose data names orders, each with its name (Partner Center, "Webhooks"). */
const ORDER_TYPES: ReadonlyMap<number, string> = new Map([
  [1, 'ORDER_STATUS_CHANGE'],
  [3, 'RECIPIENT_ADDRESS_UPDATE'],
  [4, 'PACKAGE_UPDATE'],
  [11, 'CANCELLATION_STATUS_CHANGE'],
  [12, 'RETURN_STATUS_CHANGE'],
])
const SELLER_DEAUTHORIZATION = 6

/** Verifies and reads a webhook. */
export const createReceive = ({ apps }: { apps: () => Promise<readonly App[]> }): Channel['receive'] =>
  createSignedReceive({ name: 'TikTok Shop', apps, readBody: readEnvelope })

/** `{type, tts_notification_id, shop_id, timestamp, data}`; some samples lack the id, which is then made of the body. */
function readEnvelope(body: Buffer): Reception {
  const value = parseIfJson(body.toString('utf8'))
  if (value === undefined) return refused('BODY_NOT_JSON', 'The body is no JSON')
  const read = createFieldReader()
  const root: Field = { value, path: '' }
  const type = read.member(root, 'type').value
  if (typeof type !== 'number') return refused('ENVELOPE_MALFORMED', 'type is missing or no number')
  const shopId = read.text(read.member(root, 'shop_id')) ?? null
  const notificationId = read.text(read.member(root, 'tts_notification_id')) ?? `${type}:${shopId ?? ''}:${digestOf(body)}`
  const seconds = read.member(root, 'timestamp').value
  const head = {
    notificationId,
    topic: ORDER_TYPES.get(type) ?? (type === SELLER_DEAUTHORIZATION ? 'SELLER_DEAUTHORIZATION' : `TYPE_${type}`),
    time: typeof seconds === 'number' ? momentOrNone(seconds * 1000) : 0,
  }
  return { kind: 'accepted', notification: { ...head, ...contentOf(read, root, { type, shopId, notificationId }) } }
}

function contentOf(
  read: FieldReader,
  root: Field,
  { type, shopId, notificationId }: { type: number; shopId: string | null; notificationId: string },
): NotificationContent {
  const data = read.member(root, 'data')
  const orderIds = ORDER_TYPES.has(type) ? orderIdsOf(read, data) : []
  if (shopId !== null && orderIds.length > 0) return { kind: 'order', sellerId: shopId, orderIds }
  if (shopId !== null && type === SELLER_DEAUTHORIZATION)
    return { kind: 'revocation', sellerId: shopId, person: { kind: 'tiktok:shop', id: shopId } }
  const person = shopId === null ? { kind: 'notification', id: `2:${notificationId}` } : { kind: 'tiktok:shop', id: shopId }
  return { kind: 'other', sellerId: shopId, person }
}

/** A package may hold several orders, and a combination several packages. */
function orderIdsOf(read: FieldReader, data: Field): string[] {
  const ofPackages = read
    .elements(read.member(data, 'package_list'))
    .flatMap((one) => read.elements(read.member(one, 'order_id_list')))
  const ids = [read.member(data, 'order_id'), ...ofPackages].map((field) => read.text(field))
  return [...new Set(ids.filter((id) => id !== undefined))]
}

function refused(code: string, detail: string): Reception {
  return { kind: 'refused', status: 400, code, detail }
}

const digestOf = (body: Buffer): string => createHash('sha256').update(body).digest('hex')
