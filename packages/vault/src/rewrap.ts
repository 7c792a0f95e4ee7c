import type { Connection, Database, WriteResult } from '@tributary/database'
import { dataKeyName } from './key-ring.ts'
import { type MasterKeys, openMasterKeys, type WrappedKey } from './master-keys.ts'
import { PSEUDONYM_KEY_NAME } from './pseudonyms.ts'

const BATCH = 500

type WrappedRow = { subject: string; wrapped_key: Buffer; master_key: string }

/**
 * Wraps every key anew under the first of `masterKeys`, and answers how many it changed; after that the others can be
 * taken away. Safe while everything runs, and to be run again after a crash. Throws VaultError when a key's own master
 * key is not among them.
 */
export async function rewrapKeys(database: Database, keys: readonly Buffer[]): Promise<number> {
  const masterKeys = openMasterKeys(keys)
  let changed = await rewrapPseudonymKey(database, masterKeys)
  for (let last = ''; ; ) {
    const rows = await database.query<WrappedRow[]>(
      `SELECT subject, wrapped_key, master_key FROM tributary_subject_key
       WHERE subject > ? AND wrapped_key IS NOT NULL AND master_key <> ? ORDER BY subject LIMIT ?`,
      [last, masterKeys.current, BATCH],
    )
    if (rows.length === 0) return changed
    changed += await database.transaction((connection) => rewrapRows(connection, masterKeys, rows))
    last = rows.at(-1)?.subject ?? last
  }
}

async function rewrapRows(connection: Connection, masterKeys: MasterKeys, rows: readonly WrappedRow[]): Promise<number> {
  let changed = 0
  for (const row of rows) {
    const fresh = rewrap(masterKeys, dataKeyName(row.subject), row)
    // The old value in the condition: a key that was destroyed meanwhile stays destroyed.
    const result = await connection.query<WriteResult>(
      'UPDATE tributary_subject_key SET wrapped_key = ?, master_key = ? WHERE subject = ? AND wrapped_key = ?',
      [fresh.wrapped, fresh.masterKey, row.subject, row.wrapped_key],
    )
    changed += result.affectedRows
  }
  return changed
}

async function rewrapPseudonymKey(database: Database, masterKeys: MasterKeys): Promise<number> {
  const [row] = await database.query<WrappedRow[]>(
    'SELECT wrapped_key, master_key FROM tributary_subject_pseudonym_key WHERE id = 1 AND master_key <> ?',
    [masterKeys.current],
  )
  if (!row) return 0
  const fresh = rewrap(masterKeys, PSEUDONYM_KEY_NAME, row)
  const result = await database.query<WriteResult>(
    'UPDATE tributary_subject_pseudonym_key SET wrapped_key = ?, master_key = ? WHERE id = 1 AND wrapped_key = ?',
    [fresh.wrapped, fresh.masterKey, row.wrapped_key],
  )
  return result.affectedRows
}

function rewrap(masterKeys: MasterKeys, name: string, row: { wrapped_key: Buffer; master_key: string }): WrappedKey {
  return masterKeys.wrap(name, masterKeys.unwrap(name, { wrapped: row.wrapped_key, masterKey: row.master_key }))
}
