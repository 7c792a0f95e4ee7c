import type { NormalOrder, PersonalPart } from '@tributary/events'
import { anEvent, anOrderReceived, aPersonalDataErased, aPersonalPart, given } from '@tributary/projection/testing'
import { expect } from 'chai'
import { orders } from './index.ts'

const T = Date.UTC(2026, 10, 23, 9)
const ORDER = 'eg_order_order'
const LINES = 'eg_order_order_detail'
const ORIGINAL = 'eg_order_order_original'

const mallet = { lineItemId: 'mallet', quantity: 2, title: 'Oak mallet', sku: 'M-1' }
const chisel = { lineItemId: 'chisel', quantity: 1, title: 'Chisel', sku: 'C-1' }
const rowIds = { order: 500, original: 501, lines: { mallet: 502, chisel: 503 } }

/** A snapshot as old as `minute` says, heard at that minute unless `heard` says otherwise. */
const snapshot = (
  minute: number,
  changes: { heard?: number; order?: Partial<NormalOrder>; personal?: PersonalPart | 'erased'; ids?: typeof rowIds } = {},
) =>
  anOrderReceived({
    time: T + (changes.heard ?? minute) * 60_000,
    data: { sourceTime: T + minute * 60_000, rowIds: changes.ids ?? rowIds },
    order: { lines: [mallet, chisel], lastModifiedDate: `minute ${minute}`, ...changes.order },
    ...(changes.personal ? { personal: changes.personal } : {}),
  })

const agedOut: PersonalPart = { buyer: {}, receiver: {}, original: '{"aged":"out"}' }

describe('orders: a first snapshot', () => {
  it('fills every column of the order', () => {
    const { row } = given(orders).when(snapshot(0))
    expect(row(ORDER)).to.deep.equal({
      id: 500,
      channel: 1,
      order_app_seller_id: '891408887636352',
      order_id: '12-34567-89012',
      status: 'AWAITING_SHIPMENT',
      buyer_id: 'some_buyer',
      buyer_remark: 'Please ring twice.',
      buyer_name: 'Alma Example',
      buyer_phone: '+49 40 0000001',
      buyer_email: 'relay1@members.example',
      buyer_tax_id: 'DE000000001',
      buyer_tax_type: 'VATIN',
      buyer_company_name: 'Example Joinery',
      receiver_address_line1: 'Beispielweg 1',
      receiver_address_line2: 'Hinterhaus',
      receiver_address_detail: 'Beispielweg 1, Hinterhaus, 20095 Hamburg',
      receiver_city: 'Hamburg',
      receiver_country_code: 'DE',
      receiver_province: 'HH',
      receiver_postal_code: '20095',
      cancel_state: 'NONE_REQUESTED',
      cancelled_date: '',
      creation_date: '2026-11-23T09:10:02.000Z',
      creation_date_time: Date.UTC(2026, 10, 23, 9, 10, 2),
      last_modified_date: 'minute 0',
      last_modified_date_time: T,
      order_fulfillment_status: 'NOT_STARTED',
      order_payment_status: 'PAID',
      seller_id: 'north_sea_tools',
      original_md5: '3c1a5b0f8d1f4e0c9a7b6d5e4f3a2b1c',
      create_user_id: 0,
      create_by: 'tributary',
      create_time: T,
      update_user_id: 0,
      update_by: 'tributary',
      update_time: T,
      deleted: 0,
    })
  })

  it('makes a row for each line and one for the raw order, with the ids of the event', () => {
    const { rows, row } = given(orders).when(snapshot(0))
    expect(
      rows(LINES).map(({ id, order_id, line_item_id, quantity, title, sku, deleted }) => [
        id,
        order_id,
        line_item_id,
        quantity,
        title,
        sku,
        deleted,
      ]),
    ).to.deep.equal([
      [502, 500, 'mallet', 2, 'Oak mallet', 'M-1', 0],
      [503, 500, 'chisel', 1, 'Chisel', 'C-1', 0],
    ])
    expect(row(ORIGINAL)).to.include({ id: 501, order_id: 500, original: '{"orderId":"12-34567-89012"}', deleted: 0 })
  })

  it('keeps one number as the facts of an order that nothing unusual happened to', () => {
    expect(given(orders).when(snapshot(0)).row('tributary_order_fold')).to.deep.equal({
      id: 500,
      facts: JSON.stringify({ newest: T, address: T }),
    })
  })

  it('is found by channel, seller row and order id; other events change nothing', () => {
    expect(orders.key(snapshot(0))).to.deep.equal([1, '891408887636352', '12-34567-89012'])
    expect(orders.key(aPersonalDataErased())).to.deep.equal([1, '891408887636352', '12-34567-89012'])
    expect(orders.key(anEvent('OrderNotified'))).to.equal(undefined)
    expect(given(orders, snapshot(0)).when(anEvent('OrderNotified')).unchanged).to.equal(true)
  })

  it('is refused when nobody opened its sealed part', () => {
    expect(() => orders.fold({}, anEvent('OrderReceived'))).to.throw('must be opened')
  })
})

