import { decodeEvent, ORDER_TOPIC } from '@tributary/events'
import { settleShipment } from '@tributary/shipping'
import { expect } from 'chai'
import { type ConsoleUnderTest, startConsole } from '../testing/console-under-test.ts'

const PATH = '/v1/orders/1/shop/order-7/shipments'
type Body = { shipmentId: string; code?: string } & Record<string, unknown>

const BODY = { carrier: 'UPS', trackingNumber: '1Z1' }

describe('Shipments over the HTTP API', () => {
  let its: ConsoleUnderTest
  before(async () => {
    its = await startConsole()
    await its.addOrder(7, 'AWAITING_SHIPMENT')
    await its.addOrder(8, 'PARTIALLY_SHIPPED')
    await its.addOrder(9, 'CANCELLED')
  })
  after(() => its.close())

  type Options = { key?: string | null; path?: string; type?: string }
  async function post(body: unknown, { key = `key-${Math.random()}`, path = PATH, type = 'application/json' }: Options = {}) {
    const answer = await fetch(`${its.http.url}${path}`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${await its.keyWith(['ship'])}`,
        'content-type': type,
        ...(key === null ? {} : { 'idempotency-key': key }),
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return { status: answer.status, location: answer.headers.get('location'), body: (await answer.json()) as Body }
  }
  const requests = async () =>
    (await its.log.read(ORDER_TOPIC, 0, 0)).events
      .map(({ event }) => decodeEvent(event))
      .filter(({ type }) => type === 'ShipmentRequested')

  it('are kept in the log, and stand at the place that the answer names', async () => {
    const { status, location, body } = await post({ ...BODY, shippedAt: 5 })
    expect(status).to.equal(202)
    expect(body).to.include({ orderId: 'order-7', state: 'requested', carrier: 'UPS', shippedAt: 5, fulfillmentId: null })
    expect((await requests()).map(({ data }) => data)).to.have.nested.property('[0].shipmentId', body.shipmentId)
    expect(await (await its.get(location ?? '')).json()).to.deep.equal(body)
    await settleShipment(
      its.database,
      body.shipmentId,
      { kind: 'confirmed', fulfillmentId: 'f1', carrier: 'UPS', trackingNumber: '1Z1' },
      9,
    )
    expect(await (await its.get(location ?? '')).json()).to.include({ state: 'confirmed', fulfillmentId: 'f1', settledTime: 9 })
    const list = (await (await its.get(PATH)).json()) as { shipments: unknown[] }
    expect(list.shipments).to.have.length(1)
  })

  it('are one for one key, however often it is sent', async () => {
    const first = await post(BODY, { key: 'same' })
    const second = await post(BODY, { key: 'same' })
    expect([first.status, second.status]).to.deep.equal([202, 200])
    expect(second.body.shipmentId).to.equal(first.body.shipmentId)
    const other = await post({ ...BODY, trackingNumber: '1Z2' }, { key: 'same' })
    expect([other.status, other.body.code]).to.deep.equal([422, 'IDEMPOTENCY_KEY_REUSED'])
  })

  it('of a whole order leave out a line of which no unit is ordered any more', async () => {
    await its.addOrder(10, 'AWAITING_SHIPMENT')
    await its.database.query("UPDATE eg_order_order_detail SET quantity = 0 WHERE order_id = 10 AND line_item_id = 'line-2'")
    const { status, body } = await post(BODY, { path: '/v1/orders/1/shop/order-10/shipments' })
    expect([status, body['lines']]).to.deep.equal([202, [line('line-1', 2)]])
  })

  it('are refused with what is wrong, and nothing is kept', async () => {
    const before = (await requests()).length
    const order = (id: number) => ({ path: `/v1/orders/1/shop/order-${id}/shipments` })
    const cases: [string, number, Awaited<ReturnType<typeof post>>][] = [
      ['PARAMETER_INVALID', 400, await post(BODY, { key: null })],
      ['PARAMETER_INVALID', 400, await post(BODY, { key: 'k'.repeat(256) })],
      ['BODY_NOT_JSON', 400, await post('{')],
      ['CONTENT_TYPE_UNSUPPORTED', 415, await post(BODY, { type: 'text/plain' })],
      ['BODY_TOO_LARGE', 413, await post({ carrier: 'U'.repeat(70_000) })],
      ['PARAMETER_INVALID', 400, await post({ ...BODY, carriers: 'UPS' })],
      ['PARAMETER_INVALID', 400, await post({ ...BODY, carrier: 'a\nb' })],
      ['PARAMETER_INVALID', 400, await post({ ...BODY, lines: [] })],
      ['PARAMETER_INVALID', 400, await post({ ...BODY, shippedAt: '2026-11-30' })],
      ['TEXT_MALFORMED', 422, await post('{"carrier":"\\ud800","trackingNumber":"1"}')],
      ['LINE_REPEATED', 422, await post({ ...BODY, lines: [line('line-1', 1), line('line-1', 1)] })],
      ['LINE_UNKNOWN', 422, await post({ ...BODY, lines: [line('line-9', 1)] })],
      ['QUANTITY_TOO_LARGE', 422, await post({ ...BODY, lines: [line('line-1', 3)] })],
      ['LINES_NEEDED', 422, await post(BODY, order(8))],
      ['ORDER_NOT_SHIPPABLE', 409, await post(BODY, order(9))],
      ['ORDER_UNKNOWN', 404, await post(BODY, order(6))],
    ]
    expect(cases[0]?.[2].body.detail).to.equal("In the headers, 'idempotency-key' is missing.")
    for (const [code, status, answer] of cases) expect([answer.body.code, answer.status], code).to.deep.equal([code, status])
    expect(await requests()).to.have.length(before)
    const other = await its.get(`/v1/orders/1/shop/order-8/shipments/${(await post(BODY)).body.shipmentId}`)
    expect(other.status, 'a shipment of another order').to.equal(404)
  })
})

const line = (lineItemId: string, quantity: number) => ({ lineItemId, quantity })
