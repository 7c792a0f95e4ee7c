import { type Channel, ChannelError, type Notification } from '@tributary/channels'
import { channelName } from '@tributary/events'
import { Problem } from '@tributary/runtime'
import type { Handler, RawRequest, Route } from '@tributary/runtime/http'
import { channelOf } from './channel-of.ts'
import type { IngestContext } from './context.ts'
import { erasePeople } from './erasure.ts'
import type { Keeper } from './keeper.ts'
import { eventsOf } from './kept-events.ts'
import { countNotification, countRefusal, countSignatureFailure } from './measure.ts'
import { type NotificationReception, origin } from './reception.ts'
import { within } from './within.ts'
import type { Work } from './work.ts'

/** A notification of eBay has about a kilobyte; orders are read, never posted. */
const BODY_LIMIT = 256 * 1024

/** `/open/order/callback/{channel}`: the address that is registered at the marketplaces. */
export function notificationRoute(context: IngestContext, keeper: Keeper<NotificationReception, unknown>): Route {
  return {
    path: '/open/order/callback/:channel',
    get: answerChallenge(context),
    post: { bodyLimit: BODY_LIMIT, handle: receiveNotification(context, keeper) },
  }
}

function answerChallenge(context: IngestContext): Handler {
  return (request, response) => {
    const channel = channelOf(context.channels, request)
    const query = new URLSearchParams(request.url.split('?')[1] ?? '')
    const answer = challengeOrProblem(channel, query)
    if (!answer) throw new Problem(400, 'CHALLENGE_MISSING', 'The query holds no challenge_code, or one that is too long.')
    response.status(200).json(answer)
  }
}

function challengeOrProblem(channel: Channel, query: URLSearchParams): { challengeResponse: string } | null {
  try {
    return channel.challenge(query)
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error
    throw new Problem(503, 'CHALLENGE_NOT_CONFIGURED', 'This address cannot answer a challenge yet.', { cause: error })
  }
}

/** Keeps a verified notification. */
export const keepNotification =
  (context: Pick<IngestContext, 'vault' | 'rowIds'>): Work<NotificationReception, void> =>
  async ({ notification, ...reception }, append) => {
    if (notification.kind === 'account-deletion') return erasePeople(context, append, notification, reception)
    await append(await eventsOf({ ...reception, notification }, context.vault))
  }

/** Verified, kept, answered, in this order: a yes is given for nothing that neither the log nor the spool holds. */
function receiveNotification(context: IngestContext, keeper: Keeper<NotificationReception, unknown>): Handler {
  return async (request, response) => {
    const channel = channelOf(context.channels, request)
    try {
      const notification = await verified(channel, request)
      if (notification === 'settled') {
        response.status(channel.webhook.success).end()
        return
      }
      const { place } = await keeper.keep(
        { kind: 'notification', ...origin(), channel: channel.number, notification, body: request.body },
        channel.webhook.deadline,
      )
      countNotification(channel.number, place === 'log' ? 'kept' : 'spooled')
    } catch (error) {
      countNotification(channel.number, error instanceof Problem && error.status < 500 ? 'refused' : 'not-kept')
      throw error
    }
    response.status(channel.webhook.success).end()
  }
}

/** The codes of answers to senders that could not prove who they are. */
const UNSIGNED: ReadonlySet<string> = new Set(['SIGNATURE_MISSING', 'KEY_UNKNOWN', 'SIGNATURE_WRONG', 'CERTIFICATE_ELSEWHERE'])

async function verified(channel: Channel, request: RawRequest): Promise<Notification | 'settled'> {
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  )
  const reception = await within(channel.webhook.deadline, (signal) =>
    channel.receive({ headers, body: request.body }, signal),
  ).catch(unverified)
  if (reception.kind === 'accepted') return reception.notification
  if (reception.kind === 'settled') return 'settled'
  countRefusal(channel.number, reception.code)
  if (UNSIGNED.has(reception.code)) countSignatureFailure(channelName(channel.number))
  const retry = reception.kind === 'unavailable' ? { headers: { 'Retry-After': '60' } } : {}
  throw new Problem(reception.status, reception.code, reception.detail, retry)
}

/** What fails here is never the sender's fault: the key came too slowly, or our own database is away. */
function unverified(error: unknown): never {
  const detail = 'It could not be verified just now. Send it again later.'
  throw new Problem(503, 'NOT_VERIFIED', detail, { headers: { 'Retry-After': '60' }, cause: error })
}
