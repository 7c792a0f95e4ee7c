import { type Answer, ORDERS_ANSWER, type Send } from '../http.ts'
import { type CallBudget, ChannelError, type Session } from '../port.ts'
import { retryAfter } from '../retry-after.ts'
import { isTokenRefused } from './errors.ts'
import type { Operation, Rates } from './rates.ts'

/** A call of SP-API; `path` with its query. */
export type Outgoing = { what: Operation; method: 'GET' | 'POST'; path: string; body?: string }

/** A call in the name of a seller, at the endpoint of its region. Answers whatever Amazon said, except 429 and a first refusal of the token. */
export type SellerCall = (session: Session, outgoing: Outgoing, signal: AbortSignal) => Promise<Answer>

/** SP-API asks every client to name itself ("Include a User-Agent header"). There is no request signature any more. */
const USER_AGENT = 'Tributary/0.1 (Language=JavaScript)'

type Options = { send: Send; budget: CallBudget; rates: Rates; hostOf: (region: string) => string; clock: () => number }

/** One try with one token. Throws ChannelError CHANNEL_BUDGET_SPENT for 429. */
export function createAttempt({ send, budget, rates, hostOf, clock }: Options) {
  return async (
    { app, sellerId, region }: Pick<Session, 'app' | 'sellerId' | 'region'>,
    token: string,
    outgoing: Outgoing,
    signal: AbortSignal,
  ): Promise<Answer> => {
    const { what, method, path, body } = outgoing
    const url = `${hostOf(region)}${path}`
    const seller = `${app.clientId} ${region} ${sellerId}`
    await budget.take('order')
    await rates.take(what, seller, signal)
    const headers = {
      'x-amz-access-token': token,
      'user-agent': USER_AGENT,
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    }
    const content = body === undefined ? {} : { body }
    const answer = await send({ what, method, url, headers, limit: ORDERS_ANSWER, ...content }, signal)
    if (answer.status === 429) throw rates.exhausted(what, seller, retryAfter(answer.headers, clock()))
    if (answer.oversized)
      throw new ChannelError('CHANNEL_ANSWER_UNREADABLE', `Amazon's answer to ${what} is larger than we hold`, {
        remedy: 'bug',
      })
    return answer
  }
}

export type Attempt = ReturnType<typeof createAttempt>

/** Calls with the session's token, and once more with another when the first is refused before its time. */
export function createSellerCall(attempt: Attempt): SellerCall {
  return async (session, outgoing, signal) => {
    const token = await session.token(signal)
    const first = await attempt(session, token, outgoing, signal)
    if (!isTokenRefused(first)) return first
    await session.rejected(token)
    return await attempt(session, await session.token(signal), outgoing, signal)
  }
}
