import type { Database } from '@tributary/database'
import { destroyKey } from './data-keys.ts'
import { VaultError } from './errors.ts'
import { type Jwe, openJwe, parseJwe, sealJwe } from './jwe.ts'
import { type DataKey, openKeyRing } from './key-ring.ts'
import { openMasterKeys, type WrappedKey } from './master-keys.ts'
import type { OpenOutcome, SealOutcome, Subject, Vault } from './port.ts'
import { loadPseudonymKey, openPseudonyms } from './pseudonyms.ts'
import { sealAll } from './sealing.ts'

const CACHE_TTL = 60_000

/**
 * Opens the vault of a database whose migrations have run. The first of `masterKeys` (32 bytes each) wraps new keys, all
 * unwrap. A destroyed key may still open what it sealed for `cacheTtl` milliseconds in other processes; 60,000 by default.
 * With `pseudonymKey`, as `readPseudonymKey` gave it, nothing is asked of the database before the first seal or open.
 * Throws VaultError VAULT_MASTER_KEY_MISSING, or VAULT_MASTER_KEY_INVALID, also when the database belongs to another key.
 */
export async function openVault(options: {
  database: Database
  masterKeys: readonly Buffer[]
  cacheTtl?: number
  pseudonymKey?: WrappedKey
}): Promise<Vault> {
  const { database, cacheTtl = CACHE_TTL } = options
  const masterKeys = openMasterKeys(options.masterKeys)
  const subject = openPseudonyms(masterKeys, options.pseudonymKey ?? (await loadPseudonymKey(database, masterKeys)))
  const ring = openKeyRing(database, masterKeys, cacheTtl)

  return {
    subject,
    seal: async (items) => {
      const keys = await ring.forSealing(items)
      const jwes = await sealAll(
        items.map(({ subject, eventId, plaintext }) => {
          const key = dataKey(keys, subject)
          return key === 'erased' ? null : { key, header: { kid: subject, event: eventId }, plaintext }
        }),
      )
      return jwes.map((jwe): SealOutcome => (jwe === null ? { kind: 'erased' } : { kind: 'sealed', jwe }))
    },
    open: async (items) => {
      const parsed = items.map(parseSealed)
      const keys = await ring.forOpening(items.map((item) => item.subject))
      return parsed.map(({ subject, jwe }): OpenOutcome => {
        const key = dataKey(keys, subject)
        return key === 'erased' ? { kind: 'erased' } : { kind: 'opened', plaintext: openJwe(key, jwe) }
      })
    },
    destroy: async (destroyed) => {
      const outcome = await destroyKey(database, destroyed)
      ring.forget(destroyed)
      return outcome
    },
    sealSecret: (name, plaintext) =>
      sealJwe(masterKeys.secretKey(masterKeys.current), { kid: masterKeys.current, name }, plaintext),
    openSecret: (name, sealed) => {
      const jwe = parseJwe(sealed)
      if (jwe.header['name'] !== name) throw new VaultError('VAULT_SEAL_BROKEN', `This is not the sealed value '${name}'.`)
      return openJwe(masterKeys.secretKey(String(jwe.header['kid'])), jwe)
    },
  }
}

/** What a seal says about itself, unproven: enough to ask the vault to open it. Throws VaultError VAULT_SEAL_BROKEN. */
export function readSealHeader(jwe: string): { subject: Subject; eventId: string } {
  const { kid, event } = parseJwe(jwe).header
  if (typeof kid === 'string' && typeof event === 'string') return { subject: kid, eventId: event }
  throw new VaultError('VAULT_SEAL_BROKEN', 'A sealed text does not say whose data it holds and of which event.')
}

function parseSealed(item: { subject: Subject; eventId: string; jwe: string }): { subject: Subject; jwe: Jwe } {
  const jwe = parseJwe(item.jwe)
  if (jwe.header['kid'] === item.subject && jwe.header['event'] === item.eventId) return { subject: item.subject, jwe }
  throw new VaultError('VAULT_SEAL_BROKEN', `The sealed part of event ${item.eventId} was sealed for another subject or event.`)
}

function dataKey(keys: ReadonlyMap<Subject, DataKey>, subject: Subject): DataKey {
  const key = keys.get(subject)
  if (key) return key
  throw new VaultError('VAULT_KEY_UNKNOWN', `There is no key of subject ${subject}.`)
}
