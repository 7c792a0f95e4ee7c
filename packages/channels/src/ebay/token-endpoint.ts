import type { Static, TSchema } from 'typebox'
import { type Send, SMALL_ANSWER } from '../http.ts'
import type { App, CallBudget } from '../port.ts'
import { readAnswer } from './answers.ts'
import { tokenRefusal } from './errors.ts'

/** Posts one grant to the token endpoint and checks the answer. Throws ChannelError. */
export type RequestTokens = <T extends TSchema>(
  app: App,
  grant: { what: string; form: Readonly<Record<string, string>>; schema: T },
  signal: AbortSignal,
) => Promise<Static<T>>

/**
 * The token endpoint: a form body, the app as HTTP Basic user (developer.ebay.com, "OAuth authorization code grant request").
 * Encoding the form once is all that a code needs: it holds `^` and `#` and arrives here already decoded.
 */
export function createTokenEndpoint(options: {
  url: string
  send: Send
  budget: CallBudget
  clock: () => number
}): RequestTokens {
  return async (app, grant, signal) => {
    await options.budget.take('token')
    const answer = await options.send(
      {
        what: grant.what,
        method: 'POST',
        url: options.url,
        headers: {
          authorization: `Basic ${Buffer.from(`${app.clientId}:${app.clientSecret}`).toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
          accept: 'application/json',
        },
        body: new URLSearchParams(grant.form).toString(),
        limit: SMALL_ANSWER,
      },
      signal,
    )
    if (answer.status !== 200) throw tokenRefusal(answer, grant.what, options.clock())
    return readAnswer(grant.schema, answer, grant.what)
  }
}
