import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'
import { VaultError } from './errors.ts'

const KEY_BYTES = 32
const IV_BYTES = 12
const TAG_BYTES = 16

/** A key wrapped by the master key that `masterKey` names: IV, ciphertext and tag of AES-256-GCM. */
export type WrappedKey = { wrapped: Buffer; masterKey: string }

/** The master keys, the first of which wraps; every one unwraps. What they wrap is bound to a name. */
export type MasterKeys = {
  /** Name of the first key: 16 hex digits that tell nothing about it. */
  current: string
  wrap(name: string, key: Buffer): WrappedKey
  /** Throws VaultError VAULT_MASTER_KEY_UNKNOWN when its master key is not here, VAULT_SEAL_BROKEN when it was changed. */
  unwrap(name: string, wrapped: WrappedKey): Buffer
  /** The key under which values of ours are sealed. Throws VaultError VAULT_MASTER_KEY_UNKNOWN. */
  secretKey(masterKey: string): KeyObject
}

type Derived = { id: string; wrapping: KeyObject; sealing: KeyObject }

/** Throws VaultError VAULT_MASTER_KEY_MISSING or VAULT_MASTER_KEY_INVALID. */
export function openMasterKeys(keys: readonly Buffer[]): MasterKeys {
  const derived = keys.map(derive)
  const [first] = derived
  if (!first) throw new VaultError('VAULT_MASTER_KEY_MISSING', 'A vault needs a master key: 32 random bytes.')
  const find = (id: string): Derived => {
    const found = derived.find((one) => one.id === id)
    if (found) return found
    throw new VaultError(
      'VAULT_MASTER_KEY_UNKNOWN',
      `This was sealed under the master key ${id}, and we have ${derived.map((one) => one.id).join(', ')}. Add that key behind them.`,
    )
  }
  return {
    current: first.id,
    wrap: (name, key) => ({ masterKey: first.id, wrapped: wrap(first.wrapping, name, key) }),
    unwrap: (name, { masterKey, wrapped }) => unwrap(find(masterKey).wrapping, name, wrapped),
    secretKey: (masterKey) => find(masterKey).sealing,
  }
}

/** A key for each use, so that what one use reveals says nothing about another (HKDF, RFC 5869). */
function derive(master: Buffer): Derived {
  if (master.length !== KEY_BYTES)
    throw new VaultError('VAULT_MASTER_KEY_INVALID', `A master key has ${master.length} bytes; it must have ${KEY_BYTES}.`)
  const derived = (use: string, bytes: number) => Buffer.from(hkdfSync('sha256', master, '', `tributary vault ${use}`, bytes))
  return {
    id: derived('name', 8).toString('hex'),
    wrapping: createSecretKey(derived('wrapping', KEY_BYTES)),
    sealing: createSecretKey(derived('sealing', KEY_BYTES)),
  }
}

function wrap(wrapping: KeyObject, name: string, key: Buffer): Buffer {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', wrapping, iv, { authTagLength: TAG_BYTES })
  cipher.setAAD(Buffer.from(name))
  return Buffer.concat([iv, cipher.update(key), cipher.final(), cipher.getAuthTag()])
}

function unwrap(wrapping: KeyObject, name: string, wrapped: Buffer): Buffer {
  try {
    const decipher = createDecipheriv('aes-256-gcm', wrapping, wrapped.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
    decipher.setAAD(Buffer.from(name))
    decipher.setAuthTag(wrapped.subarray(-TAG_BYTES))
    return Buffer.concat([decipher.update(wrapped.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()])
  } catch (cause) {
    throw new VaultError('VAULT_SEAL_BROKEN', 'A wrapped key was changed, or belongs to another subject.', { cause })
  }
}
