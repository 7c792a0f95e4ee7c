import type { PersonalPart } from '@tributary/events'
import type { Row } from '@tributary/projection'
import { anOrderReceived, aPersonalDataErased, aPersonalPart, given } from '@tributary/projection/testing'
import { expect } from 'chai'
import { orders } from './index.ts'

const T = Date.UTC(2026, 10, 23, 9)
const ORDER = 'eg_order_order'
const ORIGINAL = 'eg_order_order_original'

const snapshot = (minute: number, personal: PersonalPart | 'erased' = aPersonalPart()) =>
  anOrderReceived({ time: T + minute * 60_000, data: { sourceTime: T + minute * 60_000 }, personal })

const PERSONAL = /^(buyer_|receiver_)/
const personalValues = (row: Row) => Object.entries(row).flatMap(([column, value]) => (PERSONAL.test(column) ? [value] : []))
const address = (row: Row) => [row['receiver_address_line1'], row['receiver_address_line2'], row['receiver_city']]

describe('orders: what a marketplace withholds', () => {
  it('erases no known value that is absent from a newer snapshot', () => {
    const { row } = given(orders, snapshot(0)).when(
      snapshot(1, { buyer: { name: 'New Name' }, receiver: {}, original: '{"aged":"out"}' }),
    )
    expect(row(ORDER)).to.include({ buyer_name: 'New Name', buyer_email: 'relay1@members.example', receiver_city: 'Hamburg' })
    expect(row(ORIGINAL)['original']).to.equal('{"aged":"out"}')
  })

  it('remembers how old a kept value is', () => {
    const named = (name: string): PersonalPart => ({ buyer: { name }, receiver: {}, original: '{}' })
    const kept = given(orders, snapshot(0, named('zero')), snapshot(9, { buyer: {}, receiver: {}, original: '{}' }))
    expect(kept.when(snapshot(4, named('four'))).row(ORDER)['buyer_name']).to.equal('four')
    const later = given(orders, snapshot(5, named('five')), snapshot(9, { buyer: {}, receiver: {}, original: '{}' }))
    expect(later.when(snapshot(4, named('four'))).row(ORDER)['buyer_name']).to.equal('five')
  })

  it('replaces an address with a street as a whole, so that two addresses never mix', () => {
    const moved = aPersonalPart({ receiver: { addressLine1: 'Musterstrasse 9', city: 'Bremen' } })
    expect(address(given(orders, snapshot(0)).when(snapshot(1, moved)).row(ORDER))).to.deep.equal([
      'Musterstrasse 9',
      '',
      'Bremen',
    ])
  })

  it('lets an address without a street change nothing in one that has a street, newer or older', () => {
    const masked = aPersonalPart({ receiver: { city: 'Elsewhere', countryCode: 'FR' } })
    const whole = ['Beispielweg 1', 'Hinterhaus', 'Hamburg']
    expect(address(given(orders, snapshot(0)).when(snapshot(1, masked)).row(ORDER))).to.deep.equal(whole)
    expect(address(given(orders, snapshot(1, masked)).when(snapshot(0)).row(ORDER))).to.deep.equal(whole)
    expect(address(given(orders).when(snapshot(1, masked)).row(ORDER))).to.deep.equal(['', '', 'Elsewhere'])
  })
})

describe('orders: erasure', () => {
  const blanked = (row: (table: string) => Row) => {
    expect(personalValues(row(ORDER))).to.have.length(15)
    expect(new Set(personalValues(row(ORDER)))).to.deep.equal(new Set(['']))
    expect(row(ORIGINAL)['original']).to.equal(null)
  }

  it('blanks every personal column and the raw order, and nothing else', () => {
    const { row, rows } = given(orders, snapshot(0)).when(aPersonalDataErased({}, T + 60_000))
    blanked(row)
    expect(row(ORDER)).to.include({ status: 'AWAITING_SHIPMENT', deleted: 0, create_time: T, update_time: T + 60_000 })
    expect(rows('eg_order_order_detail').map(({ title }) => title)).to.deep.equal(['Oak mallet, 450 g', 'Chisel 12 mm'])
  })

  it('stands against every later snapshot, newer or older', () => {
    blanked(given(orders, snapshot(5), aPersonalDataErased()).when(snapshot(9), snapshot(1)).row)
  })

  it('happens as well when a snapshot opens as erased, and stands', () => {
    blanked(given(orders, snapshot(5)).when(snapshot(1, 'erased'), snapshot(6)).row)
    const first = given(orders).when(snapshot(0, 'erased'))
    blanked(first.row)
    expect(first.row(ORDER)['status']).to.equal('AWAITING_SHIPMENT')
  })

  it('is remembered when it comes before the first snapshot, by a row that is soft-deleted until then', () => {
    const before = given(orders).when(aPersonalDataErased({ rowId: 77 }))
    expect(before.row(ORDER)).to.include({ id: 77, status: 'UNKNOWN', deleted: 77 })
    expect(before.rows(ORIGINAL)).to.deep.equal([])
    const after = given(orders, aPersonalDataErased({ rowId: 77 })).when(snapshot(0))
    blanked(after.row)
    expect(after.row(ORDER)).to.include({ id: 77, status: 'AWAITING_SHIPMENT', deleted: 0 })
    expect(after.row(ORIGINAL)['order_id']).to.equal(77)
  })

  it('changes nothing the second time', () => {
    expect(given(orders, snapshot(0), aPersonalDataErased({}, T + 1)).when(aPersonalDataErased({}, T + 2)).unchanged).to.equal(
      true,
    )
  })

  it('leaves no trace of a cut or kept value in the facts', () => {
    const long = aPersonalPart({ buyer: { name: 'x'.repeat(200) } })
    const { row } = given(orders, snapshot(0, long), snapshot(1, { buyer: {}, receiver: {}, original: '{}' })).when(
      aPersonalDataErased(),
    )
    expect(row('tributary_order_fold')['facts']).to.equal(JSON.stringify({ newest: T + 60_000, erased: 'told' }))
  })
})
