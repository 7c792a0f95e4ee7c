import type { Database } from '@tributary/database'
import type { Comparison } from '@tributary/history'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { openWorld, type World } from './gateway/world.ts'

type Report = { rows: Record<string, number>; appended: number; misfits: Record<string, number>; comparisons: Comparison[] }

const ORDERS = 300
const TIME = 1_700_000_000_000

describe('importing an existing system', function () {
  this.timeout(90_000)
  let world: World
  let old: { url: string; database: Database; drop(): Promise<void> }
  before(async () => {
    old = await migratedTestDatabase('existing')
    await fill(old.database)
    world = await openWorld({ name: 'import' })
  })
  after(async () => {
    await world.close()
    await old.drop()
  })

  async function run(...args: string[]): Promise<{ code: number | null; report: Report; errors: string }> {
    const { code, output, errors } = await world.gateway.run(['import', ...args, '--from-file', '-', '--json'], old.url)
    return { code, report: JSON.parse(output), errors }
  }
  const all = (database: Database, table: string) =>
    database.query<Record<string, unknown>[]>('SELECT * FROM ?? WHERE deleted = 0 ORDER BY id', [table])

  it('carries sellers and orders over with the ids that their rows have, and says what did not fit', async () => {
    const sellers = await run('sellers')
    expect(sellers.report.comparisons).to.deep.equal([
      {
        ...{ table: 'eg_order_app_seller', rows: 5, equal: 2, missing: 2 },
        ...{ different: { attach_info: 1 }, examples: [902, 903, 904] },
      },
    ])
    expect(sellers.report.misfits).to.deep.equal({
      'eg_order_app_seller: a second row of one seller; the newer token and app go into the first': 1,
      'eg_order_app_seller: it is deleted; left out': 1,
      'eg_order_app_seller: its attach_info has no place in an event; ours takes its place': 1,
    })
    expect(sellers.code).to.equal(1)

    const { report } = await run('orders')
    expect(report.misfits).to.deep.equal({
      'eg_order_order: a second row of one order; left out': 1,
      'eg_order_order: it is deleted; left out': 1,
      'eg_order_order: its order_app_seller_id names no seller; left out': 1,
      'eg_order_order: status is none that is known here; it becomes UNKNOWN': 1,
      'eg_order_order_detail: a second row of one line; left out': 1,
      'eg_order_order_original: an order without original; it gets an empty one': 1,
    })
    const [orders, details, originals] = report.comparisons
    expect(orders).to.include({ rows: ORDERS + 3, equal: ORDERS - 1, missing: 3 })
    expect(orders?.different).to.deep.equal({ status: 1 })
    expect(details).to.include({ equal: Number(details?.rows) - 1, missing: 1 })
    expect(originals).to.include({ rows: ORDERS - 1, equal: ORDERS - 1 })
    // One more event where a line is soft-deleted, so that it is here, too.
    expect(report.appended).to.equal(ORDERS + 1)
  })

  it('appends nothing twice when it is run again, also from the beginning', async () => {
    const again = await run('orders')
    expect(again.report).to.include({ appended: 0 })
    const { output } = await world.gateway.run(['import', 'orders', '--from-file', '-'], old.url)
    expect(output).to.contain('No row was left to take over; nothing is new.')
    await world.database.query('DELETE FROM tributary_import')
    const anew = await run('orders')
    expect(anew.report).to.include({ appended: 0 })
    expect(anew.report.rows['eg_order_order']).to.equal(ORDERS)
  })

  it('leaves the existing system as it was, its secrets sealed here, and shows people’s data as it was', async () => {
    const [seller] = await all(world.database, 'eg_order_app_seller')
    expect(seller?.['refresh_token']).to.match(/^ey/)
    const [mine, theirs] = await Promise.all([world.database, old.database].map((one) => all(one, 'eg_order_order')))
    expect(mine?.[5]?.['buyer_name']).to.equal(theirs?.[5]?.['buyer_name']).and.to.equal('买家 5 🎁')
  })

  it('refuses an address that is no such database without repeating it', async () => {
    const { code, errors } = await world.gateway.run(
      ['import', 'orders', '--from-file', '-'],
      'mysql://root:hidden@127.0.0.1:1/none',
    )
    expect(code).to.equal(1)
    expect(errors).to.contain('The existing system: ').and.not.to.contain('hidden')
  })
})

