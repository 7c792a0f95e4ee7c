import type { Static } from 'typebox'
import { type App, ChannelError, type Session } from '../port.ts'
import { createSingleFlight } from '../single-flight.ts'
import { readData, Shops } from './answers.ts'
import { isSuccess, type OpenApi, type Outgoing, type Reply } from './call.ts'
import { isCipherRefused, isLimited, isTokenRefused, refusal, sprangFromToken } from './errors.ts'
import type { Limits } from './limits.ts'

type Shop = Static<typeof Shops>['shops'][number]

/** The shops that an access token opens, one at least. Throws ChannelError. */
export type ReadShops = (app: App, token: string, signal: AbortSignal) => Promise<readonly Shop[]>

/** A call in the name of one shop; answers whatever TikTok said, except a first refusal of the token. Throws for one too many. */
export type ShopCall = (session: Session, call: Omit<Outgoing, 'token'>, signal: AbortSignal) => Promise<Reply>

/** Get Authorized Shops. Sending a cipher where none is wanted is refused, so this call sends none. */
export function createReadShops(api: OpenApi): ReadShops {
  return async (app, token, signal) => {
    const what = 'Get Authorized Shops'
    const reply = await api(app, { what, method: 'GET', path: '/authorization/202309/shops', token }, signal)
    if (!isSuccess(reply)) throw refusal(reply.verdict, what)
    const { shops } = readData(Shops, reply.data, what)
    if (shops.length > 0) return shops
    throw new ChannelError('CHANNEL_GRANT_REVOKED', 'TikTok Shop names no shop behind this consent', { remedy: 'reauthorize' })
  }
}

/**
 * Adds the shop's cipher, which is read once for each shop and kept in memory, and calls once more with another access token
 * or another cipher when the first is refused.
 */
export function createShopCall(options: { api: OpenApi; readShops: ReadShops; limits: Limits }): ShopCall {
  const { api, readShops, limits } = options
  const ciphers = new Map<string, string>()
  const once = createSingleFlight<string>()

  async function cipherOf({ app, sellerId }: Session, token: string): Promise<string> {
    const shops = await readShops(app, token, AbortSignal.timeout(20_000))
    for (const { id, cipher } of shops) ciphers.set(id, cipher)
    const cipher = ciphers.get(sellerId)
    if (cipher !== undefined) return cipher
    throw new ChannelError('CHANNEL_GRANT_REVOKED', `TikTok Shop no longer names shop ${sellerId} behind this consent`, {
      remedy: 'reauthorize',
    })
  }

  async function attempt(session: Session, call: Omit<Outgoing, 'token'>, token: string, signal: AbortSignal) {
    const shop = `${session.app.clientId} ${session.sellerId}`
    const send = async (cipher: string): Promise<Reply> => {
      limits.check(shop)
      const query = { ...call.query, shop_cipher: cipher }
      const reply = await api(session.app, { ...call, query, token }, signal)
      if (isLimited(reply.verdict)) throw limits.met(shop, reply.verdict.retryAfter)
      limits.passed(shop)
      return reply
    }
    const read = () => once(session.sellerId, signal, () => cipherOf(session, token))
    const cipher = ciphers.get(session.sellerId) ?? (await read())
    const reply = await send(cipher)
    if (isSuccess(reply) || !isCipherRefused(reply.verdict)) return reply
    const known = ciphers.get(session.sellerId)
    // Another call may have read the new one already.
    const fresh = known === cipher ? await read() : (known ?? cipher)
    return fresh === cipher ? reply : await send(fresh)
  }

  return async (session, call, signal) => {
    const token = await session.token(signal)
    const first = await attempt(session, call, token, signal).catch((error: unknown) => {
      if (!sprangFromToken(error)) throw error
    })
    if (first && (isSuccess(first) || !isTokenRefused(first.verdict))) return first
    await session.rejected(token)
    return await attempt(session, call, await session.token(signal), signal)
  }
}
