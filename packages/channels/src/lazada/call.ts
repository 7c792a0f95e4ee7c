import { type Answer, ORDERS_ANSWER, type Send } from '../http.ts'
import { type App, type CallBudget, ChannelError, type Session } from '../port.ts'
import { membersOf } from '../reading/json-text.ts'
import { isTokenRefused, refusal, type Verdict } from './errors.ts'
import { signRequest } from './signature.ts'

/** `url` is a host with `/rest`; `path` what stands behind it and is signed. Text parameters only, whatever they hold. */
export type Outgoing = {
  what: string
  method: 'GET' | 'POST'
  url: string
  path: string
  parameters: Readonly<Record<string, string>>
  operation: 'order' | 'token'
}

/** The text of an answer whose code is "0". Throws ChannelError for every other. */
export type Rest = (app: App, outgoing: Outgoing, signal: AbortSignal) => Promise<string>

/** A call in the name of a seller, at the host of its country. */
export type SellerCall = (
  session: Session,
  call: Pick<Outgoing, 'what' | 'method' | 'path' | 'parameters'>,
  signal: AbortSignal,
) => Promise<string>

class TokenRefused extends Error {
  override readonly name = 'TokenRefused'
}

export function createRest(options: { send: Send; budget: CallBudget; clock: () => number }): Rest {
  return async (app, { what, method, url, path, parameters, operation }, signal) => {
    await options.budget.take(operation)
    const signed: Record<string, string> = {
      ...parameters,
      app_key: app.clientId,
      timestamp: String(options.clock()),
      sign_method: 'sha256',
    }
    const form = new URLSearchParams({ ...signed, sign: signRequest(app.clientSecret, path, signed) }).toString()
    const answer = await options.send(
      method === 'GET'
        ? { what, method, url: `${url}${path}?${form}`, headers: { accept: 'application/json' }, limit: ORDERS_ANSWER }
        : {
            ...{ what, method, url: `${url}${path}`, body: form, limit: ORDERS_ANSWER },
            headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
          },
      signal,
    )
    const verdict = readVerdict(answer, what)
    if (verdict.code === '0' && answer.status < 400) return answer.text
    throw isTokenRefused(verdict) ? new TokenRefused(what, { cause: verdict }) : refusal(verdict, what)
  }
}

/** `hostOf` answers the address of a country's API. A refused token is replaced once. */
export function createSellerCall({ rest, hostOf }: { rest: Rest; hostOf: (country: string) => string }): SellerCall {
  const attempt = (session: Session, call: Parameters<SellerCall>[1], token: string, signal: AbortSignal) => {
    const parameters = { ...call.parameters, access_token: token }
    return rest(session.app, { ...call, parameters, url: hostOf(session.region), operation: 'order' }, signal)
  }
  return async (session, call, signal) => {
    const token = await session.token(signal)
    try {
      return await attempt(session, call, token, signal)
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error
      await session.rejected(token)
    }
    const next = await session.token(signal)
    return await attempt(session, call, next, signal).catch((error: unknown) => {
      throw error instanceof TokenRefused ? refusal(error.cause as Verdict, call.what) : error
    })
  }
}

function readVerdict(answer: Answer, what: string): Verdict {
  const { status } = answer
  if (answer.oversized)
    throw new ChannelError('CHANNEL_ANSWER_UNREADABLE', `Lazada's answer to ${what} is larger than we hold`, { remedy: 'bug' })
  const said = membersOf(answer.text)
  const text = (key: string) => (typeof said?.[key] === 'string' || typeof said?.[key] === 'number' ? String(said[key]) : '')
  if (text('code') !== '') return { status, code: text('code'), type: text('type'), message: text('message') }
  if (status === 429 || status >= 500) return { status, code: '', type: '', message: '' }
  throw new ChannelError('CHANNEL_ANSWER_UNREADABLE', `Lazada's answer to ${what} is no JSON of theirs`, { remedy: 'retry' })
}
