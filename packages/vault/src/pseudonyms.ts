import { randomBytes } from 'node:crypto'
import type { Database } from '@tributary/database'
import { VaultError } from './errors.ts'
import { hmacSha256 } from './hmac.ts'
import type { MasterKeys, WrappedKey } from './master-keys.ts'
import type { Subject } from './port.ts'

/** What the wrapped pseudonym key is bound to. */
export const PSEUDONYM_KEY_NAME = 'pseudonym key'

/**
 * Loads the key that makes pseudonyms, still wrapped, making it once for a database. It is a key of its own, wrapped, because
 * pseudonyms stand in the log for ever and must not change when the master key does. Throws VaultError VAULT_KEY_UNKNOWN.
 */
export async function loadPseudonymKey(database: Database, masterKeys: MasterKeys): Promise<WrappedKey> {
  // Whoever may only read opens a vault that is there.
  const known = await readPseudonymKey(database)
  if (known) return known
  const fresh = masterKeys.wrap(PSEUDONYM_KEY_NAME, randomBytes(32))
  await database.query('INSERT IGNORE INTO tributary_subject_pseudonym_key (id, wrapped_key, master_key) VALUES (1, ?, ?)', [
    fresh.wrapped,
    fresh.masterKey,
  ])
  const found = await readPseudonymKey(database)
  if (found) return found
  throw new VaultError('VAULT_KEY_UNKNOWN', 'The database lost its pseudonym key. Restore it from a backup.')
}

/** The wrapped key that makes the pseudonyms of a database; undefined before its vault was first opened. */
export async function readPseudonymKey(database: Database): Promise<WrappedKey | undefined> {
  const [row] = await database.query<{ wrapped_key: Buffer; master_key: string }[]>(
    'SELECT wrapped_key, master_key FROM tributary_subject_pseudonym_key WHERE id = 1',
  )
  return row && { wrapped: row.wrapped_key, masterKey: row.master_key }
}

/** Makes pseudonyms. Throws VaultError VAULT_MASTER_KEY_INVALID when none of our master keys opens the key. */
export function openPseudonyms(masterKeys: MasterKeys, wrapped: WrappedKey): (kind: string, id: string) => Subject {
  const hashed = hmacSha256(unwrap(masterKeys, wrapped))
  // The length before the kind keeps ('a', 'bc') apart from ('ab', 'c').
  return (kind, id) => hashed(`${Buffer.byteLength(kind)}:${kind}${id}`)
}

function unwrap(masterKeys: MasterKeys, wrapped: WrappedKey): Buffer {
  try {
    return masterKeys.unwrap(PSEUDONYM_KEY_NAME, wrapped)
  } catch (cause) {
    throw new VaultError(
      'VAULT_MASTER_KEY_INVALID',
      `No master key that was given opens this database; it was set up with the master key ${wrapped.masterKey}. Set that one, or add it behind the new one.`,
      { cause },
    )
  }
}
