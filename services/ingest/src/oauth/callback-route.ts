import { type App, type Channel, ChannelError, type Consent, type Grant } from '@tributary/channels'
import { listApps } from '@tributary/database'
import { createEvent, sellerKey, timeOrderedEventId } from '@tributary/events'
import type { RawRequest, Route } from '@tributary/runtime'
import { channelOf } from '../channel-of.ts'
import { type IngestContext, SOURCE } from '../context.ts'
import type { Keeper } from '../keeper.ts'
import { traceOf } from '../kept-events.ts'
import { type ConsentReception, origin } from '../reception.ts'
import { LateError, within } from '../within.ts'
import type { Work } from '../work.ts'
import { browserSecret } from './browser.ts'
import { forPeople, queryOf, queryText } from './for-people.ts'
import type { Page } from './page.ts'
import { authorizedPage, declinedPage, exchangeFailedPage, notKeptPage, refusedPage, stateRefusedPage } from './pages.ts'
import { type Claim, createStates, type Intent, type States } from './states.ts'

/** A person looks at a blank page for so long at most; the code lives five minutes. */
const EXCHANGE_WITHIN = 10_000

/**
 * `/open/order/oauth/callback/{channel}?code=…&state=…`: where the marketplace sends a seller's browser back to. The state is used up
 * before the code is exchanged, so no code is ever exchanged for a state twice.
 */
export function callbackRoute(context: IngestContext, keeper: Keeper<ConsentReception, unknown>): Route {
  const states = createStates(context.database)
  return {
    path: '/open/order/oauth/callback/:channel',
    get: forPeople(context.logger, async (request) => {
      const channel = channelOf(context.channels, request)
      const refusal = queryText(request, 'error')
      const claim = await claimState(states, channel, request)
      if (refusal !== undefined) return refusedConsent(refusal, claim, channel)
      const code = queryText(request, channel.codeParameter ?? 'code')
      if (claim.kind !== 'claimed') return stateRefusedPage(claim)
      if (code === undefined || code === 'null') return refusedPage(channel.name, claim.intent)
      return authorize(context, keeper, { channel, intent: claim.intent, consent: { code, query: queryOf(request) } })
    }),
  }
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
  try {
    const kept = grants.map(({ access: _, ...grant }) => ({ ...grant, eventId: timeOrderedEventId() }))
    await keeper.keep({ kind: 'consent', ...origin(), intent, grants: kept })
  } catch (error) {
    context.logger.error({ err: error, channel: channel.number, appId: app.id }, 'a consent could not be kept')
    return notKeptPage(intent)
  }
  for (const { sellerId } of grants)
    context.logger.info({ channel: channel.number, appId: app.id, sellerId }, 'seller authorized')
  return authorizedPage(channel.name, grants.map(({ sellerName }) => sellerName).join(', '))
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

/** Keeps a consent. */
export const keepConsent =
  (context: Pick<IngestContext, 'vault' | 'rowIds'>): Work<ConsentReception, void> =>
  async (reception, append) =>
    append(await Promise.all(reception.grants.map((grant) => authorizedEvent(context, reception, grant))))

async function authorizedEvent(
  { vault, rowIds }: Pick<IngestContext, 'vault' | 'rowIds'>,
  reception: ConsentReception,
  grant: ConsentReception['grants'][number],
) {
  const { time, intent } = reception
  const { eventId: id } = grant
  const key = sellerKey(intent.channel, grant.sellerId)
  const subject = vault.subject('seller', key)
  const [outcome] = await vault.seal([{ subject, eventId: id, plaintext: grant.refreshToken }])
  return createEvent({
    id,
    type: 'SellerAuthorized',
    source: SOURCE,
    subject: `sellers/${intent.channel}/${grant.sellerId}`,
    time,
    partitionkey: key,
    ...traceOf(reception),
    data: {
      channel: intent.channel,
      sellerId: grant.sellerId,
      rowId: rowIds.next(),
      appId: intent.appId,
      sellerName: grant.sellerName,
      region: grant.region,
      spiServerCodes: intent.spiCodes === null ? null : [...intent.spiCodes],
      authorizedTime: time,
      subject,
      sealed: outcome?.kind === 'sealed' ? outcome.jwe : null,
      refreshTokenExpiresIn: grant.refreshTokenExpiresIn,
      refreshTokenExpiresTime: grant.refreshTokenExpiresTime,
    },
  })
}
