import { createLogger } from '@tributary/runtime'
import { expect } from 'chai'
import type { Remark } from './definition.ts'
import { createRemarkBook } from './remark-counts.ts'

const cut: Remark = { kind: 'truncated', table: 'orders', column: 'buyer_name', detail: 'longer than 100 characters' }
const stale: Remark = { kind: 'stale', table: 'orders', column: 'last_modified', detail: '5 ms older' }

const openBook = () => {
  const lines: string[] = []
  const logger = createLogger({ level: 'info', format: 'json', destination: { write: (line: string) => lines.push(line) } })
  return { book: createRemarkBook('orders', logger), lines }
}

describe('the remarks of a projection', () => {
  it('count once their transaction is durable, once however often it was tried', () => {
    const { book } = openBook()
    book.hold(0, [cut, cut])
    book.hold(0, [cut, cut])
    expect(book.counts()).to.deep.equal({})
    book.settle(0)
    book.settle(0)
    expect(book.counts()).to.deep.equal({ 'truncated orders.buyer_name': 2 })
  })

  it('are kept apart by partition, and dropped with it', () => {
    const { book } = openBook()
    book.hold(0, [cut])
    book.hold(1, [stale])
    book.drop(0)
    book.settle(0)
    book.settle(1)
    expect(book.counts()).to.deep.equal({ 'stale orders.last_modified': 1 })
  })

  it('are logged once a batch, by place and number and without values; stale facts are everyday and are not', () => {
    const { book, lines } = openBook()
    book.hold(0, [cut, stale, cut])
    book.settle(0)
    expect(lines).to.have.length(1)
    const line = JSON.parse(lines[0] ?? '')
    expect(line).to.include({ kind: 'truncated', table: 'orders', column: 'buyer_name', count: 2 })
    expect(line).to.not.have.property('detail')
  })
})
