import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'

type SigningKey = { kid: string; privateKey: KeyObject; publicKey: KeyObject }

/** eBay's signing keys, made at run time. A withdrawn key still signs, but its public half is no longer given out. */
export type SigningKeys = {
  readonly current: string
  /** Signs with a new key from now on; the old one stays valid. Returns the new id. */
  rotate(): string
  withdraw(kid: string): void
  /** The id of a key that was withdrawn before anybody saw it. */
  readonly stale: string
  /** The value of `X-EBAY-SIGNATURE` for a body (eBay event-notification-nodejs-sdk, test/test.json). */
  header(body: Buffer, kid: string): string
  /** The body of getPublicKey: the PEM on one line, as eBay writes it. Undefined for an id it does not know. */
  publicKey(kid: string): { key: string; algorithm: string; digest: string } | undefined
}

export function createSigningKeys(): SigningKeys {
  const keys = new Map<string, SigningKey>()
  const withdrawn = new Set<string>()

  function add(): string {
    const kid = randomUUID()
    keys.set(kid, { kid, ...generateKeyPairSync('ec', { namedCurve: 'prime256v1' }) })
    return kid
  }

  const stale = add()
  withdrawn.add(stale)
  let current = add()

  return {
    get current() {
      return current
    },
    stale,
    rotate() {
      current = add()
      return current
    },
    withdraw: (kid) => void withdrawn.add(kid),
    header(body, kid) {
      const key = keys.get(kid)
      if (!key) throw new Error(`The simulator has no signing key ${kid}`)
      const signature = sign('sha1', body, key.privateKey).toString('base64')
      return Buffer.from(JSON.stringify({ alg: 'ecdsa', kid, signature, digest: 'SHA1' })).toString('base64')
    },
    publicKey(kid) {
      const key = withdrawn.has(kid) ? undefined : keys.get(kid)
      if (!key) return undefined
      const pem = key.publicKey.export({ type: 'spki', format: 'pem' }).toString().replaceAll('\n', '')
      return { key: pem, algorithm: 'ECDSA', digest: 'SHA1' }
    },
  }
}
