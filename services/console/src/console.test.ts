import type { Database } from '@tributary/database'
import { createHttpServer, createLogger, type HttpServer } from '@tributary/runtime'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { addApiKey, revokeApiKey } from './api-keys.ts'
import { createConsole } from './console.ts'

const ADDRESSES = ['/v1/orders', '/v1/orders/1/shop/7', '/v1/sellers', '/v1/nothing', '/v3/api-docs']

describe('The HTTP API', () => {
  let stage: Awaited<ReturnType<typeof migratedTestDatabase>>
  let database: Database
  let http: HttpServer
  let key: string
  before(async () => {
    stage = await migratedTestDatabase('console')
    database = stage.database
    const logger = createLogger({ level: 'silent', format: 'json' })
    http = createHttpServer({ host: '127.0.0.1', port: 0, logger, routers: [createConsole({ database }).router], health: [] })
    await http.start()
    key = (await addApiKey(database, { name: 'test', scopes: ['read'] })).key
    await database.query(
      "INSERT INTO eg_order_app_seller (id, channel, seller_id, order_app_id, refresh_token, create_time) VALUES (5, 1, 'shop', 2, '', 1)",
    )
    for (const id of [7, 8, 9])
      await database.query(
        "INSERT INTO eg_order_order (id, channel, order_app_seller_id, order_id, status, buyer_name, create_time, update_time) VALUES (?, 1, '5', ?, 'SHIPPED', 'Hidden Name', 1, ?)",
        [id, `order-${id}`, id * 100],
      )
  })
  after(async () => {
    await http.stop()
    await stage.drop()
  })

  const get = (path: string, token = key) => fetch(`${http.url}${path}`, { headers: { Authorization: `Bearer ${token}` } })
  const idsOf = async (path: string) =>
    ((await (await get(path)).json()) as { orders: { id: number }[] }).orders.map(({ id }) => id)

  it('is closed at every address to whoever has no living key', async () => {
    const revoked = await addApiKey(database, { name: 'revoked', scopes: ['read'] })
    expect((await get('/v1/orders', revoked.key)).status).to.equal(200)
    expect(await revokeApiKey(database, revoked.id)).to.equal(true)
    for (const path of ADDRESSES)
      for (const token of [revoked.key, 'trb_wrong', '']) expect((await get(path, token)).status, path).to.equal(401)
    expect((await fetch(`${http.url}/v1/orders`)).headers.get('www-authenticate')).to.contain('Bearer')
  })

  it('lists orders page by page, and by each filter', async () => {
    expect(await (await get('/v1/orders?limit=2')).json()).to.have.property('next', '8')
    expect(await idsOf('/v1/orders?limit=2')).to.deep.equal([7, 8])
    expect(await idsOf('/v1/orders?limit=2&cursor=8')).to.deep.equal([9])
    expect(await idsOf('/v1/orders?seller=shop&channel=1&status=SHIPPED&modifiedSince=800')).to.deep.equal([8, 9])
    for (const filter of ['seller=SHOP', 'channel=2', 'status=OTHER', 'modifiedSince=901'])
      expect(await idsOf(`/v1/orders?${filter}`), filter).to.deep.equal([])
  })

  it('shows one order under the ids of its marketplace, and nobody personally', async () => {
    const text = await (await get('/v1/orders/1/shop/order-8')).text()
    expect(JSON.parse(text)).to.include({ id: 8, sellerId: 'shop', status: 'SHIPPED' })
    expect(text).not.to.contain('Hidden')
    const unknown = await get('/v1/orders/1/shop/ORDER-8')
    expect(unknown.status).to.equal(404)
    expect(await unknown.json()).to.have.property('code', 'ORDER_UNKNOWN')
  })

  it('lists sellers without their tokens', async () => {
    const text = await (await get('/v1/sellers')).text()
    expect(JSON.parse(text).sellers[0]).to.include({ id: 5, sellerId: 'shop' })
    expect(text).not.to.match(/token/i)
  })

  it('refuses what its document does not describe', async () => {
    for (const query of ['limit=0', 'limit=201', 'cursor=x', 'channel=9', 'channel=1&channel=2', 'unknown=1', 'seller='])
      expect((await get(`/v1/orders?${query}`)).status, query).to.equal(400)
    expect((await get('/v1/orders/x/shop/order-8')).status).to.equal(400)
  })

  it('only reads', async () => {
    const headers = { Authorization: `Bearer ${key}` }
    const answer = await fetch(`${http.url}/v1/orders`, { method: 'POST', headers })
    expect(answer.status).to.equal(405)
    expect(await answer.json()).to.have.property('code', 'METHOD_NOT_ALLOWED')
  })

  it('describes each of its addresses', async () => {
    const document = (await (await get('/v3/api-docs')).json()) as { openapi: string; paths: object }
    expect(document.openapi).to.equal('3.1.0')
    expect(document.paths).to.have.all.keys('/v1/orders', '/v1/orders/{channel}/{sellerId}/{orderId}', '/v1/sellers')
  })
})
