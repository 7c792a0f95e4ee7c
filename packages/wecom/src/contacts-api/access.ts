import type { Answer, SendCall } from './call.ts'
import { WecomError } from './errors.ts'

/** A token and when to have the next, milliseconds since 1970. */
export type KeptToken = { token: string; until: number }

/** Where tokens are kept for every process, and how only one of them asks for the next. */
export type TokenStore = {
  read(name: string): Promise<KeptToken | undefined>
  write(name: string, kept: KeptToken): Promise<void>
  /** Forgets exactly this token; another that took its place meanwhile stays. */
  forget(name: string, token: string): Promise<void>
  /** Runs `work` while nobody else does under this name. */
  exclusively<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>
}

/** A token that can be had anew: what a call in somebody's name needs. */
export type Access = {
  /** Throws WecomError. */
  token(signal: AbortSignal): Promise<string>
  /** The token was refused: the next `token` is another. */
  rejected(token: string): Promise<void>
}

/** Before its end a token counts as over: a call takes time, too. */
const MARGIN = 300_000

/**
 * An access that keeps its token in `store` under `name` and lets one caller of all processes fetch the next. About 2,000
 * wrong calls for tokens an hour block a provider for an hour, so nobody asks twice.
 */
function sharedAccess(store: TokenStore, name: string, fetchToken: (signal: AbortSignal) => Promise<KeptToken>): Access {
  const living = async (): Promise<string | undefined> => {
    const kept = await store.read(name)
    return kept && kept.until > Date.now() ? kept.token : undefined
  }
  return {
    async token(signal) {
      const known = await living()
      if (known !== undefined) return known
      return store.exclusively(name, signal, async () => {
        const brought = await living()
        if (brought !== undefined) return brought
        const fetched = await fetchToken(signal)
        await store.write(name, fetched)
        return fetched.token
      })
    },
    rejected: (token) => store.forget(name, token),
  }
}

/** Runs `call` with a token; once more with a fresh one when WeCom refuses that. Throws WecomError. */
export async function withToken<T>(access: Access, signal: AbortSignal, call: (token: string) => Promise<T>): Promise<T> {
  const token = await access.token(signal)
  try {
    return await call(token)
  } catch (error) {
    if (!(error instanceof WecomError) || error.code !== 'WECOM_TOKEN_REFUSED') throw error
    await access.rejected(token)
    return call(await access.token(signal))
  }
}

/** The suite's own access (get_suite_token). `ticket` answers the newest ticket, if it still lives. */
export function suiteAccess(
  send: SendCall,
  store: TokenStore,
  options: { name: string; suiteId: string; secret: string; ticket: () => Promise<string | undefined> },
): Access {
  return sharedAccess(store, options.name, async (signal) => {
    const ticket = await options.ticket()
    if (ticket === undefined)
      throw new WecomError(
        'WECOM_TICKET_MISSING',
        'No suite_ticket came within the last half hour. Is the command URL reached?',
      )
    const body = { suite_id: options.suiteId, suite_secret: options.secret, suite_ticket: ticket }
    return tokenOf(
      await send({ call: 'service/get_suite_token', body }, signal),
      'suite_access_token',
      'service/get_suite_token',
    )
  })
}

/** A corp's access through a suite (get_corp_token). `permanentCode` is what its consent was exchanged for. */
export function corpAccess(
  send: SendCall,
  store: TokenStore,
  options: { name: string; suite: Access; corpId: string; permanentCode: () => Promise<string | undefined> },
): Access {
  return sharedAccess(store, options.name, async (signal) => {
    const code = await options.permanentCode()
    if (code === undefined)
      throw new WecomError('WECOM_GRANT_REVOKED', 'There is no permanent code of this corp. It must authorize the suite again.')
    const body = { auth_corpid: options.corpId, permanent_code: code }
    const answer = await withToken(options.suite, signal, (token) =>
      send({ call: 'service/get_corp_token', query: { suite_access_token: token }, body }, signal),
    )
    return tokenOf(answer, 'access_token', 'service/get_corp_token')
  })
}

/** A self-built app's access (gettoken). */
export function selfBuiltAccess(
  send: SendCall,
  store: TokenStore,
  options: { name: string; corpId: string; secret: string },
): Access {
  return sharedAccess(store, options.name, async (signal) => {
    const query = { corpid: options.corpId, corpsecret: options.secret }
    return tokenOf(await send({ call: 'gettoken', query }, signal), 'access_token', 'gettoken')
  })
}

/**
 * Exchanges an authorization code for the permanent one (get_permanent_code, W100776). A code works once, so a call whose
 * answer is lost is not made again; the corp has to authorize anew.
 */
export async function exchangeCode(
  send: { once: SendCall },
  suite: Access,
  code: string,
  signal: AbortSignal,
): Promise<{ corpId: string; permanentCode: string }> {
  const call = 'service/v2/get_permanent_code'
  const answer = await withToken(suite, signal, (token) =>
    send.once({ call, query: { suite_access_token: token }, body: { auth_code: code } }, signal),
  )
  const { permanent_code: permanentCode, auth_corp_info: corp } = answer
  const corpId = (corp as { corpid?: unknown } | undefined)?.corpid
  if (typeof permanentCode === 'string' && permanentCode !== '' && typeof corpId === 'string' && corpId !== '')
    return { corpId, permanentCode }
  throw new WecomError('WECOM_ANSWER_INVALID', `WeCom's answer to ${call} holds no permanent code or no corp.`)
}

function tokenOf(answer: Answer, field: string, call: string): KeptToken {
  const { [field]: token, expires_in: seconds } = answer
  if (typeof token !== 'string' || token === '' || typeof seconds !== 'number')
    throw new WecomError('WECOM_ANSWER_INVALID', `WeCom's answer to ${call} holds no token.`)
  return { token, until: Date.now() + Math.max(seconds * 500, seconds * 1000 - MARGIN) }
}
