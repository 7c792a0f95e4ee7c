import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import type { Database } from '@tributary/database'
import { LRUCache } from 'lru-cache'
import { addHolders, addKeys, type Holding, loadKeys } from './data-keys.ts'
import { VaultError } from './errors.ts'
import { inOneTurn } from './in-one-turn.ts'
import type { MasterKeys, WrappedKey } from './master-keys.ts'
import type { Subject } from './port.ts'

/** A data key ready for use, or that it was destroyed. */
export type DataKey = KeyObject | 'erased'

const KEY_BYTES = 32
/** A key takes 1 KB, a holding half as much; five times as many made an import grow by 35 MB, and a look-up costs nothing of its own. */
const MOST_KEYS = 10_000
const MOST_HOLDINGS = 20_000

/** The data keys of subjects, cached. */
export type KeyRing = {
  /** Keys to open with; they may have been destroyed elsewhere up to the cache's life ago. Throws VaultError VAULT_KEY_UNKNOWN. */
  forOpening(subjects: Iterable<Subject>): Promise<ReadonlyMap<Subject, DataKey>>
  /** Keys to seal with, made where missing, that lived after the call began; their holders are noted by then. */
  forSealing(items: readonly { subject: Subject; holder?: string }[]): Promise<ReadonlyMap<Subject, DataKey>>
  forget(subject: Subject): void
}

/** `cacheTtl` is in milliseconds. */
export function openKeyRing(database: Database, masterKeys: MasterKeys, cacheTtl: number): KeyRing {
  const cache = new LRUCache<Subject, { key: DataKey }>({ max: MOST_KEYS, ttl: cacheTtl })
  const noted = new LRUCache<string, true>({ max: MOST_HOLDINGS })
  const loadTogether = inOneTurn((subjects: readonly Subject[]) => loadKeys(database, subjects))

  const recall = (subjects: readonly Subject[]): Map<Subject, DataKey> => {
    const keys = new Map<Subject, DataKey>()
    for (const subject of subjects) {
      const known = cache.get(subject)
      if (known) keys.set(subject, known.key)
    }
    return keys
  }

  const learn = (keys: Map<Subject, DataKey>, subject: Subject, key: DataKey): void => {
    keys.set(subject, key)
    // A key that was on its way here while we destroyed it must not come back.
    if (cache.get(subject)?.key !== 'erased') cache.set(subject, { key })
  }

  /** Learns the keys of `subjects`, and which of them were destroyed. */
  const load = async (keys: Map<Subject, DataKey>, subjects: readonly Subject[]): Promise<void> => {
    if (subjects.length === 0) return
    const found = await loadTogether(subjects)
    for (const subject of subjects) {
      const wrapped = found.get(subject)
      if (wrapped === undefined)
        throw new VaultError('VAULT_KEY_UNKNOWN', `The database has no key of subject ${subject}. Is it the right database?`)
      if (wrapped === null) learn(keys, subject, 'erased')
      else if (!keys.has(subject)) learn(keys, subject, createSecretKey(masterKeys.unwrap(dataKeyName(subject), wrapped)))
    }
  }

  /** Makes keys for subjects that have none. Answers `subjects` when all were new, else none: who was first is unsure. */
  const make = async (keys: Map<Subject, DataKey>, subjects: readonly Subject[]): Promise<readonly Subject[]> => {
    if (subjects.length === 0) return []
    const made = new Map(subjects.map((subject) => [subject, randomBytes(KEY_BYTES)]))
    const wrapped = new Map<Subject, WrappedKey>()
    for (const [subject, key] of made) wrapped.set(subject, masterKeys.wrap(dataKeyName(subject), key))
    if ((await addKeys(database, wrapped)) < subjects.length) return []
    for (const [subject, key] of made) learn(keys, subject, createSecretKey(key))
    return subjects
  }

  /** Notes holders. Answers their subjects when all were new, which shows that the keys live, else none. */
  const note = async (holdings: readonly Holding[]): Promise<readonly Subject[]> => {
    if (holdings.length === 0 || (await addHolders(database, holdings)) < holdings.length) return []
    return holdings.map(({ subject }) => subject)
  }

  return {
    forOpening: async (wanted) => {
      const subjects = [...new Set(wanted)]
      const keys = recall(subjects)
      await load(
        keys,
        subjects.filter((subject) => !keys.has(subject)),
      )
      return keys
    },
    forSealing: async (items) => {
      const subjects = [...new Set(items.map(({ subject }) => subject))]
      const keys = recall(subjects)
      const isErased = (subject: Subject) => keys.get(subject) === 'erased'
      const holdings = distinctHoldings(items).filter((one) => !isErased(one.subject) && !noted.has(nameOf(one)))
      const unknown = subjects.filter((subject) => !keys.has(subject))
      const made = await make(keys, unknown)
      // A key that was made a moment ago may be gone by now: where there is a holder to note, that alone counts.
      const holding = new Set(holdings.map(({ subject }) => subject))
      const alive = new Set([...made.filter((subject) => !holding.has(subject)), ...(await note(holdings))])
      await load(
        keys,
        subjects.filter((subject) => !isErased(subject) && !(alive.has(subject) && keys.has(subject))),
      )
      for (const holding of holdings) if (!isErased(holding.subject)) noted.set(nameOf(holding), true)
      return keys
    },
    forget: (subject) => {
      cache.set(subject, { key: 'erased' })
    },
  }
}

/** What a wrapped data key is bound to. */
export function dataKeyName(subject: Subject): string {
  return `data key ${subject}`
}

function distinctHoldings(items: readonly { subject: Subject; holder?: string }[]): Holding[] {
  const distinct = new Map<string, Holding>()
  for (const { subject, holder } of items)
    if (holder !== undefined) distinct.set(nameOf({ subject, holder }), { subject, holder })
  return [...distinct.values()]
}

function nameOf({ subject, holder }: Holding): string {
  return `${subject} ${holder}`
}
