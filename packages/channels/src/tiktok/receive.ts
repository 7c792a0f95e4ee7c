import { createHash, timingSafeEqual } from 'node:crypto'
import type { App, Channel, Notification, Reception } from '../port.ts'
import { createFieldReader, type Field, type FieldReader } from '../reading/fields.ts'
import { parseExactly } from '../reading/json-text.ts'
import { signWebhook } from './signature.ts'

/** Types whose data names orders, each with its name (Partner Center, "Webhooks"). */
const ORDER_TYPES: ReadonlyMap<number, string> = new Map([
  [1, 'ORDER_STATUS_CHANGE'],
  [3, 'RECIPIENT_ADDRESS_UPDATE'],
  [4, 'PACKAGE_UPDATE'],
  [11, 'CANCELLATION_STATUS_CHANGE'],
  [12, 'RETURN_STATUS_CHANGE'],
])
const SELLER_DEAUTHORIZATION = 6

/**
 * Verifies and reads a webhook. A wrong signature is answered with 401, which most likely ends its delivery for good; so while
 * no app of ours is known, or the apps can't be read, the answer is 503, which brings it again.
 */
export function createReceive({ apps }: { apps: () => Promise<readonly App[]> }): Channel['receive'] {
  return async ({ headers, body }) => {
    const all = await apps()
    const registered = all.filter(({ clientSecret }) => clientSecret !== '')
    if (registered.length === 0) return unavailable()
    const given = Buffer.from(headers['authorization'] ?? '')
    if (given.length === 0) return refused(401, 'SIGNATURE_MISSING', 'The header Authorization is missing')
    const expected = registered.map(({ clientId, clientSecret }) => signWebhook({ key: clientId, secret: clientSecret }, body))
    // Every app is compared, so that the time tells nothing about which one it was.
    const fits = expected.filter((one) => given.length === one.length && timingSafeEqual(given, Buffer.from(one)))
    if (fits.length > 0) return readEnvelope(body)
    // It may be signed with the secret that is missing.
    return registered.length < all.length
      ? unavailable()
      : refused(401, 'SIGNATURE_WRONG', 'The signature does not fit the body')
  }
}

/** `{type, tts_notification_id, shop_id, timestamp, data}`; some samples lack the id, which is then made of the body. */
function readEnvelope(body: Buffer): Reception {
  const value = parse(body)
  if (value === undefined) return refused(400, 'BODY_NOT_JSON', 'The body is no JSON')
  const read = createFieldReader()
  const root: Field = { value, path: '' }
  const type = read.member(root, 'type').value
  if (typeof type !== 'number') return refused(400, 'ENVELOPE_MALFORMED', 'type is missing or no number')
  const shopId = read.text(read.member(root, 'shop_id')) ?? null
  const digest = createHash('sha256').update(body).digest('hex')
  const notificationId = read.text(read.member(root, 'tts_notification_id')) ?? `${type}:${shopId ?? ''}:${digest}`
  const seconds = read.member(root, 'timestamp').value
  const head = {
    notificationId,
    topic: ORDER_TYPES.get(type) ?? (type === SELLER_DEAUTHORIZATION ? 'SELLER_DEAUTHORIZATION' : `TYPE_${type}`),
    time: typeof seconds === 'number' && Number.isSafeInteger(seconds) && seconds >= 0 ? seconds * 1000 : 0,
  }
  return { kind: 'accepted', notification: { ...head, ...contentOf(read, root, { type, shopId, notificationId }) } }
}

type Content = Notification extends infer N
  ? N extends Notification
    ? Omit<N, 'notificationId' | 'topic' | 'time'>
    : never
  : never

function contentOf(
  read: FieldReader,
  root: Field,
  { type, shopId, notificationId }: { type: number; shopId: string | null; notificationId: string },
): Content {
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

function refused(status: 400 | 401, code: string, detail: string): Reception {
  return { kind: 'refused', status, code, detail }
}

function unavailable(): Reception {
  const detail = 'An app of TikTok Shop is not registered yet, or not with its secret. Send it again later'
  return { kind: 'unavailable', status: 503, code: 'SECRET_MISSING', detail }
}

function parse(body: Buffer): unknown {
  try {
    return parseExactly(body.toString('utf8'))
  } catch {
    return undefined
  }
}
