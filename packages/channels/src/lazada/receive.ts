import { createHash, timingSafeEqual } from 'node:crypto'
import type { App, Channel, Notification, Reception } from '../port.ts'
import { createFieldReader, type Field, type FieldReader } from '../reading/fields.ts'
import { parseExactly } from '../reading/json-text.ts'
import { plain } from './personal.ts'
import { signPush } from './signature.ts'

/** Types that name an order ("Lazada push mechanism"). */
const ORDER_TYPES: ReadonlyMap<string, string> = new Map([
  ['0', 'TRADE_ORDER'],
  ['10', 'REVERSE_ORDER'],
  ['14', 'FULFILLMENT'],
])
const OTHER_TYPES: ReadonlyMap<string, string> = new Map([
  ['8', 'TOKEN_EXPIRING'],
  ['13', 'SELLER_STATUS'],
])

/**
 * Verifies and reads a push. While no app of ours is known the answer is 503, which Lazada repeats; more than half of its
 * pushes failing would make it stop altogether, so an answer comes from memory alone.
 */
export function createReceive({ apps }: { apps: () => Promise<readonly App[]> }): Channel['receive'] {
  return async ({ headers, body }) => {
    const all = await apps()
    const registered = all.filter(({ clientSecret }) => clientSecret !== '')
    if (registered.length === 0) return unavailable()
    const given = Buffer.from(headers['authorization'] ?? '')
    if (given.length === 0) return refused(401, 'SIGNATURE_MISSING', 'The header Authorization is missing')
    const expected = registered.map(({ clientId, clientSecret }) => signPush({ key: clientId, secret: clientSecret }, body))
    // Every app is compared, so that the time tells nothing about which one it was.
    const fits = expected.filter((one) => given.length === one.length && timingSafeEqual(given, Buffer.from(one)))
    if (fits.length > 0) return readPush(body)
    // It may be signed with the secret that is missing.
    return registered.length < all.length
      ? unavailable()
      : refused(401, 'SIGNATURE_WRONG', 'The signature does not fit the body')
  }
}

function readPush(body: Buffer): Reception {
  const value = parse(body)
  if (value === undefined) return refused(400, 'BODY_NOT_JSON', 'The body is no JSON')
  const read = createFieldReader()
  const root: Field = { value, path: '' }
  const data = read.member(root, 'data')
  const text = (parent: Field, key: string) => plain(read, read.member(parent, key))
  const type = text(root, 'message_type')
  if (type === undefined) return refused(400, 'PUSH_MALFORMED', 'message_type is missing')
  const seller = text(root, 'seller_id') ?? text(data, 'seller_id') ?? null
  const head = {
    notificationId: identityOf(read, { root, data, type, seller }),
    topic: ORDER_TYPES.get(type) ?? OTHER_TYPES.get(type) ?? `TYPE_${type}`,
    time: momentOf(read.member(root, 'timestamp').value),
  }
  const orderId = ORDER_TYPES.has(type) ? text(data, 'trade_order_id') : undefined
  return { kind: 'accepted', notification: { ...head, ...contentOf(seller, orderId, head.notificationId) } }
}

function contentOf(
  seller: string | null,
  orderId: string | undefined,
  notificationId: string,
):
  | { kind: 'order'; sellerId: string; orderIds: string[] }
  | Omit<Extract<Notification, { kind: 'other' }>, 'notificationId' | 'topic' | 'time'> {
  if (seller !== null && orderId !== undefined) return { kind: 'order', sellerId: seller, orderIds: [orderId] }
  const person = seller === null ? { kind: 'notification', id: `4:${notificationId}` } : { kind: 'lazada:seller', id: seller }
  return { kind: 'other', sellerId: seller, person }
}

/** A push has no id: what it says of which line makes one. What it repeats after half an hour may say something newer. */
function identityOf(
  read: FieldReader,
  { root, data, type, seller }: { root: Field; data: Field; type: string; seller: string | null },
): string {
  const site = plain(read, read.member(root, 'site')) ?? ''
  const digest = createHash('sha256').update(textOf(data.value)).digest('hex')
  return `${seller ?? ''}:${site}:${type}:${digest}`
}

/** Ids of more than 53 bits were read as bigints, which JSON does not take. */
const textOf = (value: unknown): string =>
  JSON.stringify(value ?? null, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part))

/** Milliseconds in the sample of one type, seconds in all else: told by magnitude. */
function momentOf(value: unknown): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number) || number < 0) return 0
  return number < 100_000_000_000 ? number * 1000 : number
}

function refused(status: 400 | 401, code: string, detail: string): Reception {
  return { kind: 'refused', status, code, detail }
}

function unavailable(): Reception {
  const detail = 'An app of Lazada is not registered yet, or not with its secret. Send it again later'
  return { kind: 'unavailable', status: 503, code: 'SECRET_MISSING', detail }
}

function parse(body: Buffer): unknown {
  try {
    return parseExactly(body.toString('utf8'))
  } catch {
    return undefined
  }
}
