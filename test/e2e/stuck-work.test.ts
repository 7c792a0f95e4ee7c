import type { Database } from '@tributary/database'
import { expect } from 'chai'
import { migratedTestDatabase } from '../servers/index.ts'
import { createGateway, type Gateway, UNREACHABLE_EBAY } from './gateway/gateway.ts'

const HOUR = 3_600_000

describe('what waits for a person, as its commands show it', function () {
  this.timeout(60_000)
  let database: Database
  let gateway: Gateway
  let drop: () => Promise<void>
  before(async () => {
    const made = await migratedTestDatabase('stuck')
    database = made.database
    gateway = await createGateway({ databaseUrl: made.url, ebay: UNREACHABLE_EBAY, receivers: {} })
    drop = made.drop
  })
  after(async () => {
    await gateway.remove()
    await drop()
  })

  async function succeed(...args: string[]) {
    const { code, output, errors } = await gateway.run(args)
    expect(code, `${args.join(' ')}: ${errors}`).to.equal(0)
    return { output, errors }
  }
  const listed = async (...args: string[]): Promise<Record<string, unknown>[]> =>
    (await succeed(...args, '--json')).output
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  const audits = () =>
    database.query<{ action: string; target: string }[]>('SELECT action, target FROM tributary_audit ORDER BY id')

  it('is an order that cannot be read: listed with the reason, page by page, and read now when somebody says so', async () => {
    const due = Date.now() + HOUR
    const row = (orderId: string, state: string, attempts: number, error: string) => [
      1,
      'a shop',
      orderId,
      'notification',
      0,
      due - 2 * HOUR,
      due,
      state,
      attempts,
      error,
    ]
    await database.query(
      `INSERT INTO tributary_order_read
         (channel, seller_id, order_id, origin, notified_time, created_time, due_time, state, attempts, last_error) VALUES ?`,
      [
        [
          row('12-1', 'parked', 3, 'CONSENT_ENDED: ask\u001b[2J again'),
          row('12-2', 'waiting', 0, ''),
          row('12-3', 'dropped', 8, 'X'),
        ],
      ],
    )
    const [all, page] = await Promise.all([
      listed('order-read', 'list', '--seller', '1:a shop'),
      succeed('order-read', 'list', '--channel', 'ebay', '--limit', '1'),
    ])
    expect(all.map(({ orderId, state }) => [orderId, state])).to.deep.equal([
      ['12-1', 'parked'],
      ['12-2', 'waiting'],
      ['12-3', 'dropped'],
    ])
    expect(all[0]).to.include({ attempts: 3, next: new Date(due).toISOString(), isInHand: false })
    expect(page.output).to.match(/^1:a shop:12-1 +parked .* CONSENT_ENDED: ask \[2J again$/m)
    expect(page.errors).to.equal(`There may be more: --cursor '${all[0]?.['cursor']}'\n`)
    const [next, one, none] = await Promise.all([
      listed('order-read', 'list', '--limit', '1', '--cursor', String(all[0]?.['cursor'])),
      listed('order-read', 'list', '--order', '1:a shop:12-3', '--state', 'dropped'),
      listed('order-read', 'list', '--channel', 'lazada'),
    ])
    expect([next, one, none].map((rows) => rows.map(({ orderId }) => orderId))).to.deep.equal([['12-2'], ['12-3'], []])

    const [which, both, nothing] = await Promise.all([
      gateway.run(['order-read', 'requeue']),
      gateway.run(['order-read', 'requeue', '--channel', '1', '--order', '1:a shop:12-1']),
      gateway.run(['order-read', 'requeue', '--order', '1:a shop:12-2']),
    ])
    expect([which.code, both.code, nothing.code]).to.deep.equal([64, 64, 1])
    expect(nothing.errors).to.include('Nothing of order 1:a shop:12-2 is parked').and.to.include('ORDER_READ_NOT_WAITING')
    expect(await audits()).to.deep.equal([])
    expect((await succeed('order-read', 'requeue', '--seller', '1:a shop')).output).to.match(/^One order is read/)
    expect((await succeed('order-read', 'requeue', '--order', '1:a shop:12-3')).output).to.match(/^One order is read/)
    const rows = await listed('order-read', 'list', '--state', 'waiting')
    expect(rows.filter(({ next: at }) => Date.parse(String(at)) <= Date.now())).to.have.length(2)
    expect(await audits()).to.deep.equal([
      { action: 'order-read requeue', target: 'seller 1:a shop' },
      { action: 'order-read requeue', target: 'order 1:a shop:12-3' },
    ])
  })

  it('is a parked key, called as the list shows it or with the ids as the marketplace writes them', async () => {
    const place = ['orders', 'EG_ORDER_SPI_TOPIC', 0]
    const keys = ['1:a%20shop:12-1', '1:b%20shop:12-1']
    await database.query(
      `INSERT INTO tributary_parked_key (consumer, topic, partition_no, event_key, state, position, attempts, error_code, error, parked_time)
       VALUES ?`,
      [keys.map((key, at) => [...place, key, 'parked', at, 1, 'X', 'because', 1])],
    )
    await database.query('INSERT INTO tributary_parked_event (consumer, topic, partition_no, event_key, position) VALUES ?', [
      keys.map((key, at) => [...place, key, at]),
    ])
    const first = await succeed('parked', 'list', '--limit', '1')
    expect(first.output).to.include('1:a%20shop:12-1').and.not.to.include('1:b%20shop:12-1')
    expect(first.errors).to.equal('These are the first 1 of 2: --limit\n')
    expect((await succeed('parked', 'requeue', 'orders', '1:a%20shop:12-1')).output).to.include('with 1 event;')
    const other = await succeed('projection', 'requeue', 'orders', '1:b shop:12-1')
    expect(other.output).to.match(/See: tributary projection parked$/m)
    const wrong = await gateway.run(['projection', 'skip', 'orders', '1:b shop:12-1', '7', '--yes'])
    expect(wrong.errors).to.include('those that wait stand at 1. [EVENT_NOT_PARKED]')
    expect((await succeed('parked', 'skip', 'orders', '1:b shop:12-1', '1', '--yes')).output).to.include('with 0 events')
    const rows = (await listed('parked', 'list')).map(({ key, state, waiting }) => [key, state, waiting])
    expect(rows).to.deep.equal([
      [keys[0], 'requeued', 1],
      [keys[1], 'requeued', 0],
    ])
    expect((await audits()).slice(-3)).to.deep.equal([
      { action: 'parked requeue', target: `orders ${keys[0]}` },
      { action: 'projection requeue', target: `orders ${keys[1]}` },
      { action: 'parked skip', target: `orders ${keys[1]} 1` },
    ])
    expect((await gateway.run(['parked', 'requeue', 'orders', '1:c shop:1'])).errors).to.include('KEY_NOT_PARKED')
  })

  it('is a package that a marketplace is not told of, and the one behind it', async () => {
    const now = Date.now()
    const parcel = (trackingNumber: string) =>
      JSON.stringify({ carrier: 'UPS', trackingNumber, lines: [{ lineItemId: 'line-1', quantity: 2 }], shippedTime: now })
    const row = (shipmentId: string, state: string, due: number, attempts: number, error: string) => [
      shipmentId,
      1,
      'a shop',
      '12-1',
      state,
      parcel(`1Z-${shipmentId}`),
      'key:erp',
      now,
      due,
      attempts,
      error,
    ]
    await database.query(
      `INSERT INTO tributary_shipment (shipment_id, channel, seller_id, order_id, state, parcel, requested_by, requested_time,
         due_time, attempts, last_error) VALUES ?`,
      [[row('first', 'parked', now + HOUR, 1, 'CONSENT_ENDED'), row('second', 'waiting', now, 0, '')]],
    )

    const [parked, page, first, second, unknown] = await Promise.all([
      listed('shipment', 'list', '--state', 'parked', '--order', '1:a shop:12-1'),
      succeed('shipment', 'list', '--limit', '1'),
      succeed('shipment', 'show', 'first'),
      listed('shipment', 'show', 'second'),
      gateway.run(['shipment', 'show', 'nobody']),
    ])
    expect(parked).to.have.length(1)
    expect(parked[0]).to.include({ shipmentId: 'first', reason: 'CONSENT_ENDED', attempts: 1 })
    expect(page.errors).to.equal("There may be more: --cursor 'second'\n")
    expect(await listed('shipment', 'list', '--cursor', 'second')).to.deep.equal(parked)
    expect(first.output)
      .to.match(/^reason +CONSENT_ENDED$/m)
      .and.to.match(/^lines +2 of line-1$/m)
      .and.to.include(new Date(now + HOUR).toISOString())
      .and.not.to.include('waitsBehind')
    expect(second[0]).to.include({
      order: '1:a shop:12-1',
      state: 'waiting',
      waitsBehind: 'first',
      trackingNumber: '1Z-second',
    })
    expect([unknown.code, unknown.errors]).to.deep.equal([
      1,
      "tributary: There is no shipment 'nobody'. See: tributary shipment list [SHIPMENT_UNKNOWN]\n",
    ])
    await succeed('shipment', 'retry', 'first')
    expect((await audits()).at(-1)).to.deep.equal({ action: 'shipment retry', target: 'first' })
    expect((await listed('shipment', 'show', 'first'))[0]).to.include({ state: 'waiting', tries: 0 })
  })
})
