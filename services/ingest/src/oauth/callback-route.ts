import {
  type App,
  type Channel,
  ChannelError,
  type Consent,
  consentTokenName,
  consentTokenText,
  endsWithItsToken,
  type Grant,
} from '@tributary/channels'
import { listApps } from '@tributary/database'
import { timeOrderedEventId } from '@tributary/events'
import type { RawRequest, Route } from '@tributary/runtime/http'
import { openSettings } from '@tributary/vault'
import { channelOf } from '../channel-of.ts'
import type { IngestContext } from '../context.ts'
import type { Keeper } from '../keeper.ts'
import { type ConsentReception, origin } from '../reception.ts'
import { LateError, within } from '../within.ts'
import { browserSecret } from './browser.ts'
import { forPeople, queryOf, queryText } from './for-people.ts'
import type { Page } from './page.ts'
import {
  authorizedPage,
  declinedPage,
  exchangeFailedPage,
  notKeptPage,
  parkedPage,
  refusedPage,
  stateRefusedPage,
  tooManyWaitPage,
} from './pages.ts'
import { type ParkedConsent, parkConsent } from './parked-consents.ts'
import { type Claim, createStates, type Intent, type States } from './states.ts'
import { isDoubtfulTakeover } from './takeover.ts'

/** Anybody can come without a state, and each exchange costs a call to the marketplace. */
const STATELESS_A_MINUTE = 10
/** A person looks at a blank page for so long at most; the code lives five minutes. */
const EXCHANGE_WITHIN = 10_000

/**
 * `/open/order/oauth/callback/{channel}?code=…&state=…`: where the marketplace sends a seller's browser back to. The state is used up
 * before the code is exchanged, so no code is ever exchanged for a state twice; HEAD, which scanners of links send, uses none up.
 */
export function callbackRoute(context: IngestContext, keeper: Keeper<ConsentReception, unknown>): Route {
  const states = createStates(context.database)
  const mayExchange = atMost(STATELESS_A_MINUTE, 60_000)
  return {
    path: '/open/order/oauth/callback/:channel',
    isOnce: true,
    get: forPeople(context.logger, async (request) => {
      const channel = channelOf(context.channels, request)
      const refusal = queryText(request, 'error')
      const claim = await claimState(states, channel, request)
      if (refusal !== undefined) return refusedConsent(refusal, claim, channel)
      const code = codeIn(request, channel)
      if (queryText(request, 'state') === undefined && code !== undefined && channel.statelessConsents)
        return park(context, mayExchange, { channel, consent: { code, query: queryOf(request) } })
      if (claim.kind !== 'claimed') return stateRefusedPage(claim)
      if (code === undefined) return refusedPage(channel.name, claim.intent)
      return authorize(context, keeper, { channel, intent: claim.intent, consent: { code, query: queryOf(request) } })
    }),
  }
}

/** TikTok Shop writes `code=null` when the seller did not agree. */
function codeIn(request: RawRequest, channel: Channel): string | undefined {
  const code = queryText(request, channel.codeParameter ?? 'code')
  return code === 'null' ? undefined : code
}

/** Answers whether it may be done once more, at most so often in a while of so many milliseconds. */
function atMost(times: number, milliseconds: number): () => boolean {
  const done: number[] = []
  return () => {
    const now = performance.now()
    while (done[0] !== undefined && done[0] <= now - milliseconds) done.shift()
    if (done.length >= times) return false
    done.push(now)
    return true
  }
}

/** A consent that a seller began in the marketplace's own store: nobody here asked for it, so an operator has to confirm it. */
async function park(
  context: IngestContext,
  mayExchange: () => boolean,
  { channel, consent }: { channel: Channel; consent: Consent },
): Promise<Page> {
  const apps = await listApps(context.database, channel.number)
  const named = apps.find(({ clientId }) => clientId === consent.query.get('app_key'))
  const app = named ?? (apps.length === 1 ? apps[0] : undefined)
  if (!app || !mayExchange()) return stateRefusedPage({ kind: 'unknown' })
  const grants = await exchange(channel, app, consent)
  if (grants instanceof ChannelError) {
    context.logger.warn(
      { err: grants, channel: channel.number, appId: app.id },
      'a code without a state could not be exchanged',
    )
    return exchangeFailedPage(channel.name, grants.remedy, undefined)
  }
  return await leaveToOperator(context, { channel, app, grants, reason: 'unasked' })
}