describe('orders: newer and older snapshots', () => {
  it('shows the newest one and touches only the rows that differ', () => {
    const { row, rows } = given(orders, snapshot(0)).when(
      snapshot(5, {
        order: { status: 'SHIPPED', lines: [mallet, { ...chisel, quantity: 4 }] },
        ids: { order: 900, original: 901, lines: { mallet: 902, chisel: 903 } },
      }),
    )
    expect(row(ORDER)).to.include({
      id: 500,
      status: 'SHIPPED',
      last_modified_date: 'minute 5',
      last_modified_date_time: T + 300_000,
    })
    expect(row(ORDER)).to.include({ create_time: T, update_time: T + 300_000 })
    expect(rows(LINES).map(({ id, quantity, update_time }) => [id, quantity, update_time])).to.deep.equal([
      [502, 2, T],
      [503, 4, T + 300_000],
    ])
    expect(row(ORIGINAL)).to.include({ id: 501, update_time: T })
  })

  it('lets an older one overwrite nothing, and counts it', () => {
    const { unchanged, remarks } = given(orders, snapshot(5)).when(
      snapshot(0, { heard: 6, order: { status: 'CANCELLED', lines: [{ ...mallet, title: 'Old' }] } }),
    )
    expect(unchanged).to.equal(true)
    expect(remarks).to.deep.equal([
      { kind: 'stale', table: ORDER, column: 'last_modified_date_time', detail: '300000 ms older than the newest snapshot' },
    ])
  })

  it('lets an older one fill what no newer one knows, and a still older one not overwrite that', () => {
    const named = (name: string) => aPersonalPart({ buyer: { name } })
    const { row } = given(orders, snapshot(9, { personal: agedOut }), snapshot(5, { personal: named('five') })).when(
      snapshot(3, { personal: named('three') }),
      snapshot(7, { personal: named('seven') }),
      snapshot(6, { personal: named('six') }),
    )
    expect(row(ORDER)).to.include({ buyer_name: 'seven', last_modified_date: 'minute 9' })
  })

  it('lets the later in the log win among equal source times', () => {
    const { row } = given(orders, snapshot(5)).when(snapshot(5, { heard: 6, order: { status: 'SHIPPED' } }))
    expect(row(ORDER)).to.include({ status: 'SHIPPED', update_time: T + 360_000 })
  })

  it('writes nothing for an exact duplicate', () => {
    expect(given(orders, snapshot(5)).when(snapshot(5, { heard: 9 }), snapshot(5, { heard: 10 })).unchanged).to.equal(true)
  })
})

