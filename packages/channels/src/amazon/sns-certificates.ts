import { type KeyObject, X509Certificate } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type Send, SMALL_ANSWER } from '../http.ts'
import { ChannelError } from '../port.ts'
import { createSingleFlight } from '../single-flight.ts'

/** `postponed`: nobody asked for this certificate, because another unseen one was asked for a moment ago. */
export type CertificateOutcome = { kind: 'key'; key: KeyObject } | { kind: 'unusable' } | { kind: 'postponed' }

/** AWS changes certificates about once a year. */
const LIFE = 24 * 3_600_000
const UNUSABLE_LIFE = 600_000
/** Anybody can invent addresses, so unseen ones share one question in this time. */
const UNSEEN_INTERVAL = 10_000
const FETCH_WITHIN = 5_000

/**
 * The keys of SNS's certificates by their address, which must have been checked before. What is no certificate, or one that does not
 * count now, is remembered as unusable. Throws ChannelError when AWS cannot be asked.
 */
export function createCertificates({
  send,
  clock,
  reach,
}: {
  send: Send
  clock: () => number
  /** Where an address is really fetched from. */
  reach: (url: URL) => string
}): { find(url: URL, signal: AbortSignal): Promise<CertificateOutcome> } {
  const known = new LRUCache<string, { outcome: CertificateOutcome; until: number }>({ max: 50 })
  const singleFlight = createSingleFlight<CertificateOutcome>()
  let nextUnseen = Number.NEGATIVE_INFINITY

  async function ask(url: URL): Promise<CertificateOutcome> {
    const what = 'the certificate of SNS'
    // Shared by all who wait for it, so it follows none of their signals.
    const signal = AbortSignal.timeout(FETCH_WITHIN)
    const headers = { accept: 'application/x-pem-file, */*' }
    const answer = await send({ what, method: 'GET', url: reach(url), headers, limit: SMALL_ANSWER }, signal)
    if (answer.status === 429 || answer.status >= 500)
      throw new ChannelError('CHANNEL_UNAVAILABLE', `AWS answered ${answer.status} to ${what}`, { remedy: 'retry' })
    const outcome = answer.status === 200 ? importKey(answer.text, clock()) : ({ kind: 'unusable' } as const)
    known.set(url.href, { outcome, until: clock() + (outcome.kind === 'key' ? LIFE : UNUSABLE_LIFE) })
    return outcome
  }

  function remembered(url: URL): CertificateOutcome | undefined {
    const entry = known.get(url.href)
    return entry && clock() < entry.until ? entry.outcome : undefined
  }

  return {
    find: async (url, signal) =>
      remembered(url) ??
      (await singleFlight(url.href, signal, async () => {
        if (!known.has(url.href)) {
          const now = clock()
          if (now < nextUnseen) return { kind: 'postponed' }
          nextUnseen = now + UNSEEN_INTERVAL
        }
        return await ask(url)
      })),
  }
}

function importKey(pem: string, now: number): CertificateOutcome {
  try {
    const { publicKey, validFromDate, validToDate } = new X509Certificate(pem)
    const isValid = validFromDate.getTime() <= now && now <= validToDate.getTime()
    return isValid ? { kind: 'key', key: publicKey } : { kind: 'unusable' }
  } catch {
    return { kind: 'unusable' }
  }
}
