import type { Database } from '@tributary/database'
import { type EventLog, openEventLog } from '@tributary/event-log'
import { decodeEvent, type EventOf, ORDER_TOPIC } from '@tributary/events'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { requestShipment, type ShipmentRequest } from './request-shipment.ts'
import { dropSettledShipments, findShipment, queueShipments, settleShipment } from './shipment-rows.ts'

describe('Asking for a shipment', () => {
  let stage: Awaited<ReturnType<typeof migratedTestDatabase>>
  let database: Database
  let log: EventLog
  before(async () => {
    stage = await migratedTestDatabase('shipping')
    database = stage.database
    log = await openEventLog({ url: stage.url, database, partitions: 1 })
    await database.query(
      "INSERT INTO eg_order_app_seller (id, channel, seller_id, order_app_id, refresh_token, create_time) VALUES (5, 1, 'shop', 2, '', 1)",
    )
    for (const [id, status] of [
      [7, 'AWAITING_SHIPMENT'],
      [8, 'PARTIALLY_SHIPPED'],
      [9, 'CANCELLED'],
    ]) {
      await database.query(
        "INSERT INTO eg_order_order (id, channel, order_app_seller_id, order_id, status, create_time) VALUES (?, 1, '5', ?, ?, 1)",
        [id, `order-${id}`, status],
      )
      await database.query(
        'INSERT INTO eg_order_order_detail (order_id, line_item_id, quantity, create_time, deleted) VALUES ?',
        [
          [
            [id, 'line-1', 2, 1, 0],
            [id, 'line-2', 1, 1, 0],
            [id, 'gone', 1, 1, 4],
          ],
        ],
      )
    }
  })
  after(async () => {
    await log.close()
    await stage.drop()
  })

  let keys = 0
  const ask = (change: Partial<ShipmentRequest> = {}, to = log) =>
    requestShipment(
      { database, log: to },
      {
        ...{ channel: 1, sellerId: 'shop', orderId: 'order-7', idempotencyKey: `key-${++keys}` },
        ...{ carrier: 'UPS', trackingNumber: '1Z1', requestedBy: 'test', ...change },
      },
    )
  const requests = async (): Promise<EventOf<'ShipmentRequested'>['data'][]> =>
    (await log.read(ORDER_TOPIC, 0, 0)).events.flatMap(({ event }) => {
      const decoded = decodeEvent(event)
      return decoded.type === 'ShipmentRequested' ? [decoded.data] : []
    })
  const idOf = (answer: Awaited<ReturnType<typeof ask>>) =>
    answer.kind === 'accepted' ? answer.shipment.shipmentId : expect.fail(`not accepted but ${answer.kind}`)

  it('keeps it in the log with every line of the order, or with the lines that were named', async () => {
    const whole = idOf(await ask())
    const part = idOf(await ask({ orderId: 'order-8', lines: [{ lineItemId: 'line-1', quantity: 1 }], shippedTime: 5 }))
    const kept = await requests()
    expect(kept.find(({ shipmentId }) => shipmentId === whole)?.lines).to.deep.equal([
      { lineItemId: 'line-1', quantity: 2 },
      { lineItemId: 'line-2', quantity: 1 },
    ])
    expect(kept.find(({ shipmentId }) => shipmentId === part)).to.deep.include({
      ...{ lines: [{ lineItemId: 'line-1', quantity: 1 }], shippedTime: 5, carrier: 'UPS', trackingNumber: '1Z1' },
    })
  })

  it('answers a repetition with the same shipment and appends nothing, though the order has been shipped since', async () => {
    const first = await ask({ idempotencyKey: 'repeated' })
    const before = (await requests()).length
    await database.query("UPDATE eg_order_order SET status = 'SHIPPED' WHERE id = 7")
    const second = await ask({ idempotencyKey: 'repeated' })
    await database.query("UPDATE eg_order_order SET status = 'AWAITING_SHIPMENT' WHERE id = 7")
    expect(first).to.include({ kind: 'accepted', existing: false })
    expect(second).to.include({ kind: 'accepted', existing: true })
    expect(idOf(second)).to.equal(idOf(first))
    expect(await requests()).to.have.length(before)
  })

  it('refuses a key that stands for another package', async () => {
    await ask({ idempotencyKey: 'taken' })
    expect(await ask({ idempotencyKey: 'taken', trackingNumber: '1Z2' })).to.deep.equal({ kind: 'key-reused' })
    expect(await ask({ idempotencyKey: 'taken', shippedTime: 1 })).to.deep.equal({ kind: 'key-reused' })
  })

  it('appends what a call left behind that did not reach the log, with the time that it had fixed', async () => {
    const away = await openEventLog({ url: stage.url, database, partitions: 1 })
    await away.close()
    const failed = await ask({ idempotencyKey: 'cut off' }, away).catch((error: { code?: string }) => error.code)
    expect(failed).to.equal('LOG_CLOSED')
    const before = (await requests()).length
    const [row] = await database.query<{ shipment_id: string; parcel: string }[]>(
      "SELECT shipment_id, parcel FROM tributary_shipment WHERE state = 'asked' ORDER BY sequence DESC LIMIT 1",
    )
    expect(idOf(await ask({ idempotencyKey: 'cut off' }))).to.equal(row?.shipment_id)
    const kept = await requests()
    expect(kept).to.have.length(before + 1)
    expect(kept.at(-1)).to.deep.include(JSON.parse(row?.parcel ?? '{}'))
  })

  it('takes many calls with one key at once for one', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask({ idempotencyKey: 'at once' })))
    const [id, ...others] = new Set(answers.map(idOf))
    expect(others).to.deep.equal([])
    expect((await requests()).filter(({ shipmentId }) => shipmentId === id)).to.have.length(1)
  })

  it('takes a repetition for the same when only the log knew of the first', async () => {
    const shipmentId = idOf(await ask({ idempotencyKey: 'restored' }))
    const data = (await requests()).find((request) => request.shipmentId === shipmentId)
    if (!data) throw new Error('it is in the log')
    await database.query('DELETE FROM tributary_shipment WHERE shipment_id = ?', [shipmentId])
    await queueShipments(database, [{ data, time: 1, traceparent: undefined }], 1)
    expect(await ask({ idempotencyKey: 'restored' })).to.include({ kind: 'accepted', existing: true })
  })

  it('forgets what was settled long ago, and refuses its key ever after rather than ship again', async () => {
    const old = idOf(await ask({ idempotencyKey: 'long ago' }))
    const recent = idOf(await ask({ idempotencyKey: 'lately' }))
    const open = idOf(await ask({ idempotencyKey: 'under way' }))
    const answer = { kind: 'refused', code: 'NO', detail: '' } as const
    await settleShipment(database, old, answer, 1_000)
    await settleShipment(database, recent, answer, 2_000)
    expect(await dropSettledShipments(database, 2_000)).to.equal(1)
    expect(await findShipment(database, old)).to.equal(undefined)
    const before = (await requests()).length
    for (let time = 0; time < 2; time += 1)
      expect(await ask({ idempotencyKey: 'long ago' })).to.deep.equal({ kind: 'key-reused' })
    expect(await findShipment(database, old), 'nothing is left that nobody works on').to.equal(undefined)
    expect(await requests()).to.have.length(before)
    for (const [id, idempotencyKey] of [
      [recent, 'lately'],
      [open, 'under way'],
    ] as const)
      expect(idOf(await ask({ idempotencyKey }))).to.equal(id)
  })

  it('says what stands in the way and keeps nothing', async () => {
    const before = (await requests()).length
    const lines = (lineItemId: string, quantity: number) => ({ lines: [{ lineItemId, quantity }] })
    expect(await ask({ orderId: 'ORDER-7' })).to.deep.equal({ kind: 'order-unknown' })
    expect(await ask({ sellerId: 'other' })).to.deep.equal({ kind: 'order-unknown' })
    expect(await ask({ orderId: 'order-9' })).to.deep.equal({ kind: 'not-shippable', status: 'CANCELLED' })
    expect(await ask({ orderId: 'order-8' })).to.deep.equal({ kind: 'lines-needed' })
    expect(await ask(lines('gone', 1))).to.deep.equal({ kind: 'line-unknown', lineItemId: 'gone' })
    expect(await ask(lines('line-1', 3))).to.deep.equal({ kind: 'quantity-too-large', lineItemId: 'line-1', ordered: 2 })
    expect(await requests()).to.have.length(before)
  })
})
