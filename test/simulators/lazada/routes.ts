import { signRequest } from '@tributary/channels/lazada'
import { type Request, type Response, Router } from 'express'
import { answerWithFault, type Faults } from '../faults.ts'
import type { Operation } from './faults.ts'
import { CARRIERS, type LazadaLine, type Market, type MarketOrder } from './market.ts'

export type SimulatedApp = { key: string; secret: string }
type World = { market: Market; app: SimulatedApp; faults: Faults<Operation>; calls: Operation[]; refreshes(): boolean }
type Parameters = Readonly<Record<string, string>>
/** What is answered beside the code; or the code that refuses. */
type Answer = { answer: string } | { code: string }

type Handle = (parameters: Parameters, sellers: readonly string[]) => Answer

const LIFE = 864_000
const REFRESH_LIFE = 4_320_000

/** The API under `/rest`, behind its signature check. Ids go out as numbers, as live answers have them. */
export function routes(world: World): Router {
  const { market } = world
  const router = Router()
  const run = (operation: Operation, needsToken: boolean, handle: Handle) => (request: Request, response: Response) => {
    world.calls.push(operation)
    const fault = world.faults.next(operation)
    if (fault && answerWithFault(fault, response)) return
    const result = answerTo(world, request, needsToken, handle)
    if (fault) request.socket.destroy()
    else send(response, result)
  }
  const token = (grants: Map<string, readonly string[]>, name: string, refused: string) =>
    run('token', false, (parameters) => {
      if (name === 'refresh_token' && !world.refreshes()) return { code: 'AUTH_TYPE_UNSUPPORTED' }
      const sellers = grants.get(parameters[name] ?? '')
      if (!sellers) return { code: refused }
      grants.delete(parameters[name] ?? '')
      return { answer: JSON.stringify(tokensFor(world, sellers, name === 'code')).slice(1, -1) }
    })
  router.get('/rest/auth/token/create', token(market.codes, 'code', 'InvalidCode'))
  router.get('/rest/auth/token/refresh', token(market.refreshTokens, 'refresh_token', 'IllegalRefreshToken'))
  router.get(
    '/rest/orders/get',
    run('orders', true, (parameters, sellers) => list(market, parameters, sellers)),
  )
  router.get(
    '/rest/orders/items/get',
    run('items', true, ({ order_ids: ids = '' }, sellers) => {
      const found = ids
        .replace(/[[\]]/g, '')
        .split(',')
        .flatMap((id) => entryOf(market, id, sellers) ?? [])
      if (found.length > 50) return { code: '56' }
      const lists = found
        .filter(({ isPassedOver }) => !isPassedOver)
        .map(({ order, lines }) => `{"order_id":${order.order_id},"order_items":[${lines.map(lineText).join(',')}]}`)
      return { answer: `"data":[${lists.join(',')}]` }
    }),
  )
  router.get(
    '/rest/order/get',
    run('order', true, ({ order_id: id = '' }, sellers) => {
      const entry = entryOf(market, id, sellers)
      return entry ? { answer: `"data":${orderText(entry)}` } : { code: '16' }
    }),
  )
  router.get(
    '/rest/order/items/get',
    run('items', true, ({ order_id: id = '' }, sellers) => {
      const entry = entryOf(market, id, sellers)
      return entry ? { answer: `"data":[${shownLines(entry).map(lineText).join(',')}]` } : { code: '16' }
    }),
  )
  router.post(
    '/rest/order/shipment/providers/get',
    run('providers', true, ({ getShipmentProvidersReq = '' }, sellers) => {
      const [, orderId = ''] = /"order_id":(\d+),"order_item_ids":\[[\d,]+\]/.exec(getShipmentProvidersReq) ?? []
      const entry = entryOf(market, orderId, sellers)
      if (!entry) return { answer: '"result":{"success":"false","error_code":"700100","error_msg":"order not found"}' }
      const data = { platform_default: 1, shipment_providers: CARRIERS, shipping_allocate_type: entry.allocation }
      return { answer: `"result":${JSON.stringify({ success: 'true', error_code: '0', data })}` }
    }),
  )
  router.post(
    '/rest/order/fulfill/pack',
    run('pack', true, ({ packReq = '{}' }, sellers) => pack(market, packReq, sellers)),
  )
  router.post(
    '/rest/order/package/rts',
    run('ready', true, ({ readyToShipReq = '{}' }, sellers) => ready(market, readyToShipReq, sellers)),
  )
  return router
}

function answerTo(world: World, request: Request, needsToken: boolean, handle: Handle): Answer {
  const parameters = request.method === 'GET' ? (request.query as Record<string, string>) : formOf(request)
  const checked = check(world, request.path.replace('/rest', ''), parameters, needsToken)
  return 'code' in checked ? checked : handle(parameters, checked.sellers)
}

function send(response: Response, result: Answer): void {
  if ('code' in result) response.json({ code: result.code, type: 'ISV', message: 'simulated', request_id: 'r' })
  else response.type('json').send(`{"code":"0","request_id":"r",${result.answer}}`)
}

const formOf = (request: Request): Parameters => Object.fromEntries(new URLSearchParams(String(request.body)))

function check(
  { market, app }: World,
  path: string,
  parameters: Parameters,
  needsToken: boolean,
): { code: string } | { sellers: readonly string[] } {
  if (parameters['app_key'] !== app.key) return { code: 'InvalidAppKey' }
  if (Math.abs(market.clock() - Number(parameters['timestamp'])) > 7_200_000) return { code: 'IllegalTimestamp' }
  if (signRequest(app.secret, path, parameters) !== parameters['sign']) return { code: 'IncompleteSignature' }
  if (!needsToken) return { sellers: [] }
  const access = market.accessTokens.get(parameters['access_token'] ?? '')
  return access && access.expires > market.clock() ? { sellers: access.stores } : { code: 'IllegalAccessToken' }
}

