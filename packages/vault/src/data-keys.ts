import { hash } from 'node:crypto'
import { type Connection, type Database, retryConflicts, type WriteResult } from '@tributary/database'
import { inParts } from '@tributary/runtime'
import type { WrappedKey } from './master-keys.ts'
import type { Subject } from './port.ts'

/** A subject with someone who holds data of it. */
export type Holding = { subject: Subject; holder: string }

/** Reads and writes of `tributary_subject_key` and `tributary_subject_holder`, each one round trip for up to 200 items. */
const MOST_ITEMS = 200

/** Adds keys of subjects that have none, and answers how many it added: fewer than given when some were there already. */
export async function addKeys(database: Database, keys: ReadonlyMap<Subject, WrappedKey>): Promise<number> {
  // In one order everywhere, so that two that add the same keys wait for each other and do not deadlock.
  const rows = [...keys]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([subject, key]) => [subject, key.wrapped, key.masterKey, Date.now()])
  let added = 0
  for (const some of inParts(rows, MOST_ITEMS)) {
    const text = 'INSERT IGNORE INTO tributary_subject_key (subject, wrapped_key, master_key, create_time) VALUES ?'
    added += (await retryConflicts(() => database.query<WriteResult>(text, [some]))).affectedRows
  }
  return added
}

/**
 * Notes holders of subjects whose key lives, and answers how many were new. The shared lock on the key makes a destroyer
 * wait for us, or us for it: either it finds our holder, or we find the key gone and note nothing.
 */
export async function addHolders(database: Database, holdings: readonly Holding[]): Promise<number> {
  let added = 0
  const sorted = holdings.toSorted((a, b) => (a.subject < b.subject ? -1 : 1))
  for (const some of inParts(sorted, MOST_ITEMS)) {
    const given = some.map(() => 'SELECT ? AS subject, ? AS digest, ? AS holder').join(' UNION ALL ')
    const text = `INSERT IGNORE INTO tributary_subject_holder (subject, digest, holder)
      SELECT STRAIGHT_JOIN known.subject, given.digest, given.holder FROM (${given}) given
      JOIN tributary_subject_key known ON known.subject = CONVERT(given.subject USING ascii) COLLATE ascii_bin
      WHERE known.wrapped_key IS NOT NULL LOCK IN SHARE MODE`
    const values = some.flatMap(({ subject, holder }) => [subject, digestOf(holder), holder])
    added += (await retryConflicts(() => database.query<WriteResult>(text, values))).affectedRows
  }
  return added
}

/** The keys of subjects, null for a destroyed one; a subject that never had a row is absent. */
export async function loadKeys(connection: Connection, subjects: readonly Subject[]): Promise<Map<Subject, WrappedKey | null>> {
  const found = new Map<Subject, WrappedKey | null>()
  for (const some of inParts(subjects, MOST_ITEMS)) {
    const rows = await connection.query<{ subject: Subject; wrapped_key: Buffer | null; master_key: string | null }[]>(
      'SELECT subject, wrapped_key, master_key FROM tributary_subject_key WHERE subject IN (?)',
      [some],
    )
    for (const row of rows) {
      const { subject, wrapped_key: wrapped, master_key: masterKey } = row
      found.set(subject, wrapped !== null && masterKey !== null ? { wrapped, masterKey } : null)
    }
  }
  return found
}

/**
 * Destroys a key. A subject that we never heard of gets a row too, without a key: an order of that person that is being
 * read right now must not bring the person back. `known` is whether there ever was a key.
 */
export function destroyKey(database: Database, subject: Subject): Promise<{ known: boolean; holders: string[] }> {
  return database.transaction(async (connection) => {
    await connection.query(
      `INSERT INTO tributary_subject_key (subject, destroy_time) VALUES (?, ?)
       ON DUPLICATE KEY UPDATE wrapped_key = NULL, master_key = NULL, destroy_time = COALESCE(destroy_time, VALUES(destroy_time))`,
      [subject, Date.now()],
    )
    // Under READ COMMITTED this sees whatever was noted before we got the lock on the key.
    const rows = await connection.query<{ create_time: number | null; holder: string | null }[]>(
      `SELECT known.create_time, held.holder FROM tributary_subject_key known
       LEFT JOIN tributary_subject_holder held ON held.subject = known.subject
       WHERE known.subject = ? ORDER BY held.holder`,
      [subject],
    )
    return {
      known: rows.some((row) => row.create_time !== null),
      holders: rows.flatMap((row) => (row.holder === null ? [] : [row.holder])),
    }
  })
}

/** The identity of a holder, whose text is too long for an index. */
export function digestOf(holder: string): Buffer {
  return hash('sha256', holder, 'buffer')
}