describe('orders: lines', () => {
  it('lets no line go because a snapshot could not be read whole', () => {
    const half = snapshot(1, { order: { lines: [{ ...mallet, title: 'New' }], linesComplete: false } })
    const { rows } = given(orders, snapshot(0)).when(half)
    expect(rows(LINES).map(({ line_item_id, title, deleted }) => [line_item_id, title, deleted])).to.deep.equal([
      ['mallet', 'New', 0],
      ['chisel', 'Chisel', 0],
    ])
    const whole = given(orders, snapshot(0), half).when(snapshot(2, { order: { lines: [chisel] } }))
    expect(whole.rows(LINES).map(({ line_item_id, deleted }) => [line_item_id, deleted])).to.deep.equal([
      ['mallet', 502],
      ['chisel', 0],
    ])
  })

  it('soft-deletes a line that has gone and brings it back as the same row', () => {
    const gone = given(orders, snapshot(0)).when(snapshot(1, { order: { lines: [mallet] } }))
    expect(gone.rows(LINES).map(({ id, deleted, update_time }) => [id, deleted, update_time])).to.deep.equal([
      [502, 0, T],
      [503, 503, T + 60_000],
    ])
    const back = given(orders, snapshot(0), snapshot(1, { order: { lines: [mallet] } })).when(
      snapshot(2, { order: { lines: [chisel] }, ids: { ...rowIds, lines: { mallet: 902, chisel: 903 } } }),
    )
    expect(back.rows(LINES).map(({ id, deleted }) => [id, deleted])).to.deep.equal([
      [502, 502],
      [503, 0],
    ])
  })

  it('keeps a line that only an older snapshot had, soft-deleted', () => {
    const { rows } = given(orders, snapshot(5, { order: { lines: [mallet] } })).when(snapshot(0))
    expect(rows(LINES).map(({ id, deleted, title }) => [id, deleted, title])).to.deep.equal([
      [502, 0, 'Oak mallet'],
      [503, 503, 'Chisel'],
    ])
  })

  it('takes line ids that are names of JavaScript for what they are', () => {
    const line = { ...mallet, lineItemId: '__proto__' }
    const lines = JSON.parse('{"__proto__": 777}') as Record<string, number>
    const { rows } = given(orders).when(
      snapshot(0, { order: { lines: [line] }, ids: { ...rowIds, lines: lines as typeof rowIds.lines } }),
    )
    expect(rows(LINES).map(({ id, line_item_id }) => [id, line_item_id])).to.deep.equal([[777, '__proto__']])
    const unnamed = snapshot(0, { order: { lines: [{ ...mallet, lineItemId: 'constructor' }] } })
    expect(() => orders.fold({}, unnamed)).to.throw('no row id for one of its lines')
  })

  it('keeps rows in the order of their ids whatever order the lines come in', () => {
    const { rows } = given(orders).when(snapshot(0, { order: { lines: [chisel, mallet] } }))
    expect(rows(LINES).map(({ id }) => id)).to.deep.equal([502, 503])
  })

  it('takes 1,000 lines and a raw order of 5 MB in less than half a second of processor time', () => {
    const lines = Array.from({ length: 1000 }, (_, index) => ({ ...mallet, lineItemId: `line ${index}` }))
    const ids = { ...rowIds, lines: Object.fromEntries(lines.map(({ lineItemId }, index) => [lineItemId, 1000 + index])) }
    const original = JSON.stringify({ note: '字'.repeat(1_666_000) })
    const event = snapshot(0, { order: { lines }, ids: ids as unknown as typeof rowIds, personal: aPersonalPart({ original }) })
    const started = process.cpuUsage()
    const { state } = orders.fold({}, event)
    orders.fold(state, { ...event, data: { ...event.data, sourceTime: T + 1 } })
    const { user, system } = process.cpuUsage(started)
    expect((user + system) / 1_000).to.be.below(500)
    expect(state[LINES]).to.have.length(1000)
    expect(state[ORIGINAL]?.[0]?.['original']).to.equal(original)
  })
})
