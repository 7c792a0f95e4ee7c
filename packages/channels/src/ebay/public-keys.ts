import { createPublicKey, type KeyObject } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { ChannelError } from '../port.ts'
import { createSingleFlight } from '../single-flight.ts'

/** What eBay says of one key: its fields, or null when it does not know the id. */
export type FetchKey = (kid: string) => Promise<{ key: string; algorithm: string; digest: string } | null>

export type NotificationKey = { key: KeyObject; digest: 'sha1' | 'sha256' }

export type KeyOutcome =
  | ({ kind: 'key' } & NotificationKey)
  /** eBay does not know this id, or no longer. */
  | { kind: 'unknown' }
  /** Nobody asked eBay about this id, because another unseen id was asked about a moment ago. */
  | { kind: 'postponed' }

/** eBay asks for about an hour ("cache the public key for a duration … 1 hour", Notification API, getPublicKey). */
const KEY_LIFE = 3_600_000
const UNKNOWN_LIFE = 600_000
const UNSEEN_INTERVAL = 60_000
/** A question without an answer, be it that our database broke off before eBay was asked, keeps nobody waiting so long: 8,640 a day. */
const FAILED_INTERVAL = 10_000

const DIGESTS: ReadonlyMap<string, NotificationKey['digest']> = new Map([
  ['SHA1', 'sha1'],
  ['SHA256', 'sha256'],
])

/**
 * Public keys by id. A key eBay gave us is asked about again after an hour, however often it is used. Ids we never saw
 * verified anything share one question a minute, because anybody can invent ids and the quota is 10,000 calls a day. An id
 * that has to wait is `postponed`, not `unknown`: it may be eBay's new key, and eBay repeats a notification that gets 503.
 * Throws ChannelError when eBay cannot be asked or its answer is no key.
 */
export function createPublicKeys(options: { fetchKey: FetchKey; clock: () => number }): {
  find(kid: string, signal: AbortSignal): Promise<KeyOutcome>
} {
  const known = new LRUCache<string, NotificationKey & { freshUntil: number }>({ max: 100 })
  const unknown = new LRUCache<string, { until: number }>({ max: 100 })
  const singleFlight = createSingleFlight<KeyOutcome>()
  let nextUnseen = Number.NEGATIVE_INFINITY

  async function ask(kid: string): Promise<KeyOutcome> {
    const answer = await options.fetchKey(kid).catch((error: unknown) => {
      nextUnseen = Math.min(nextUnseen, options.clock() + FAILED_INTERVAL)
      throw error
    })
    if (!answer) {
      known.delete(kid)
      unknown.set(kid, { until: options.clock() + UNKNOWN_LIFE })
      return { kind: 'unknown' }
    }
    const key = importKey(answer)
    known.set(kid, { ...key, freshUntil: options.clock() + KEY_LIFE })
    unknown.delete(kid)
    return { kind: 'key', ...key }
  }

  return {
    async find(kid, signal) {
      return await singleFlight(kid, signal, async () => {
        const now = options.clock()
        const entry = known.get(kid)
        if (entry && now < entry.freshUntil) return { kind: 'key', key: entry.key, digest: entry.digest }
        if (now < (unknown.get(kid)?.until ?? 0)) return { kind: 'unknown' }
        if (!entry) {
          if (now < nextUnseen) return { kind: 'postponed' }
          nextUnseen = now + UNSEEN_INTERVAL
        }
        return await ask(kid)
      })
    },
  }
}

/**
 * Imports the PEM that eBay writes on one line, which OpenSSL does not read: the markers go, the rest is DER. Algorithm and
 * digest come from here, from eBay's own answer, and never from the header that a sender wrote.
 */
function importKey(answer: { key: string; algorithm: string; digest: string }): NotificationKey {
  const digest = DIGESTS.get(answer.digest)
  if (answer.algorithm !== 'ECDSA' || !digest) throw unusable()
  let key: KeyObject
  try {
    const der = Buffer.from(answer.key.replace(/-----[A-Z ]+-----/g, ''), 'base64')
    key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  } catch (error) {
    throw unusable(error)
  }
  if (key.asymmetricKeyType !== 'ec') throw unusable()
  return { key, digest }
}

function unusable(cause?: unknown): ChannelError {
  return new ChannelError('CHANNEL_ANSWER_UNREADABLE', "eBay's answer to getPublicKey is no ECDSA key with SHA1 or SHA256", {
    remedy: 'retry',
    cause,
  })
}