function tokensFor({ market, refreshes }: World, sellers: readonly string[], isFirst: boolean) {
  const users = sellers.map((seller) => ({
    country: market.stores.get(seller)?.country ?? '',
    user_id: seller,
    seller_id: seller,
  }))
  return {
    access_token: market.issueAccessToken(sellers, LIFE),
    expires_in: LIFE,
    refresh_token: refreshes() ? market.issueRefreshToken(sellers) : '',
    refresh_expires_in: refreshes() ? REFRESH_LIFE : 0,
    country: users.length > 1 ? 'cb' : users[0]?.country,
    account: 'seller@example.com',
    [isFirst ? 'country_user_info' : 'country_user_info_list']: users,
  }
}

/** What Lazada shows may be older than what it did. */
function shownLines({ late, lines }: MarketOrder): readonly LazadaLine[] {
  if (!late || late.lines.length === 0 || late.readings === 0) return lines
  late.readings -= 1
  return late.lines
}

function entryOf(market: Market, orderId: string, sellers: readonly string[]): MarketOrder | undefined {
  return sellers.map((seller) => market.orders.get(`${seller}:${orderId}`)).find((entry) => entry !== undefined)
}

function list(market: Market, parameters: Parameters, sellers: readonly string[]): Answer {
  const from = Date.parse(parameters['update_after'] ?? '')
  const to = Date.parse(parameters['update_before'] ?? '')
  const offset = Number(parameters['offset'])
  if (Number.isNaN(from) || offset > 5_000 || Number(parameters['limit']) > 100) return { code: '17' }
  const seconds = (time: number) => Math.floor(time / 1000) * 1000
  const found = [...market.orders.values()]
    .filter((entry) => sellers.includes(entry.sellerId) && seconds(entry.updated) >= from && seconds(entry.updated) <= to)
    .sort((one, other) => one.updated - other.updated)
  const page = found.slice(offset, offset + Number(parameters['limit']))
  return { answer: `"data":{"count":${page.length},"countTotal":${found.length},"orders":[${page.map(orderText).join(',')}]}` }
}

function pack(market: Market, request: string, sellers: readonly string[]): Answer {
  const [, orderId = '', items = ''] = /"order_id":(\d+),"order_item_list":\[([\d,]*)\]/.exec(request) ?? []
  const entry = entryOf(market, orderId, sellers)
  if (!entry) return { answer: '"result":{"success":"false","error_code":"700100","error_msg":"order not found"}' }
  const asked = JSON.parse(request) as { shipping_allocate_type?: string; shipment_provider_code?: string }
  if (asked.shipping_allocate_type !== entry.allocation)
    return { answer: '"result":{"success":"false","error_code":"700101","error_msg":"shipping_allocate_type does not fit"}' }
  const carrier = CARRIERS.find(({ provider_code: code }) => code === asked.shipment_provider_code) ?? CARRIERS[0]
  const wanted = items.split(',')
  if (entry.late?.lines.length === 0) entry.late.lines = structuredClone(entry.lines)
  const packageId = `FP${entry.lines[0]?.order_item_id}`
  const results = entry.lines
    .filter((line) => wanted.includes(line.order_item_id))
    .map((line) => {
      if (!['pending', 'repacked', 'topack'].includes(line.status))
        return { order_item_id: line.order_item_id, item_err_code: '600010', msg: 'item is not pending', retry: 'false' }
      Object.assign(line, {
        status: 'packed',
        package_id: packageId,
        tracking_code: `LZD${packageId}`,
        shipment_provider: carrier.name,
      })
      return { order_item_id: line.order_item_id, item_err_code: '0', msg: 'success', package_id: packageId, retry: 'false' }
    })
  market.touch(entry)
  const data = { pack_order_list: [{ order_id: orderId, order_item_list: results }] }
  return { answer: `"result":${JSON.stringify({ success: 'true', error_code: '0', data })}` }
}

function ready(market: Market, request: string, sellers: readonly string[]): Answer {
  const wanted = (JSON.parse(request) as { packages: { package_id: string }[] }).packages.map(({ package_id }) => package_id)
  const lines = (packageId: string): LazadaLine[] =>
    [...market.orders.values()]
      .filter((one) => sellers.includes(one.sellerId))
      .flatMap((one) => one.lines)
      .filter((line) => line.package_id === packageId)
  const packages = wanted.map((packageId) => {
    const found = lines(packageId).filter(({ status }) => status === 'packed')
    for (const line of found) line.status = 'ready_to_ship'
    const code = found.length > 0 ? '0' : '600002'
    return {
      package_id: packageId,
      item_err_code: code,
      msg: code === '0' ? 'success' : 'package is not packed',
      retry: 'false',
    }
  })
  return { answer: `"result":${JSON.stringify({ success: 'true', error_code: '0', data: { packages } })}` }
}

/** Ids as numbers, which JSON.stringify could not write without losing digits. */
function orderText({ order, lines }: MarketOrder): string {
  const { order_id: id, ...rest } = order
  const text = JSON.stringify({ ...rest, items_count: lines.length, statuses: [...new Set(lines.map(({ status }) => status))] })
  return `{"order_id":${id},"order_number":${id},${text.slice(1)}`
}

function lineText({ order_item_id: id, ...rest }: LazadaLine): string {
  return `{"order_item_id":${id},${JSON.stringify(rest).slice(1)}`
}
