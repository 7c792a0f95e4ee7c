import { type Request, type Response, Router } from 'express'
import { type Answer, refused, run, type World } from './answering.ts'
import type { Operation } from './faults.ts'
import type { AmazonOrder, Market, MarketOrder } from './market.ts'
import { confirmShipment } from './shipments.ts'

const PAGE_TOKEN_LIFE = 86_400_000

/** Login with Amazon and SP-API, the latter under `/<region>`, as far as we use them. */
export function apiRoutes(world: World): Router {
  const router = Router()
  const signed =
    (operation: Operation, handle: (request: Request, sellerId: string) => Answer) => (request: Request, response: Response) =>
      run(world, operation, { request, response }, () => {
        const access = accessOf(world.market, request)
        return 'status' in access ? access : handle(request, access.sellerId)
      })
  router.post('/auth/o2/token', (request, response) =>
    run(world, 'token', { request, response }, () => exchange(world, new URLSearchParams(String(request.body)))),
  )
  router.get('/:region/orders/2026-01-01/orders', (request, _response, next) => {
    world.searches.push(queryOf(request))
    next()
  })
  router.get(
    '/:region/orders/2026-01-01/orders',
    signed('search', (request, sellerId) => search(world, queryOf(request), sellerId)),
  )
  router.get(
    '/:region/orders/2026-01-01/orders/:orderId',
    signed('order', (request, sellerId) => {
      const entry = entryOf(world.market, request, sellerId)
      const data = dataOf(world, queryOf(request))
      if ('status' in data) return data
      return entry ? { status: 200, body: { order: shown(entry.order, data.names) } } : notFound
    }),
  )
  router.post(
    '/:region/orders/v0/orders/:orderId/shipmentConfirmation',
    signed('confirm', (request, sellerId) => {
      const entry = entryOf(world.market, request, sellerId)
      return entry ? confirmShipment(world.market, entry.order, String(request.body)) : notFound
    }),
  )
  return router
}

const notFound = refused(404, 'NotFound', 'The order was not found.')
const queryOf = (request: Request) => new URLSearchParams(request.url.split('?')[1] ?? '')

function exchange({ market, app, rotates }: World, form: URLSearchParams): Answer {
  const fail = (status: number, error: string): Answer => ({ status, body: { error, error_description: 'simulated' } })
  const { clientId, clientSecret, redirectUri } = app
  if (form.get('client_id') !== clientId || form.get('client_secret') !== clientSecret) return fail(401, 'invalid_client')
  if (form.get('grant_type') === 'refresh_token') {
    const given = form.get('refresh_token') ?? ''
    const sellerId = market.refreshTokens.get(given)
    if (sellerId === undefined) return fail(400, 'invalid_grant')
    return tokens(market, sellerId, rotates() ? market.issueRefreshToken(sellerId) : given)
  }
  if (form.get('grant_type') !== 'authorization_code') return fail(400, 'unsupported_grant_type')
  const code = form.get('code') ?? ''
  const sellerId = market.codes.get(code)
  market.codes.delete(code)
  if (sellerId === undefined || form.get('redirect_uri') !== redirectUri) return fail(400, 'invalid_grant')
  return tokens(market, sellerId, market.issueRefreshToken(sellerId))
}

const tokens = (market: Market, sellerId: string, refreshToken: string): Answer => ({
  status: 200,
  body: {
    access_token: market.issueAccessToken(sellerId),
    token_type: 'bearer',
    expires_in: 3_600,
    refresh_token: refreshToken,
  },
})

/** Amazon has one code for what is wrong with a token and for what an app may not do. */
function accessOf(market: Market, request: Request): Answer | { sellerId: string } {
  if (!request.header('user-agent')) return refused(400, 'InvalidInput', 'A user agent is missing.')
  const access = market.accessTokens.get(request.header('x-amz-access-token') ?? '')
  if (!access) return refused(403, 'Unauthorized', 'The access token you provided is revoked, malformed or invalid.')
  if (access.expires <= market.clock()) return refused(403, 'Unauthorized', 'The access token you provided has expired.')
  return market.accounts.get(access.sellerId)?.region === request.params['region']
    ? { sellerId: access.sellerId }
    : refused(403, 'Unauthorized', 'Access to requested resource is denied.')
}

function entryOf({ orders }: Market, request: Request, sellerId: string): MarketOrder | undefined {
  const entry = orders.get(String(request.params['orderId']))
  return entry?.sellerId === sellerId ? entry : undefined
}

const PERSONAL = ['BUYER', 'RECIPIENT', 'TAX']

/** The data sets that are asked for and may be given. */
function dataOf({ people }: World, query: URLSearchParams): Answer | { names: readonly string[] } {
  const asked = (query.get('includedData') ?? '').split(',')
  if (!asked.some((name) => PERSONAL.includes(name)) || people() === 'given') return { names: asked }
  if (people() === 'refused') return refused(403, 'Unauthorized', 'Access to requested resource is denied.')
  return { names: asked.filter((name) => !PERSONAL.includes(name)) }
}

/** Fulfilment comes when it is asked for, as all but the items. */
function shown(order: AmazonOrder, data: readonly string[]): Partial<AmazonOrder> {
  const { buyer, recipient, tax, packages, fulfillment, ...rest } = order
  return {
    ...rest,
    ...(data.includes('BUYER') ? { buyer } : {}),
    ...(data.includes('RECIPIENT') ? { recipient } : {}),
    ...(data.includes('TAX') ? { tax } : {}),
    ...(data.includes('FULFILLMENT') ? { fulfillment } : {}),
    ...(data.includes('PACKAGES') ? { packages } : {}),
  }
}

function search(world: World, query: URLSearchParams, sellerId: string): Answer {
  const { orders, clock } = world.market
  const newest = clock() - 120_000
  const from = Date.parse(query.get('lastUpdatedAfter') ?? '')
  const to = query.has('lastUpdatedBefore') ? Date.parse(query.get('lastUpdatedBefore') ?? '') : newest
  const size = Number(query.get('maxResultsPerPage') ?? 100)
  if (Number.isNaN(from) || !(to <= newest) || !(size >= 1 && size <= 100))
    return refused(400, 'InvalidInput', 'A time or a size is not allowed.')
  const data = dataOf(world, query)
  if ('status' in data) return data
  const token = readToken(query.get('paginationToken'), clock())
  if (!token || clock() - token.made > PAGE_TOKEN_LIFE)
    return refused(400, 'InvalidInput', 'The page is no page, or has expired.')
  const { start } = token
  const found = [...orders.values()]
    .filter(({ sellerId: owner }) => owner === sellerId)
    .map(({ order }) => order)
    .filter(({ lastUpdatedTime }) => Date.parse(lastUpdatedTime) >= from && Date.parse(lastUpdatedTime) <= to)
  const page = found.slice(start, start + size).map((order) => shown(order, data.names))
  const more = start + size < found.length
  const nextToken = Buffer.from(JSON.stringify({ start: start + size, made: clock() })).toString('base64')
  const body = { orders: page, lastUpdatedBefore: new Date(to).toISOString(), ...(more ? { pagination: { nextToken } } : {}) }
  return { status: 200, body }
}

function readToken(token: string | null, now: number): { start: number; made: number } | undefined {
  if (token === null) return { start: 0, made: now }
  try {
    return JSON.parse(Buffer.from(token, 'base64').toString())
  } catch {
    return undefined
  }
}
