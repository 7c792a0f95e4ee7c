import { createEvent, orderKey } from '@tributary/events'
import { expect } from 'chai'
import { type ConsoleUnderTest, startConsole } from './testing/console-under-test.ts'

const ORDER = '/v1/orders/1/shop/order-8'

describe('The HTTP API', () => {
  let its: ConsoleUnderTest
  before(async () => {
    its = await startConsole()
    for (const id of [7, 8, 9]) await its.addOrder(id, 'SHIPPED')
  })
  after(() => its.close())

  const json = async (path: string, ...more: Parameters<ConsoleUnderTest['get']> extends [string, ...infer R] ? R : never) =>
    (await (await its.get(path, ...more)).json()) as Record<string, unknown>
  const idsOf = async (path: string) => ((await json(path))['orders'] as { id: number }[]).map(({ id }) => id)

  it('lists orders page by page, and by each filter', async () => {
    expect(await json('/v1/orders?limit=2')).to.have.property('next', '8')
    expect(await idsOf('/v1/orders?limit=2')).to.deep.equal([7, 8])
    expect(await idsOf('/v1/orders?limit=2&cursor=8')).to.deep.equal([9])
    expect(await idsOf('/v1/orders?seller=shop&channel=1&status=SHIPPED&modifiedSince=800')).to.deep.equal([8, 9])
    for (const filter of ['seller=SHOP', 'channel=2', 'status=CANCELLED', 'modifiedSince=901'])
      expect(await idsOf(`/v1/orders?${filter}`), filter).to.deep.equal([])
  })

  it('goes on behind every row, also one whose id has sixteen digits', async () => {
    const ids = [1_000_000_000_000_001, Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER]
    for (const id of ids) await its.addOrder(id, 'DELIVERED')
    await its.database.query("UPDATE eg_order_order SET update_time = 1 WHERE status = 'DELIVERED'")
    const found: number[] = []
    for (let cursor: unknown = '0'; cursor !== null; ) {
      const page = await json(`/v1/orders?status=DELIVERED&limit=1&cursor=${cursor}`)
      found.push(...(page['orders'] as { id: number }[]).map(({ id }) => id))
      cursor = page['next']
    }
    expect(found).to.deep.equal(ids)
  })

  it('shows one order under the ids of its marketplace, with its lines', async () => {
    const order = await json(ORDER)
    expect(order).to.include({ id: 8, sellerId: 'shop', status: 'SHIPPED' })
    expect(order['lines']).to.have.nested.property('[0].lineItemId', 'line-1')
    const unknown = await its.get('/v1/orders/1/shop/ORDER-8')
    expect(unknown.status).to.equal(404)
    expect(await unknown.json()).to.have.property('code', 'ORDER_UNKNOWN')
  })

  it('masks what is about people, unless the caller may see it, and writes down who did', async () => {
    const masked = await (await its.get(ORDER)).text()
    expect(masked).not.to.contain('Hidden')
    expect(JSON.parse(masked).buyer).to.include({ name: '•••', phone: '' })
    const before = await its.database.query('SELECT * FROM tributary_audit')
    const open = await json(ORDER, ['read', 'read-personal'])
    expect(open['buyer']).to.include({ name: 'Hidden Name' })
    expect(open['receiver']).to.include({ city: 'Hidden City' })
    const audit = await its.database.query('SELECT actor, target FROM tributary_audit')
    expect(audit).to.have.length(before.length + 1)
    expect(audit.at(-1)).to.include({ target: 'eg_order_order/8' })
    expect(audit.at(-1)?.['actor']).to.match(/^key:[0-9a-f]{12}$/)
  })

  it('tells why an order is as it is, and what was delivered of it', async () => {
    const id = '01890000-0000-7000-8000-000000000001'
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const name = { channel: 1, sellerId: 'shop', orderId: 'order-8' }
    await its.append(
      createEvent({
        ...{ id, type: 'OrderNotified', source: '/test', subject: 'orders/order-8', time: 1, traceparent },
        ...{
          partitionkey: orderKey(1, 'shop', 'order-8'),
          data: { ...name, topic: 't', notificationId: 'n', notifiedTime: 1 },
        },
      }),
    )
    await its.database.query('INSERT INTO tributary_delivery_attempt VALUES (?)', [
      ['warehouse', 'EG_ORDER_SPI_TOPIC', 0, 0, 1, 5, id, 'delivered', '', 200, 7, 'hidden answer', 'abcdefgh', 'd'.repeat(64)],
    ])
    const order = await json(ORDER)
    expect(order['events']).to.have.length(1)
    expect(order)
      .to.have.nested.property('events[0]')
      .that.includes({
        ...{ eventId: id, type: 'OrderNotified', topic: 'EG_ORDER_SPI_TOPIC', partition: 0, position: 0 },
        traceId: '0af7651916cd43dd8448eb211c80319c',
      })
    const sent = { endpoint: 'warehouse', eventId: id, attempt: 1, time: 5, outcome: 'delivered' }
    expect(order['deliveries']).to.deep.equal([{ ...sent, reason: '', status: 200, durationMs: 7 }])
    expect(await json('/v1/orders/1/shop/order-7')).to.deep.include({ events: [], deliveries: [] })
  })

  it('lists sellers without their tokens, and reads one at once when asked to', async () => {
    const text = await (await its.get('/v1/sellers')).text()
    expect(JSON.parse(text).sellers[0]).to.include({ id: 5, sellerId: 'shop', grant: 'standing' })
    expect(text).not.to.match(/token|sealed/i)
    const sync = async (id: number) =>
      fetch(`${its.http.url}/v1/sellers/${id}/sync`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${await its.keyWith(['operate'])}` },
      })
    expect((await sync(5)).status).to.equal(202)
    expect(await its.database.query('SELECT seller_id, due_time FROM tributary_poll')).to.deep.equal([
      { seller_id: 'shop', due_time: 0 },
    ])
    expect((await sync(6)).status).to.equal(404)
    await its.database.query("UPDATE eg_order_app_seller SET refresh_token = ''")
    expect(await (await sync(5)).json()).to.have.property('code', 'SELLER_MUST_CONSENT')
    expect(await json('/v1/sellers')).to.have.nested.property('sellers[0].grant', 'ended')
  })

  it('tells how far each consumer has come, and what stands still', async () => {
    await its.database.query(
      `INSERT INTO tributary_cursor (consumer, topic, partition_no, next_position, epoch, owner, updated_time)
       VALUES ('orders', 'EG_ORDER_SPI_TOPIC', 0, 0, 1, 'me', 7), ('spi:warehouse', 'EG_ORDER_SPI_TOPIC', 0, 1, 1, 'me', 8)`,
    )
    await its.database.query(
      "INSERT INTO tributary_endpoint (name, state, reason, since) VALUES ('spi:warehouse', 'paused', 'stocktaking', 1)",
    )
    const [end = 0] = await its.log.ends('EG_ORDER_SPI_TOPIC')
    const { consumers } = await json('/v1/health')
    const idle = { retryingKeys: 0, blockedKeys: 0, waitingEvents: 0 }
    expect(consumers).to.deep.equal([
      { name: 'orders', topic: 'EG_ORDER_SPI_TOPIC', lag: end, movedTime: 7, parkedKeys: 0, delivery: null },
      {
        ...{ name: 'spi:warehouse', topic: 'EG_ORDER_SPI_TOPIC', lag: end - 1, movedTime: 8, parkedKeys: 0 },
        delivery: { state: 'paused', reason: 'stocktaking', ...idle },
      },
    ])
  })

  it('refuses what its document does not describe', async () => {
    for (const query of ['limit=0', 'limit=201', 'cursor=x', 'channel=9', 'channel=1&channel=2', 'unknown=1', 'seller='])
      expect((await its.get(`/v1/orders?${query}`)).status, query).to.equal(400)
    expect((await its.get('/v1/orders/x/shop/order-8')).status).to.equal(400)
    const refusals = {
      'limit=201': "'limit' must be as described: 1 to 200, default 50.",
      'channel=9': "'channel' must be as described: 1 eBay, 2 TikTok Shop, 3 Amazon, 4 Lazada.",
      'unknown=1': "'unknown' is not known; known: channel, seller, status, modifiedSince, cursor, limit.",
      'status=OTHER': "'status' must be one of PENDING_PAYMENT, ON_HOLD, ",
    }
    for (const [query, detail] of Object.entries(refusals))
      expect((await json(`/v1/orders?${query}`))['detail'], query).to.include(`In the query, ${detail}`)
    const deleted = await fetch(`${its.http.url}/v1/orders`, {
      method: 'DELETE',
      headers: { Authorization: `Bearer ${await its.keyWith(['read'])}` },
    })
    expect(deleted.status).to.equal(405)
    expect(await deleted.json()).to.have.property('code', 'METHOD_NOT_ALLOWED')
  })

  it('asks to be tried again while the database is away, and says nothing of the inside', async () => {
    const token = await its.keyWith(['read'])
    its.relay.cut()
    const answer = await fetch(`${its.http.url}/v1/orders`, { headers: { Authorization: `Bearer ${token}` } })
    its.relay.heal()
    expect(answer.status).to.equal(503)
    expect(answer.headers.get('retry-after')).to.equal('5')
    expect(await answer.json()).to.include({ code: 'UNAVAILABLE', title: 'Service Unavailable' })
  })

  it('describes each of its addresses', async () => {
    const document = (await json('/v3/api-docs')) as { openapi: string; paths: Record<string, object> }
    expect(document.openapi).to.equal('3.1.0')
    const order = '/v1/orders/{channel}/{sellerId}/{orderId}'
    const endpoint = '/v1/endpoints/{endpoint}'
    expect(document.paths).to.have.all.keys(
      ...['/v1/orders', order, `${order}/shipments`, `${order}/shipments/{shipmentId}`, '/v1/sellers'],
      ...['/v1/sellers/{id}/sync', '/v1/wework/members', '/v1/wework/departments', '/v1/health'],
      ...['/v1/deliveries', '/v1/endpoints'],
      ...['pause', 'resume', 'test', 'keys', 'keys/{keyId}/revoke', 'retry', 'replay'].map((end) => `${endpoint}/${end}`),
      ...['', '/retry', '/skip'].map((end) => `${endpoint}/deliveries/{partition}/{position}${end}`),
    )
    expect(document.paths[`${order}/shipments`]).to.have.all.keys('get', 'post')
  })

  it('has a page that reads the description to people, with nothing from elsewhere', async () => {
    const page = await its.get('/v3/api-docs/page')
    expect(page.headers.get('content-security-policy')).to.contain("script-src 'self'")
    const html = await page.text()
    expect(html).not.to.match(/(src|href)="https?:/)
    const parts = [...html.matchAll(/(?:src|href)="(page\/[^"]+)"/g)].map(([, part]) => part)
    expect(parts).to.have.length(3)
    for (const part of parts) expect((await its.get(`/v3/api-docs/${part}`)).status, part).to.equal(200)
  })
})
