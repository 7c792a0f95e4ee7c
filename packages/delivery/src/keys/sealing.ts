import type { Connection } from '@tributary/database'
import { type Vault, VaultError } from '@tributary/vault'
import { publicKeyText, type SigningKeyOutcome, signingKey } from '../signature.ts'
import { type EndpointKey, listEndpointKeys } from './endpoint-key.ts'

/** A key with what its seal holds, or why it cannot be used. */
export type OpenedKey = EndpointKey & { secret: SigningKeyOutcome }

/**
 * Makes a secret a key of an endpoint, sealed under a data key, so that no change of the master key touches it; or says why
 * nothing may be signed with it.
 */
export async function sealKey(
  vault: Vault,
  given: { endpoint: string; secret: string; createTime: number; validFrom: number },
): Promise<EndpointKey | { problem: string }> {
  const { endpoint, secret, createTime, validFrom } = given
  const made = signingKey(secret)
  if (made.kind === 'unusable') return { problem: made.problem }
  const { key } = made
  const { id, kind } = key
  const [outcome] = await vault.seal([{ subject: subjectOf(vault), eventId: boundTo({ endpoint, id }), plaintext: secret }])
  if (outcome?.kind !== 'sealed') throw new TypeError('The data key of the endpoint keys is gone, which nobody may destroy.')
  const publicKey = key.kind === 'v1a' ? publicKeyText(key.privateKey) : undefined
  return { endpoint, id, kind, publicKey, sealed: outcome.jwe, createTime, validFrom, expireTime: undefined }
}

/**
 * Reads the keys of every endpoint at each call, by endpoint, the newest first, and opens each seal once. A key that cannot
 * be opened says so and spoils no other. Throws DatabaseError.
 */
export function endpointKeyReader(context: { database: Connection; vault: Vault }): () => Promise<Map<string, OpenedKey[]>> {
  let known = new Map<string, SigningKeyOutcome>()
  return async () => {
    const keys = await listEndpointKeys(context.database)
    const opened = new Map<string, SigningKeyOutcome>()
    const secretOf = async (key: EndpointKey): Promise<SigningKeyOutcome> => {
      const place = `${boundTo(key)} ${key.sealed}`
      const secret = known.get(place) ?? (await open(context.vault, key))
      opened.set(place, secret)
      return secret
    }
    const all = await Promise.all(keys.map(async (key) => ({ ...key, secret: await secretOf(key) })))
    known = opened
    return Map.groupBy(all, ({ endpoint }) => endpoint)
  }
}

async function open(vault: Vault, key: EndpointKey): Promise<SigningKeyOutcome> {
  if (key.sealed === undefined) return unusable('It has ended.')
  try {
    const [outcome] = await vault.open([{ subject: subjectOf(vault), eventId: boundTo(key), jwe: key.sealed }])
    return outcome?.kind === 'opened' ? signingKey(outcome.plaintext) : unusable('The data key that seals it was destroyed.')
  } catch (error) {
    if (error instanceof VaultError) return unusable(error.message)
    throw error
  }
}

const unusable = (problem: string): SigningKeyOutcome => ({ kind: 'unusable', problem })

const KIND = 'endpoint key'

const subjectOf = (vault: Vault): string => vault.subject(KIND, KIND)

/** A sealed secret that is moved to another endpoint, or under another id, does not open. */
const boundTo = ({ endpoint, id }: Pick<EndpointKey, 'endpoint' | 'id'>): string => `${endpoint} ${id}`
