import { type Connection, type Database, transactionOn, type WriteResult, withNamedLock } from '@tributary/database'
import type { Vault } from '@tributary/vault'
import type { SigningKey } from '../signature.ts'
import { type EndpointKey, listEndpointKeys, putEndpointKey, signsAt } from './endpoint-key.ts'
import { newSecret } from './new-secret.ts'
import { sealKey } from './sealing.ts'

/**
 * Whose keys: those made before `since` (milliseconds since 1970) belonged to an endpoint of the same name that is gone, and
 * do not count. `given` is the secret that the owner keeps, which signs as long as there never was a key of ours.
 */
export type KeyOwner = { endpoint: string; since: number; given: string }

/** Every valid key puts a signature into every request. */
export const MOST_KEYS = 10

/** A new key. `handOver` is for the receiver, once: the shared secret, or the public key of v1a. `existing`: it was made before. */
export type NewKey = { id: string; kind: SigningKey['kind']; handOver: string; oldKeysUntil: number; existing: boolean }

type Context = { database: Database; vault: Vault }

/**
 * Makes a key that signs at once, and lets every other end in `overlap` milliseconds; the owner's own secret becomes one of
 * those when it signed until now. `secret` is of the caller's choice, so that it can ask again when no answer came: a key of this
 * secret that signs already is answered, and nothing is changed. `too many` when MOST_KEYS are valid already, `ended` when the
 * secret was that of a key that has ended, which must not come back.
 * Throws VaultError or DatabaseError: DATABASE_LOCK_TIMEOUT when somebody else is changing keys.
 */
export async function rotateKey(
  { database, vault }: Context,
  { endpoint, since, given }: KeyOwner,
  { kind, overlap, secret = newSecret(kind) }: { kind: SigningKey['kind']; overlap: number; secret?: string },
): Promise<NewKey | 'too many' | 'ended' | { problem: string }> {
  const now = Date.now()
  const createTime = Math.max(now, since)
  const fresh = await sealKey(vault, { endpoint, secret, createTime, validFrom: now })
  if ('problem' in fresh) return fresh
  if (fresh.kind !== kind) return { problem: `It is a secret of ${fresh.kind}.` }
  const before = await sealKey(vault, { endpoint, secret: given, createTime, validFrom: since })
  const handOver = fresh.publicKey ?? secret
  return inTurn(database, async (connection) => {
    const ours = await keysOf(connection, { endpoint, since })
    const same = ours.find(({ id }) => id === fresh.id)
    if (same && !signsAt(same, now)) return 'ended'
    if (same) return { id: same.id, kind, handOver, oldKeysUntil: lastEnd(ours) ?? now, existing: true }
    if (ours.filter((key) => signsAt(key, now)).length >= MOST_KEYS) return 'too many'
    if (ours.length === 0 && !('problem' in before)) await putEndpointKey(connection, before)
    await connection.query(
      'UPDATE tributary_endpoint_key SET expire_time = LEAST(COALESCE(expire_time, ?), ?) WHERE endpoint = ?',
      [now + overlap, now + overlap, endpoint],
    )
    await putEndpointKey(connection, fresh)
    await connection.query(
      'UPDATE tributary_endpoint_key SET sealed = NULL WHERE endpoint = ? AND sealed IS NOT NULL AND expire_time <= ?',
      [endpoint, now],
    )
    return { id: fresh.id, kind, handOver, oldKeysUntil: now + overlap, existing: false }
  })
}

/** When the last of those that end does. */
const lastEnd = (keys: readonly EndpointKey[]): number | undefined =>
  keys.reduce<number | undefined>(
    (last, { expireTime: end }) => (end === undefined ? last : Math.max(last ?? end, end)),
    undefined,
  )

/**
 * Makes the secret that the owner keeps a key of ours, and runs `clear` in the same transaction. `unused` when it signed
 * nothing any more, because there were keys of ours: it is only cleared then. Throws VaultError, DatabaseError as
 * `rotateKey` does, and what `clear` throws.
 */
export async function moveSecret(
  { database, vault }: Context,
  { endpoint, since, given }: KeyOwner,
  clear: (connection: Connection) => Promise<void>,
): Promise<{ id: string } | 'unused' | { problem: string }> {
  const key = await sealKey(vault, { endpoint, secret: given, createTime: Math.max(Date.now(), since), validFrom: since })
  if ('problem' in key) return key
  return inTurn(database, async (connection) => {
    const isUsed = (await keysOf(connection, { endpoint, since })).length === 0
    if (isUsed) await putEndpointKey(connection, key)
    await clear(connection)
    return isUsed ? { id: key.id } : 'unused'
  })
}

/** Ends a key at once and forgets its secret. False when the endpoint has no such key, or it has ended. Throws DatabaseError. */
export async function revokeKey(connection: Connection, endpoint: string, id: string): Promise<boolean> {
  const now = Date.now()
  const { affectedRows } = await connection.query<WriteResult>(
    `UPDATE tributary_endpoint_key SET sealed = NULL, expire_time = ?
     WHERE endpoint = ? AND key_id = ? AND sealed IS NOT NULL AND (expire_time IS NULL OR expire_time > ?)`,
    [now, endpoint, id, now],
  )
  return affectedRows > 0
}

/** The keys of an endpoint that count, the newest first. Throws DatabaseError. */
export async function keysOf(connection: Connection, owner: Omit<KeyOwner, 'given'>): Promise<EndpointKey[]> {
  const keys = await listEndpointKeys(connection, owner.endpoint)
  return keys.filter(({ createTime }) => createTime >= owner.since)
}

/** Two changes at one time would each keep the key of the other for good. */
const inTurn = <T>(database: Database, work: (connection: Connection) => Promise<T>): Promise<T> =>
  withNamedLock(database, { name: 'endpoint_key', idleSeconds: 30 }, (session) => transactionOn(session, work))
