import type { Answer, Outgoing, Send } from '../http.ts'
import type { CallBudget, Session } from '../port.ts'

/** A REST call on behalf of a seller. Answers with whatever eBay said, except a first 401. */
export type SellerCall = (session: Session, call: Omit<Outgoing, 'headers'>, signal: AbortSignal) => Promise<Answer>

/**
 * Calls with the session's token. A 401 (errorId 1001, "Invalid access token") before the token's time is up means that it
 * died early: the session is told and the call made once more with another. Throws ChannelError and whatever the session throws.
 */
export function createSellerCall(options: { send: Send; budget: CallBudget }): SellerCall {
  async function attempt(token: string, call: Omit<Outgoing, 'headers'>, signal: AbortSignal): Promise<Answer> {
    await options.budget.take('order')
    const headers = {
      authorization: `Bearer ${token}`,
      accept: 'application/json',
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
    }
    return await options.send({ ...call, headers }, signal)
  }

  return async (session, call, signal) => {
    const token = await session.token(signal)
    const answer = await attempt(token, call, signal)
    if (answer.status !== 401) return answer
    await session.rejected(token)
    return await attempt(await session.token(signal), call, signal)
  }
}