/** What an existing system holds after some years: three sellers, some hundred orders, and what should not be there. */
async function fill(database: Database): Promise<void> {
  const audit = {
    create_user_id: 7,
    create_by: 'operator',
    create_time: TIME,
    update_user_id: 7,
    update_by: 'job',
    update_time: TIME + 60_000,
  }
  const insert = async (table: string, rows: Record<string, unknown>[]) => {
    const columns = Object.keys(rows[0] ?? {})
    await database.query('INSERT INTO ?? (??) VALUES ?', [
      table,
      columns,
      rows.map((row) => columns.map((column) => row[column])),
    ])
  }
  await insert(
    'eg_order_app_seller',
    // 904 is 901 again, and 905 differs from it by case only, which marketplaces tell apart.
    [901, 902, 903, 904, 905].map((id) => ({
      ...{
        id,
        channel: 1,
        seller_id: id < 904 ? `shop-${id}` : id === 904 ? 'shop-901' : 'SHOP-901',
        order_app_id: 1,
        region: 'DE',
        spi_server_codes: 'warehouse,books',
      },
      ...{
        refresh_token: `v^1.1#existing-${id}`,
        refresh_token_expires_in: 47_304_000,
        refresh_token_expires_time: TIME + 1e9,
      },
      ...audit,
      update_time: id === 904 ? TIME : audit.update_time,
      attach_info: id === 902 ? '{"note":"by hand"}' : '',
      deleted: id === 903 ? id : 0,
    })),
  )
  const order = (number: number, change: Record<string, unknown> = {}) => ({
    ...{ id: 10_000 + number, channel: 1, order_app_seller_id: '901', order_id: `12-${number}`, status: 'SHIPPED' },
    ...{ buyer_id: `buyer-${number % 40}`, buyer_name: `买家 ${number} 🎁`, buyer_remark: '' },
    ...{ receiver_address_line1: number % 3 === 0 ? '' : `Weg ${number}`, receiver_city: 'Köln', receiver_country_code: 'DE' },
    ...{
      creation_date: '2023-11-14T22:13:20.000Z',
      creation_date_time: TIME,
      last_modified_date: 'x',
      last_modified_date_time: TIME + number,
    },
    ...{
      order_fulfillment_status: 'FULFILLED',
      order_payment_status: 'PAID',
      seller_id: 'shop-901',
      original_md5: 'a'.repeat(32),
    },
    ...audit,
    deleted: 0,
    ...change,
  })
  await insert('eg_order_order', [
    ...Array.from({ length: ORDERS }, (_, number) => order(number, number === 7 ? { status: 'LOST_IN_SPACE' } : {})),
    order(ORDERS, { deleted: 10_000 + ORDERS }),
    order(ORDERS + 1, { order_app_seller_id: '999' }),
    order(ORDERS + 2, { order_id: '12-5' }),
  ])
  const line = (id: number, orderNumber: number, item: string, deleted = 0) => ({
    ...{ id, order_id: 10_000 + orderNumber, line_item_id: item, quantity: 2, title: `线 ${id}`, sku: 'S' },
    ...audit,
    deleted,
  })
  await insert('eg_order_order_detail', [
    ...Array.from({ length: ORDERS }, (_, number) => line(20_000 + number, number, `${number}-1`)),
    line(30_000, 3, '3-2', 30_000),
    line(30_001, 4, '4-1'),
  ])
  await insert(
    'eg_order_order_original',
    Array.from({ length: ORDERS - 1 }, (_, number) => ({
      ...{
        id: 40_000 + number,
        order_id: 10_000 + number,
        original: JSON.stringify({ orderId: `12-${number}`, text: '原文' }),
      },
      ...audit,
      deleted: 0,
    })),
  )
}
