import { signRequest } from '@tributary/channels/tiktok'
import { type Request, type Response, Router } from 'express'
import { answerWithFault, type Faults } from '../faults.ts'
import type { Operation } from './faults.ts'
import { type Market, PROVIDERS, type TiktokOrder } from './market.ts'

export type SimulatedApp = { key: string; secret: string; serviceId: string }

/** What a call is about once its signature and token have been checked. */
type Call = { request: Request; shops: readonly string[] }
type Answer = { data: unknown } | { code: number; message: string; status?: number }

type World = {
  market: Market
  app: SimulatedApp
  faults: Faults<Operation>
  calls: Operation[]
  rotates(): boolean
}

/** The API behind its signature check, as far as we use it (Partner Center, 202309). */
export function apiRoutes(world: World): Router {
  const router = Router()
  const signed =
    (operation: Operation, needsCipher: boolean, handle: (call: Call) => Answer) => (request: Request, response: Response) =>
      run(world, operation, request, response, () => {
        const refused = refusalOf(world, request, needsCipher)
        if ('code' in refused) return refused
        return handle({ request, shops: refused.shops })
      })
  router.get(
    '/authorization/202309/shops',
    signed('shops', false, ({ shops }) => ({
      data: { shops: shops.map((id) => world.market.shops.get(id)) },
    })),
  )
  router.post(
    '/order/202309/orders/search',
    signed('search', true, (call) => search(world.market, call)),
  )
  router.get(
    '/order/202309/orders',
    signed('detail', true, ({ request, shops }) => {
      const ids = String(request.query['ids']).split(',')
      return { data: { orders: ids.flatMap((id) => visible(world.market, id, shops)) } }
    }),
  )
  router.get(
    '/logistics/202309/delivery_options/:id/shipping_providers',
    signed('providers', true, () => ({
      data: { shipping_providers: PROVIDERS },
    })),
  )
  router.post(
    '/fulfillment/202309/orders/:orderId/packages',
    signed('mark-shipped', true, ({ request, shops }) => {
      const [order] = visible(world.market, String(request.params['orderId']), shops)
      return ship(world.market, order, JSON.parse(request.body || '{}'))
    }),
  )
  router.post(
    '/fulfillment/202309/packages/:packageId/ship',
    signed('ship-package', true, ({ request, shops }) => {
      const entry = [...world.market.orders.values()].find(({ order }) =>
        order.packages.some(({ id }) => id === request.params['packageId']),
      )
      const body = JSON.parse(request.body || '{}')
      return ship(world.market, entry && shops.includes(entry.shopId) ? entry.order : undefined, {
        ...body.self_shipment,
        order_line_item_ids: linesOf(entry?.order, String(request.params['packageId'])),
      })
    }),
  )
  return router
}

/** The token endpoint, which is not signed: the secret stands in the query. */
export function tokenRoutes(world: World): Router {
  const { codes, refreshTokens } = world.market
  const router = Router()
  router.get('/api/v2/token/get', (request, response) =>
    run(world, 'token', request, response, () =>
      exchange(world, request, { name: 'auth_code', grants: codes, replaces: true }),
    ),
  )
  router.get('/api/v2/token/refresh', (request, response) =>
    run(world, 'token', request, response, () =>
      exchange(world, request, { name: 'refresh_token', grants: refreshTokens, replaces: world.rotates() }),
    ),
  )
  return router
}

function exchange(
  { market, app }: World,
  request: Request,
  { name, grants, replaces }: { name: string; grants: Map<string, readonly string[]>; replaces: boolean },
): Answer {
  const query = request.query as Record<string, string>
  if (query['app_key'] !== app.key || query['app_secret'] !== app.secret)
    return { code: 36_004_004, message: 'Invalid app_key or app_secret' }
  const given = query[name] ?? ''
  const shops = grants.get(given)
  if (!shops) return { code: 36_004_004, message: `${name} is invalid or expired` }
  if (replaces) grants.delete(given)
  return { data: tokensFor(market, shops, replaces ? market.issueRefreshToken(shops) : given) }
}

function tokensFor(market: Market, shops: readonly string[], refreshToken: string) {
  const { token, expires } = market.issueAccessToken(shops)
  return {
    access_token: token,
    access_token_expire_in: expires,
    refresh_token: refreshToken,
    refresh_token_expire_in: Math.floor(market.clock() / 1000) + 365 * 86_400,
    open_id: '7010736057180325637',
    seller_name: 'Simulated seller',
    user_type: 0,
  }
}