async function leaveToOperator(
  context: IngestContext,
  parked: { channel: Channel; app: App; grants: readonly Grant[]; reason: ParkedConsent['reason'] },
): Promise<Page> {
  const { channel, app, grants, reason } = parked
  const about = { channel: channel.number, appId: app.id, reason }
  const id = await parkConsent(context, { ...about, grants })
  if (id === undefined) {
    context.logger.error(about, 'a consent was turned away: too many wait for an operator')
    return tooManyWaitPage(channel.name)
  }
  context.logger.warn({ ...about, consent: id }, 'a consent waits for an operator to confirm it')
  return parkedPage(channel.name, reason)
}

async function claimState(states: States, channel: Channel, request: RawRequest): Promise<Claim> {
  const state = queryText(request, 'state')
  return state === undefined ? { kind: 'unknown' } : states.claim(channel.number, state, browserSecret(request))
}

/** RFC 6749 §4.1.2.1, and TikTok Shop's word for it. */
const DECLINED: ReadonlySet<string> = new Set(['access_denied', 'auth_denied'])

/** A declined consent needs no valid state: nothing comes of it. */
function refusedConsent(reason: string, claim: Claim, channel: Channel): Page {
  const intent = claim.kind === 'unknown' ? undefined : claim.intent
  return DECLINED.has(reason) ? declinedPage(channel.name, intent) : refusedPage(channel.name, intent)
}

async function authorize(
  context: IngestContext,
  keeper: Keeper<ConsentReception, unknown>,
  { channel, intent, consent }: { channel: Channel; intent: Intent; consent: Consent },
): Promise<Page> {
  const app = (await listApps(context.database, channel.number)).find(({ id }) => id === intent.appId)
  if (!app) return refusedPage(channel.name, undefined)
  const grants = await exchange(channel, app, consent)
  if (grants instanceof ChannelError) {
    context.logger.warn({ err: grants, channel: channel.number, appId: app.id }, 'a code could not be exchanged')
    return exchangeFailedPage(channel.name, grants.remedy, intent)
  }
  if (await isDoubtfulTakeover(context, channel, app, grants))
    return await leaveToOperator(context, { channel, app, grants, reason: 'unproved' })
  try {
    const named = grants.map((grant) => ({ ...grant, eventId: timeOrderedEventId() }))
    await keepOnlyTokens(context, named)
    const kept = named.map(({ access: _, ...grant }) => grant)
    await keeper.keep({ kind: 'consent', ...origin(), intent, grants: kept })
  } catch (error) {
    context.logger.error({ err: error, channel: channel.number, appId: app.id }, 'a consent could not be kept')
    return notKeptPage(intent)
  }
  for (const { sellerId } of grants)
    context.logger.info({ channel: channel.number, appId: app.id, sellerId }, 'seller authorized')
  return authorizedPage(channel.name, grants.map(({ sellerName }) => sellerName).join(', '))
}

/** Before the grants, because whoever sees one of these without its token takes it for ended. Throws DatabaseError. */
async function keepOnlyTokens(context: IngestContext, grants: readonly (Grant & { eventId: string })[]): Promise<void> {
  const settings = openSettings(context)
  for (const grant of grants.filter(endsWithItsToken))
    await settings.put(consentTokenName(grant.eventId), { value: consentTokenText(grant.access), time: Date.now() })
}

async function exchange(channel: Channel, app: App, consent: Consent): Promise<readonly Grant[] | ChannelError> {
  try {
    return await within(EXCHANGE_WITHIN, (signal) => channel.exchangeCode(app, consent, signal))
  } catch (error) {
    if (error instanceof ChannelError) return error
    if (error instanceof LateError)
      return new ChannelError('CHANNEL_UNAVAILABLE', error.message, { remedy: 'retry', cause: error })
    throw error
  }
}
