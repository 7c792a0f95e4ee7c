import { hash } from 'node:crypto'
import type { NormalOrder } from '@tributary/events'

/**
 * MD5, lower-case hex, that tells whether an order changed; it secures nothing. It covers the mapped fields in a canonical
 * form (keys sorted, lines by id), not the raw text, whose amounts and links change their spelling. Personal fields are left
 * out on purpose: they age away at the marketplace, which is no change of the order, and a digest of them would stay readable in the log
 * after their key is destroyed. A real change of them moves `lastModifiedDate` at most marketplaces, which is covered.
 */
export function orderDigest(orderId: string, order: Omit<NormalOrder, 'digest'>): string {
  const lines = order.lines.toSorted((one, other) => (one.lineItemId < other.lineItemId ? -1 : 1)).map(sorted)
  return hash('md5', JSON.stringify(sorted({ ...order, lines, orderId })), 'hex')
}

function sorted(value: object): object {
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
}
