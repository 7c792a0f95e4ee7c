import { type Request, Router } from 'express'
import { bearer } from './bearer.ts'
import { ACCESS_LIFE, type Market, REFRESH_LIFE, type SimulatedApp } from './market.ts'
import { type createOperations, json, type Reply } from './operations.ts'

const IDENTITY_SCOPE = 'https://api.ebay.com/oauth/api_scope/commerce.identity.readonly'

const NEW_SHOP = 'new-shop'
const FIRST_ORDERS = 3

/** Consent, the token endpoint and getUser. */
export function oauthRoutes(market: Market, operation: ReturnType<typeof createOperations>): Router {
  const router = Router()
  router.get(
    '/oauth2/authorize',
    operation('authorize', (request) => consentPage(market, request)),
  )
  router.get(
    '/oauth2/consent',
    operation('consent', (request) => decide(market, request)),
  )
  router.post(
    '/identity/v1/oauth2/token',
    operation('token', (request) => token(market, request)),
  )
  router.get(
    '/commerce/identity/v1/user',
    operation('getUser', (request) => getUser(market, request)),
  )
  return router
}

/** Where a browser goes after the decision of `userId` on the authorize URL; for tests, which have no browser. */
export function consentUrl(authorizeUrl: string, decision: { userId: string; accept: boolean }): string {
  const url = new URL(authorizeUrl)
  url.pathname = '/oauth2/consent'
  url.searchParams.set('user', decision.userId)
  url.searchParams.set('decision', decision.accept ? 'accept' : 'decline')
  return url.href
}

function consentPage(market: Market, request: Request): Reply {
  const query = queryOf(request)
  if (!appOf(market, query) || query.get('response_type') !== 'code')
    return html(400, '<p>invalid_request: client_id, redirect_uri or response_type</p>')
  const self = `http://simulator${request.originalUrl}`
  const choices = [...market.sellers.values()].map(({ userId, username }) => {
    const link = (accept: boolean) =>
      new URL(consentUrl(self, { userId, accept })).pathname + new URL(consentUrl(self, { userId, accept })).search
    return `<p>${htmlText(username)}: <a href="${htmlText(link(true))}">Agree</a> or <a href="${htmlText(link(false))}">Decline</a></p>`
  })
  const another = new URL(consentUrl(self, { userId: NEW_SHOP, accept: true }))
  choices.push(`<p>A new shop: <a href="${htmlText(another.pathname + another.search)}">Agree</a></p>`)
  return html(200, `<h1>Simulated eBay</h1>${choices.join('')}`)
}

/** For a person with a browser: a shop that has sold something already. */
function openShop(market: Market) {
  const seller = market.addSeller()
  // Before the last minute, which polls leave out.
  const time = new Date(Date.now() - 120_000).toISOString()
  for (let made = 0; made < FIRST_ORDERS; made++) market.addOrder(seller.userId, { creationDate: time, lastModifiedDate: time })
  return seller
}

function decide(market: Market, request: Request): Reply {
  const query = queryOf(request)
  const app = appOf(market, query)
  const user = query.get('user') ?? ''
  const seller = user === NEW_SHOP && app ? openShop(market) : market.sellers.get(user)
  if (!app || !seller) return html(400, '<p>invalid_request</p>')
  const accepted = query.get('decision') === 'accept'
  const target = new URL(accepted ? app.acceptUrl : app.rejectUrl)
  const state = query.get('state')
  if (state !== null) target.searchParams.set('state', state)
  if (accepted) {
    const scopes = (query.get('scope') ?? '').split(' ')
    target.searchParams.set('code', market.issueCode(app.clientId, seller.userId, scopes))
    target.searchParams.set('expires_in', '299')
  } else {
    target.searchParams.set('error', 'access_denied')
  }
  return { status: 302, headers: { location: target.href } }
}

function token(market: Market, request: Request): Reply {
  const app = basicApp(market, request)
  if (!app) return oauthError(401, 'invalid_client', 'client authentication failed')
  const form = new URLSearchParams(String(request.body))
  switch (form.get('grant_type')) {
    case 'authorization_code':
      return redeem(market, app, form)
    case 'refresh_token':
      return refresh(market, app, form)
    case 'client_credentials':
      return accessAnswer(market.issueAccess(null, (form.get('scope') ?? '').split(' ')), 'Application Access Token')
    default:
      return oauthError(400, 'unsupported_grant_type', 'the grant type is not supported')
  }
}

function redeem(market: Market, app: SimulatedApp, form: URLSearchParams): Reply {
  if (form.get('redirect_uri') !== app.ruName) return oauthError(400, 'invalid_request', 'redirect_uri does not match')
  const grant = market.redeemCode(app.clientId, form.get('code') ?? '')
  if (!grant)
    return oauthError(400, 'invalid_grant', 'the provided authorization code is invalid or was issued to another client')
  const refreshToken = market.issueGrant(grant)
  return accessAnswer(market.issueAccess(grant.userId, grant.scopes), 'User Access Token', {
    refresh_token: refreshToken,
    refresh_token_expires_in: REFRESH_LIFE,
  })
}

function refresh(market: Market, app: SimulatedApp, form: URLSearchParams): Reply {
  const grant = market.grants.get(form.get('refresh_token') ?? '')
  if (grant?.clientId !== app.clientId)
    return oauthError(
      400,
      'invalid_grant',
      'the provided authorization refresh token is invalid or was issued to another client',
    )
  const scopes = form.get('scope')?.split(' ') ?? grant.scopes
  if (!scopes.every((scope) => grant.scopes.includes(scope)))
    return oauthError(400, 'invalid_scope', 'the scope exceeds the consent')
  return accessAnswer(market.issueAccess(grant.userId, scopes), 'User Access Token')
}

function getUser(market: Market, request: Request): Reply {
  const access = bearer(market, request, IDENTITY_SCOPE)
  if (access.kind === 'refused') return access.reply
  const seller = market.sellers.get(access.userId ?? '')
  if (!seller) return json(404, {})
  const { userId, username, marketplaceId } = seller
  return json(200, { userId, username, accountType: 'BUSINESS', registrationMarketplaceId: marketplaceId, status: 'CONFIRMED' })
}

function accessAnswer(token: string, type: string, more: object = {}): Reply {
  return json(200, { access_token: token, expires_in: ACCESS_LIFE, token_type: type, ...more })
}

function oauthError(status: number, error: string, description: string): Reply {
  return json(status, { error, error_description: description })
}

function basicApp(market: Market, request: Request): SimulatedApp | undefined {
  const [, encoded] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? []
  const [clientId, clientSecret] = Buffer.from(encoded ?? '', 'base64')
    .toString('utf8')
    .split(':')
  const app = market.apps.get(clientId ?? '')
  return app?.clientSecret === clientSecret ? app : undefined
}

function appOf(market: Market, query: URLSearchParams): SimulatedApp | undefined {
  const app = market.apps.get(query.get('client_id') ?? '')
  return app?.ruName === query.get('redirect_uri') ? app : undefined
}

function queryOf(request: Request): URLSearchParams {
  return new URL(request.originalUrl, 'http://simulator').searchParams
}

function html(status: number, body: string): Reply {
  return {
    status,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: `<!doctype html><meta charset="utf-8">${body}`,
  }
}

function htmlText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
