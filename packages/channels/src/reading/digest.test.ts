import { expect } from 'chai'
import { orderDigest } from './digest.ts'

describe('The digest of an order', () => {
  const lines = [
    { lineItemId: 'b', title: 'B', sku: '', quantity: 2 },
    { lineItemId: 'a', quantity: 1, title: 'A', sku: 'x' },
  ]
  const order: Parameters<typeof orderDigest>[1] = {
    ...{ status: 'SHIPPED', sellerName: 's', cancelState: '', cancelledDate: '', creationDate: '2026-01-02T03:04:05.000Z' },
    ...{ creationTime: 1_767_323_045_000, lastModifiedDate: '', fulfillmentStatus: 'FULFILLED', paymentStatus: 'PAID' },
    ...{ linesComplete: true, lines },
  }

  it('is the same in this version and the next, or every order would have changed', () => {
    expect(orderDigest('o-1', order)).to.equal('9cd30215049d69dd32e116b8a658daa5')
  })

  it('covers every field of the order and of its lines, and not how they are ordered', () => {
    const digests = [
      orderDigest('o-2', order),
      ...Object.entries(order).map(([field, value]) => orderDigest('o-1', { ...order, [field]: changed(value) })),
      ...Object.keys(lines[0] ?? {}).map((field) =>
        orderDigest('o-1', { ...order, lines: lines.map((line) => ({ ...line, [field]: changed(line[field as 'sku']) })) }),
      ),
    ]
    expect(new Set([...digests, orderDigest('o-1', order)]).size).to.equal(digests.length + 1)
    expect(orderDigest('o-1', { ...order, lines: lines.toReversed() })).to.equal(orderDigest('o-1', order))
  })
})

function changed(value: unknown): never {
  if (Array.isArray(value)) return value.slice(1) as never
  if (typeof value === 'boolean') return !value as never
  return (typeof value === 'number' ? value + 1 : `${value}!`) as never
}
