import { type Answer, type Send, SMALL_ANSWER } from '../http.ts'
import type { CallBudget } from '../port.ts'
import { PublicKeyAnswer, readAnswer } from './answers.ts'
import type { AppTokens } from './app-token.ts'
import { readFaults, refusal } from './errors.ts'
import type { FetchKey } from './public-keys.ts'

const INVALID_KEY_ID = 195001

/**
 * Commerce Notification API, getPublicKey, with the app's token. `url` holds `{kid}`. 404 or errorId 195001 mean that there
 * is no such key. It follows nobody's signal: the answer is shared by all who wait for it, and has its own time-out.
 */
export function createKeyEndpoint(options: {
  url: string
  send: Send
  budget: CallBudget
  appTokens: AppTokens
  clock: () => number
}): FetchKey {
  const what = 'getPublicKey'

  async function ask(kid: string, token: string, signal: AbortSignal): Promise<Answer> {
    await options.budget.take('notification')
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json' }
    const url = options.url.replace('{kid}', encodeURIComponent(kid))
    return await options.send({ what, method: 'GET', url, headers, limit: SMALL_ANSWER }, signal)
  }

  return async (kid) => {
    const { signal } = new AbortController()
    const token = await options.appTokens.token(signal)
    let answer = await ask(kid, token, signal)
    if (answer.status === 401) {
      options.appTokens.discard(token)
      answer = await ask(kid, await options.appTokens.token(signal), signal)
    }
    if (answer.status === 404 || readFaults(answer.text).some((fault) => fault.errorId === INVALID_KEY_ID)) return null
    if (answer.status !== 200) throw refusal(answer, what, options.clock())
    return readAnswer(PublicKeyAnswer, answer, what)
  }
}
