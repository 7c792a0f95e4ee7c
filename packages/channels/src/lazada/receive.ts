import { createHash } from 'node:crypto'
import { createSignedReceive } from '../app-signature.ts'
import type { App, Channel, NotificationContent, Reception } from '../port.ts'
import { createFieldReader, type Field, type FieldReader, momentOrNone } from '../reading/fields.ts'
import { parseIfJson } from '../reading/json-text.ts'
import { writtenJson } from '../reading/written.ts'
import { plain } from './personal.ts'

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

/** Verifies and reads a push. More than half of them failing would make Lazada stop, so nothing else is done before the answer. */
export const createReceive = ({ apps }: { apps: () => Promise<readonly App[]> }): Channel['receive'] =>
  createSignedReceive({ name: 'Lazada', apps, readBody: readPush })

function readPush(body: Buffer): Reception {
  const value = parseIfJson(body.toString('utf8'))
  if (value === undefined) return refused('BODY_NOT_JSON', 'The body is no JSON')
  const read = createFieldReader()
  const root: Field = { value, path: '' }
  const data = read.member(root, 'data')
  const text = (parent: Field, key: string) => plain(read, read.member(parent, key))
  const type = text(root, 'message_type')
  if (type === undefined) return refused('PUSH_MALFORMED', 'message_type is missing')
  const said = writtenJson(data.value ?? null)
  if (said === undefined) return refused('PUSH_MALFORMED', 'data nests too deep')
  const seller = text(root, 'seller_id') ?? text(data, 'seller_id') ?? null
  const head = {
    notificationId: identityOf(read, { root, said, type, seller }),
    topic: ORDER_TYPES.get(type) ?? OTHER_TYPES.get(type) ?? `TYPE_${type}`,
    time: momentOf(read.member(root, 'timestamp').value),
  }
  const orderId = ORDER_TYPES.has(type) ? text(data, 'trade_order_id') : undefined
  return { kind: 'accepted', notification: { ...head, ...contentOf(seller, orderId, head.notificationId) } }
}

function contentOf(seller: string | null, orderId: string | undefined, notificationId: string): NotificationContent {
  if (seller !== null && orderId !== undefined) return { kind: 'order', sellerId: seller, orderIds: [orderId] }
  const person = seller === null ? { kind: 'notification', id: `4:${notificationId}` } : { kind: 'lazada:seller', id: seller }
  return { kind: 'other', sellerId: seller, person }
}

/** A push has no id: what it says of which line makes one. What it repeats after half an hour may say something newer. */
function identityOf(
  read: FieldReader,
  { root, said, type, seller }: { root: Field; said: string; type: string; seller: string | null },
): string {
  const site = plain(read, read.member(root, 'site')) ?? ''
  const digest = createHash('sha256').update(said).digest('hex')
  return `${seller ?? ''}:${site}:${type}:${digest}`
}

/** Milliseconds in the sample of one type, seconds in all else: told by magnitude. */
function momentOf(value: unknown): number {
  const number = typeof value === 'object' ? 0 : Number(value)
  return momentOrNone(number < 100_000_000_000 ? number * 1000 : number)
}

function refused(code: string, detail: string): Reception {
  return { kind: 'refused', status: 400, code, detail }
}
