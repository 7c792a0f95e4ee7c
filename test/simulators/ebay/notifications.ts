import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as after } from 'node:timers/promises'
import { createRandom } from '../../random.ts'
import type { Market } from './market.ts'
import type { SigningKeys } from './signing-keys.ts'

/** The envelope of every topic (eBay event-notification-nodejs-sdk, test/test.json). */
export type EbayMessage = {
  metadata: { topic: string; schemaVersion: string; deprecated: boolean }
  notification: {
    notificationId: string
    eventDate: string
    publishDate: string
    publishAttemptCount: number
    data: Record<string, unknown>
  }
}

export type SendOptions = {
  /** `stale` signs with a key that eBay has withdrawn, `wrong` signs another body. */
  signature?: 'right' | 'wrong' | 'stale' | 'missing'
  /** How often the same notification is sent, one right after the other. */
  copies?: number
  /** Milliseconds to wait before the first send. */
  late?: number
  /** How often a notification is repeated until it is acknowledged; `publishAttemptCount` rises. 1 unless said otherwise. */
  attempts?: number
  /** Milliseconds between attempts. */
  pause?: number
}

export type Notifications = {
  orderConfirmation(orderId: string, options?: { schemaVersion?: '1.0' | '1.1' }): EbayMessage
  authorizationRevocation(userId: string): EbayMessage
  accountDeletion(user: { username: string; userId: string }): EbayMessage
  message(topic: string, data: Record<string, unknown>): EbayMessage
  /** Posts a message, signed, and answers with the status of each request; 0 when there was no answer. */
  send(to: string, message: EbayMessage, options?: SendOptions): Promise<number[]>
  /** Sends many, in an order that `seed` shuffles. */
  sendShuffled(to: string, messages: readonly EbayMessage[], seed: number, options?: SendOptions): Promise<number[]>
  /** Posts bytes as they are, signed as asked. */
  sendBody(to: string, body: Buffer, signature?: SendOptions['signature']): Promise<number>
  /** Asks an endpoint to prove itself, as createDestination does; true when the answer is right. */
  challenge(endpoint: string, verificationToken: string): Promise<boolean>
}

/** eBay acknowledges these and repeats on everything else. */
const ACKNOWLEDGED: readonly number[] = [200, 201, 202, 204]

export function createNotifications(market: Market, keys: SigningKeys): Notifications {
  function message(topic: string, data: Record<string, unknown>, schemaVersion = '1.0'): EbayMessage {
    const now = new Date(market.clock()).toISOString()
    return {
      metadata: { topic, schemaVersion, deprecated: false },
      notification: {
        notificationId: `${randomUUID()}_${randomUUID()}`,
        eventDate: now,
        publishDate: now,
        publishAttemptCount: 1,
        data,
      },
    }
  }

  async function sendBody(to: string, body: Buffer, signature: SendOptions['signature'] = 'right'): Promise<number> {
    const signed = signature === 'wrong' ? Buffer.concat([body, Buffer.from(' ')]) : body
    const header = keys.header(signed, signature === 'stale' ? keys.stale : keys.current)
    const headers = {
      'content-type': 'application/json',
      ...(signature === 'missing' ? {} : { 'x-ebay-signature': header }),
    }
    try {
      const response = await fetch(to, { method: 'POST', headers, body: new Uint8Array(body) })
      await response.arrayBuffer()
      return response.status
    } catch {
      return 0
    }
  }

  async function sendUntilAcknowledged(to: string, sent: EbayMessage, options: SendOptions): Promise<number[]> {
    const statuses: number[] = []
    for (let attempt = 1; attempt <= (options.attempts ?? 1); attempt += 1) {
      const copy = { ...sent, notification: { ...sent.notification, publishAttemptCount: attempt } }
      const status = await sendBody(to, Buffer.from(JSON.stringify(copy)), options.signature)
      statuses.push(status)
      if (ACKNOWLEDGED.includes(status)) break
      if (attempt < (options.attempts ?? 1)) await after(options.pause ?? 200)
    }
    return statuses
  }

  async function send(to: string, sent: EbayMessage, options: SendOptions = {}): Promise<number[]> {
    if (options.late) await after(options.late)
    const statuses: number[] = []
    for (let copy = 0; copy < (options.copies ?? 1); copy += 1)
      statuses.push(...(await sendUntilAcknowledged(to, sent, options)))
    return statuses
  }

  return {
    orderConfirmation(orderId, options = {}) {
      const entry = market.orders.get(orderId)
      const seller = market.sellers.get(entry?.userId ?? '')
      if (!entry || !seller) throw new Error(`The simulated marketplace has no order ${orderId}`)
      const orderLineItems = entry.order.lineItems.map(({ lineItemId, legacyItemId, quantity }) => ({
        orderLineItemId: lineItemId,
        listingId: legacyItemId,
        quantity,
      }))
      const data = { user: { userId: seller.userId, username: seller.username }, order: { orderId, orderLineItems } }
      return message('ORDER_CONFIRMATION', data, options.schemaVersion)
    },
    authorizationRevocation(userId) {
      const username = market.sellers.get(userId)?.username ?? ''
      const revocationDate = new Date(market.clock()).toISOString()
      return message('AUTHORIZATION_REVOCATION', { username, userId, revokeReason: 'REVOKED_BY_USER', revocationDate })
    },
    accountDeletion: ({ username, userId }) => message('MARKETPLACE_ACCOUNT_DELETION', { username, userId, eiasToken: 'U1lO' }),
    message: (topic, data) => message(topic, data),
    send,
    async sendShuffled(to, messages, seed, options) {
      const random = createRandom(seed)
      const shuffled = messages
        .map((one) => ({ one, place: random.fraction() }))
        .sort((one, other) => one.place - other.place)
        .map(({ one }) => one)
      const statuses: number[] = []
      for (const one of shuffled) statuses.push(...(await send(to, one, options)))
      return statuses
    },
    sendBody,
    async challenge(endpoint, verificationToken) {
      const code = randomUUID()
      const url = new URL(endpoint)
      url.searchParams.set('challenge_code', code)
      const response = await fetch(url)
      const answer = (await response.json().catch(() => ({}))) as { challengeResponse?: unknown }
      const expected = createHash('sha256').update(code).update(verificationToken).update(endpoint).digest('hex')
      return response.status === 200 && answer.challengeResponse === expected
    },
  }
}