function run(world: World, operation: Operation, request: Request, response: Response, handle: () => Answer): void {
  world.calls.push(operation)
  const fault = world.faults.next(operation)
  if (fault && answerWithFault(fault, response)) return
  const answer = handle()
  if (fault) {
    request.socket.destroy()
    return
  }
  if ('data' in answer) response.json({ code: 0, message: 'Success', request_id: 'r', data: answer.data })
  else response.status(answer.status ?? 200).json({ code: answer.code, message: answer.message, request_id: 'r' })
}

function refusalOf(
  { market, app }: World,
  request: Request,
  needsCipher: boolean,
): { code: number; message: string; status?: number } | { shops: readonly string[] } {
  const query = request.query as Record<string, string>
  const age = Math.floor(market.clock() / 1000) - Number(query['timestamp'])
  if (query['app_key'] !== app.key) return { code: 36_009_004, message: 'Invalid app_key', status: 401 }
  if (!(age >= -30 && age <= 300)) return { code: 36_009_004, message: 'Invalid timestamp', status: 401 }
  const sign = signRequest(app.secret, {
    path: request.path,
    query,
    body: typeof request.body === 'string' ? request.body : '',
  })
  if (sign !== query['sign']) return { code: 106_001, message: 'Invalid sign', status: 401 }
  const access = market.accessTokens.get(request.header('x-tts-access-token') ?? '')
  if (!access || access.expires * 1000 < market.clock())
    return { code: 105_002, message: 'Expired credentials. The access_token has expired.', status: 401 }
  if (!needsCipher)
    return query['shop_cipher'] === undefined ? { shops: access.shops } : { code: 36_009_004, message: 'Unwanted shop_cipher' }
  if (query['shop_cipher'] === undefined) return { code: 106_013, message: 'Missing shop_cipher' }
  const shop = [...market.shops.values()].find(({ cipher }) => cipher === query['shop_cipher'])
  if (!shop) return { code: 106_011, message: 'Invalid shop_cipher' }
  return access.shops.includes(shop.id) ? { shops: [shop.id] } : { code: 101_000, message: 'No permission on this shop' }
}

const linesOf = (order: TiktokOrder | undefined, packageId: string): string[] =>
  (order?.line_items ?? []).filter((line) => line.package_id === packageId).map(({ id }) => id)

function visible({ orders }: Market, id: string, shops: readonly string[]): TiktokOrder[] {
  const entry = orders.get(id)
  return entry && shops.includes(entry.shopId) ? [entry.order] : []
}

function search({ orders }: Market, { request, shops }: Call): Answer {
  const body = JSON.parse(request.body || '{}') as { update_time_ge?: number; update_time_lt?: number }
  const from = body.update_time_ge ?? 0
  const to = body.update_time_lt ?? Number.POSITIVE_INFINITY
  const found = [...orders.values()]
    .filter(({ shopId, order }) => shops.includes(shopId) && order.update_time >= from && order.update_time < to)
    .map(({ order }) => order)
    .sort((one, other) => one.update_time - other.update_time)
  const start = Number(Buffer.from(String(request.query['page_token'] ?? ''), 'base64').toString() || '0')
  const end = start + Number(request.query['page_size'])
  const next = end < found.length ? Buffer.from(String(end)).toString('base64') : ''
  return { data: { orders: found.slice(start, end), total_count: found.length, next_page_token: next } }
}

function ship(market: Market, order: TiktokOrder | undefined, parcel: Record<string, unknown>): Answer {
  if (!order) return { code: 21_008_001, message: 'Order not found' }
  if (order.status === 'CANCELLED') return { code: 21_011_041, message: 'The order was cancelled' }
  const wanted = (parcel['order_line_item_ids'] as string[] | undefined) ?? order.line_items.map(({ id }) => id)
  const lines = order.line_items.filter(({ id }) => wanted.includes(id))
  if (lines.some((line) => line.tracking_number !== '')) return { code: 21_008_099, message: 'The package has been shipped' }
  if (order.shipping_type === 'SELLER' && !PROVIDERS.some(({ id }) => id === parcel['shipping_provider_id']))
    return { code: 21_011_022, message: 'Invalid tracking number or provider' }
  for (const line of lines) {
    line.tracking_number = String(parcel['tracking_number'] ?? `TT${line.package_id}`)
    line.package_status = 'PROCESSING'
  }
  const whole = order.line_items.every((line) => line.tracking_number !== '')
  market.change(order.id, { status: whole ? 'IN_TRANSIT' : 'PARTIALLY_SHIPPING' })
  return { data: { order_id: order.id, package_id: order.packages[0]?.id } }
}
