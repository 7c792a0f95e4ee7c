import { type Answer, ORDERS_ANSWER, type Send } from '../http.ts'
import { type App, type CallBudget, ChannelError } from '../port.ts'
import { membersOf, memberText } from '../reading/json-text.ts'
import { retryAfter } from '../retry-after.ts'
import type { Verdict } from './errors.ts'
import { signRequest } from './signature.ts'

/** A call of the open API. `token` is there for all but the calls of the app itself. */
export type Outgoing = {
  what: string
  method: 'GET' | 'POST'
  path: string
  query?: Readonly<Record<string, string>>
  body?: Readonly<Record<string, unknown>>
  token: string
}

/** What came back: what TikTok says of it, and the text of `data`. */
export type Reply = { verdict: Verdict; data: string }

export type OpenApi = (app: App, outgoing: Outgoing, signal: AbortSignal) => Promise<Reply>

/** Signs and sends. The same bytes are signed and sent; a POST without a body sends none, because `{}` would be signed. */
export function createOpenApi(options: { url: string; send: Send; budget: CallBudget; clock: () => number }): OpenApi {
  return async (app, { what, method, path, query = {}, body, token }, signal) => {
    await options.budget.take('order')
    const text = body === undefined ? '' : JSON.stringify(body)
    const timestamp = String(Math.floor(options.clock() / 1000))
    const signed: Record<string, string> = { ...query, app_key: app.clientId, timestamp }
    signed['sign'] = signRequest(app.clientSecret, { path, query: signed, body: text })
    const headers = { 'x-tts-access-token': token, 'content-type': 'application/json', accept: 'application/json' }
    const url = `${options.url}${path}?${new URLSearchParams(signed)}`
    const outgoing = { what, method, url, headers, limit: ORDERS_ANSWER, ...(text === '' ? {} : { body: text }) }
    return readReply(await options.send(outgoing, signal), what, options.clock())
  }
}

/** Reads the envelope `{code, message, request_id, data}`. `now` is for a Retry-After that names a date. Throws ChannelError for an answer without one. */
export function readReply(answer: Answer, what: string, now: number): Reply {
  if (answer.oversized)
    throw new ChannelError('CHANNEL_ANSWER_UNREADABLE', `TikTok Shop's answer to ${what} is larger than we hold`, {
      remedy: 'bug',
    })
  const envelope = membersOf(answer.text)
  const asked = retryAfter(answer.headers, now)
  const wait = asked === undefined ? {} : { retryAfter: asked }
  if (typeof envelope?.['code'] === 'number') {
    const { code, message } = envelope
    const verdict = { status: answer.status, code, message: typeof message === 'string' ? message : '', ...wait }
    return { verdict, data: memberText(answer.text, 'data') ?? 'null' }
  }
  if (answer.status === 429 || answer.status >= 500)
    return { verdict: { status: answer.status, code: 0, message: '', ...wait }, data: 'null' }
  throw new ChannelError('CHANNEL_ANSWER_UNREADABLE', `TikTok Shop's answer to ${what} is no JSON of theirs`, {
    remedy: 'retry',
  })
}

export const isSuccess = ({ verdict }: Reply): boolean => verdict.code === 0 && verdict.status < 400
