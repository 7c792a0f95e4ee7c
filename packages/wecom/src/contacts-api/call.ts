import { fetchFailure, observedCall, pause, readBounded } from '@tributary/runtime'
import { WecomError, wecomRefusal } from './errors.ts'

/** A call by WeCom's own name, for example `user/simplelist`; that is its path, too. */
export type ApiCall = {
  call: string
  query?: Readonly<Record<string, string>>
  /** Posted as JSON; a GET without. */
  body?: unknown
}

export type Answer = Readonly<Record<string, unknown>>
/** Makes a call and answers what WeCom says. Throws WecomError, or the reason of the signal. */
export type SendCall = (call: ApiCall, signal: AbortSignal) => Promise<Answer>

/** Milliseconds. WeCom blocks for a minute whoever goes over a limit of the minute (W90454). */
export type Patience = { timeout: number; busy: number; limited: number }
const PATIENCE: Patience = { timeout: 20_000, busy: 1_000, limited: 61_000 }

/** After the first try. WeCom asks for no more than three when it is busy. */
const RETRIES = 3
/** A department of 100,000 members is 20 MB. */
const LARGEST_ANSWER = 64 * 1024 * 1024

/**
 * Calls the API under `apiUrl`, at most `callsPerSecond`. Waits and tries again, three times, when WeCom is busy, a call
 * breaks off or a limit was met; every call must therefore be one that can be made twice, or say `once`.
 */
export function createSendCall(options: {
  apiUrl: string
  callsPerSecond?: number
  patience?: Partial<Patience>
}): SendCall & { once: SendCall } {
  const patience = { ...PATIENCE, ...options.patience }
  const takeTurn = createTurns(options.callsPerSecond ?? Number.POSITIVE_INFINITY)
  const once: SendCall = async (call, signal) => {
    await takeTurn(signal)
    signal.throwIfAborted()
    return exchange(options.apiUrl, call, patience.timeout, signal)
  }
  const send: SendCall = async (call, signal) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await once(call, signal)
      } catch (error) {
        const wait = waitAfter(error, patience, attempt)
        if (wait === undefined || attempt > RETRIES) throw error
        await pause(wait, signal)
        signal.throwIfAborted()
      }
    }
  }
  return Object.assign(send, { once })
}

function waitAfter(error: unknown, patience: Patience, attempt: number): number | undefined {
  if (!(error instanceof WecomError)) return undefined
  if (error.code === 'WECOM_RATE_LIMITED') return patience.limited
  return error.code === 'WECOM_UNAVAILABLE' ? patience.busy * attempt : undefined
}

/** Spaces calls evenly, so that no second takes more than its share. */
function createTurns(perSecond: number): (signal: AbortSignal) => Promise<void> {
  let next = 0
  return async (signal) => {
    const now = performance.now()
    const turn = Math.max(now, next)
    next = turn + 1_000 / perSecond
    if (turn > now) await pause(turn - now, signal)
  }
}

async function exchange(apiUrl: string, { call, query, body }: ApiCall, timeout: number, signal: AbortSignal): Promise<Answer> {
  const url = `${apiUrl}/${call}?${new URLSearchParams(query)}`
  const method = body === undefined ? 'GET' : 'POST'
  const expired = AbortSignal.timeout(timeout)
  let answered: { status: number; body: Buffer | null }
  try {
    answered = await observedCall({ channel: 'wecom', call, method, url }, async () => {
      const response = await fetch(url, {
        method,
        redirect: 'manual',
        signal: AbortSignal.any([signal, expired]),
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      })
      return { status: response.status, body: await readBounded(response, LARGEST_ANSWER) }
    })
  } catch (error) {
    if (signal.aborted) throw signal.reason
    const what = expired.aborted ? `did not finish its answer to ${call} within ${timeout} ms` : `broke off during ${call}`
    // The cause is left out: it names the address, and that holds the token.
    throw new WecomError('WECOM_UNAVAILABLE', `WeCom ${what}.`, { cause: fetchFailure(error) })
  }
  return answerOf(call, answered)
}

function answerOf(call: string, { status, body }: { status: number; body: Buffer | null }): Answer {
  if (status !== 200) throw new WecomError('WECOM_UNAVAILABLE', `WeCom answered ${call} with status ${status}.`)
  const answer = parse(body)
  if (answer === undefined) throw new WecomError('WECOM_ANSWER_INVALID', `WeCom answered ${call} with what is no JSON object.`)
  const errcode = answer['errcode'] ?? 0
  if (errcode !== 0) throw wecomRefusal(call, Number(errcode))
  return answer
}

function parse(body: Buffer | null): Answer | undefined {
  try {
    const value: unknown = JSON.parse(body?.toString() ?? '')
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Answer) : undefined
  } catch {
    return undefined
  }
}
