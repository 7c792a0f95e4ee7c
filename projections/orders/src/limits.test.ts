import type { NormalOrder, PersonalPart } from '@tributary/events'
import { anOrderReceived, aPersonalPart, given } from '@tributary/projection/testing'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { orders } from './index.ts'
import { DETAIL_LIMITS, LARGEST_QUANTITY, ORDER_LIMITS, ORIGINAL_LIMIT, TABLES } from './tables.ts'

const rowIds = { order: 500, original: 501, lines: { line: 502 } }
const line = { lineItemId: 'line', quantity: 1, title: '', sku: '' }
const received = (order: Partial<NormalOrder>, personal: PersonalPart = aPersonalPart(), sourceTime = 1) =>
  anOrderReceived({ data: { rowIds, sourceTime }, order: { lines: [line], ...order }, personal })
const remarked = (remark: string, minute = 1) => received({}, aPersonalPart({ buyer: { remark } }), minute)

describe('orders: values that do not fit', () => {
  it('cuts text by code points, records it and says so', () => {
    const { row, remarks } = given(orders).when(remarked('😀'.repeat(600)))
    expect(row('eg_order_order')['buyer_remark']).to.equal('😀'.repeat(500))
    expect(row('tributary_order_fold')['facts']).to.include('"cut":["buyer_remark"]')
    expect(remarks).to.deep.equal([
      { kind: 'truncated', table: 'eg_order_order', column: 'buyer_remark', detail: 'longer than 500 characters' },
    ])
  })

  it('keeps text that fills its column to the last code point', () => {
    const { row, remarks } = given(orders).when(remarked(`${'字'.repeat(499)}😀`))
    expect(row('eg_order_order')['buyer_remark']).to.equal(`${'字'.repeat(499)}😀`)
    expect(remarks).to.deep.equal([])
  })

  it('forgets a cut when the next value fits', () => {
    const { row } = given(orders, remarked('x'.repeat(600))).when(remarked('short', 2))
    expect(row('tributary_order_fold')['facts']).not.to.include('cut')
  })

  it('cuts titles and stock keeping units of lines, naming the row in the facts', () => {
    const long = { ...line, title: '锤'.repeat(300), sku: 'S'.repeat(101), quantity: 3_000_000_000 }
    const { row, remarks } = given(orders).when(received({ lines: [long] }))
    expect(row('eg_order_order_detail')).to.include({
      title: '锤'.repeat(255),
      sku: 'S'.repeat(100),
      quantity: LARGEST_QUANTITY,
    })
    expect(row('tributary_order_fold')['facts']).to.include('"cut":["502.quantity","502.sku","502.title"]')
    expect(remarks.map(({ kind, column }) => `${kind} ${column}`)).to.deep.equal([
      'truncated quantity',
      'truncated title',
      'truncated sku',
    ])
  })

  it('takes any quantity that its column holds, and the nearest for others', () => {
    const quantities = [-3e9, -LARGEST_QUANTITY - 1, 0, LARGEST_QUANTITY].map((quantity) => {
      const { row, remarks } = given(orders).when(received({ lines: [{ ...line, quantity }] }))
      return [row('eg_order_order_detail')['quantity'], remarks.length]
    })
    expect(quantities).to.deep.equal([
      [-LARGEST_QUANTITY - 1, 1],
      [-LARGEST_QUANTITY - 1, 0],
      [0, 0],
      [LARGEST_QUANTITY, 0],
    ])
  })

  it('cuts a raw order that outgrows its column by bytes, between two code points', () => {
    const original = `${'a'.repeat(ORIGINAL_LIMIT - 1)}字`
    const { row, remarks } = given(orders).when(received({}, aPersonalPart({ original })))
    expect(row('eg_order_order_original')['original']).to.equal('a'.repeat(ORIGINAL_LIMIT - 1))
    expect(remarks.map(({ table }) => table)).to.deep.equal(['eg_order_order_original'])
  })

  it('keeps a status it does not know as UNKNOWN, its raw values in the remark', () => {
    const { row, remarks } = given(orders).when(received({ status: 'UNKNOWN', fulfillmentStatus: 'TELEPORTED' }))
    expect(row('eg_order_order')).to.include({ status: 'UNKNOWN', order_fulfillment_status: 'TELEPORTED' })
    expect(remarks).to.deep.equal([
      {
        kind: 'unknown-value',
        table: 'eg_order_order',
        column: 'status',
        detail: "fulfillment 'TELEPORTED', payment 'PAID', cancel 'NONE_REQUESTED'",
      },
    ])
  })
})

describe('orders: the real tables', () => {
  it('have the columns and limits that the fold counts on', async () => {
    const { database, drop } = await migratedTestDatabase('orders_limits')
    try {
      for (const { name, columns } of TABLES) {
        const found = await database.query<{ name: string; type: string; longest: number; bytes: number }[]>(
          `SELECT column_name AS name, data_type AS type, character_maximum_length AS longest, character_octet_length AS bytes
             FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? ORDER BY ordinal_position`,
          [name],
        )
        expect(found.map((column) => column.name)).to.deep.equal(columns, name)
        const limits: Record<string, number> =
          { eg_order_order: ORDER_LIMITS, eg_order_order_detail: DETAIL_LIMITS }[name] ?? {}
        for (const [column, limit] of Object.entries(limits)) {
          expect(Number(found.find((one) => one.name === column)?.longest)).to.equal(limit, `${name}.${column}`)
        }
        const original = found.find((one) => one.name === 'original')
        if (original) expect(Number(original.bytes)).to.equal(ORIGINAL_LIMIT, 'original')
        const quantity = found.find((one) => one.name === 'quantity')
        if (quantity) expect(quantity.type).to.equal('int')
      }
    } finally {
      await drop()
    }
  })

  it('give back what the fold wrote, whatever a marketplace sent', async () => {
    const nasty = '\u0000 NUL, half \ud83d a pair, 😀🏴‍☠️ 収納ボックス, \u202e, \\\' "quoted" \n '
    const filled = nasty.repeat(30)
    const buyer = {
      id: filled,
      name: filled,
      phone: filled,
      email: filled,
      taxId: filled,
      taxType: filled,
      companyName: filled,
      remark: filled,
    }
    const receiver = {
      addressLine1: filled,
      addressLine2: filled,
      addressDetail: filled,
      city: filled,
      countryCode: filled,
      province: filled,
      postalCode: filled,
    }
    const texts = {
      sellerName: filled,
      cancelState: filled,
      cancelledDate: filled,
      creationDate: filled,
      lastModifiedDate: filled,
    }
    const event = received(
      {
        ...texts,
        fulfillmentStatus: filled,
        paymentStatus: filled,
        digest: filled,
        lines: [{ ...line, title: filled, sku: filled }],
      },
      { buyer, receiver, original: filled },
    )
    const { state } = given(orders).when(event)
    const { database, drop } = await migratedTestDatabase('orders_round_trip')
    try {
      for (const { name, columns } of TABLES) {
        const [row] = state[name] ?? []
        const values = columns.map((column) => row?.[column])
        await database.query(`INSERT INTO ?? (??) VALUES (?)`, [name, columns, values])
        expect(await database.query('SELECT ?? FROM ??', [columns, name])).to.deep.equal([row], name)
      }
    } finally {
      await drop()
    }
  })
})
