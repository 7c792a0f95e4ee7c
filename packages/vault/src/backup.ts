import { type Connection, type Database, rowsText } from '@tributary/database'
import { digestOf } from './data-keys.ts'
import { VaultError } from './errors.ts'

/** A row of the vault's tables. Keys are wrapped by the master key and open nothing without it. */
export type KeyRow =
  | { kind: 'pseudonyms'; wrapped: string; masterKey: string }
  | {
      kind: 'key'
      subject: string
      wrapped: string | null
      masterKey: string | null
      createTime: number | null
      destroyTime: number | null
    }
  | { kind: 'holder'; subject: string; holder: string }

const ROWS_AT_ONCE = 1_000
/** Rows that are put back in one transaction. */
const ROWS_PUT_AT_ONCE = 500

/**
 * Everything that opening the seals of a log needs but the master key. A copy of it must not outlive the deadline of an
 * erasure: a key that was destroyed since still stands in it. Throws DatabaseError.
 */
export async function* readKeyRows(database: Connection): AsyncGenerator<KeyRow> {
  const [pseudonyms] = await database.query<{ wrapped_key: Buffer; master_key: string }[]>(
    'SELECT wrapped_key, master_key FROM tributary_subject_pseudonym_key WHERE id = 1',
  )
  if (pseudonyms)
    yield { kind: 'pseudonyms', wrapped: pseudonyms.wrapped_key.toString('base64'), masterKey: pseudonyms.master_key }
  for (let last = ''; ; ) {
    const rows = await database.query<SubjectRecord[]>(
      `SELECT subject, wrapped_key, master_key, create_time, destroy_time FROM tributary_subject_key
       WHERE subject > ? ORDER BY subject LIMIT ?`,
      [last, ROWS_AT_ONCE],
    )
    for (const row of rows) yield toKeyRow(row)
    if (rows.length > 0) yield* readHolders(database, last, rows.at(-1)?.subject ?? '')
    if (rows.length < ROWS_AT_ONCE) return
    last = rows.at(-1)?.subject ?? ''
  }
}

/**
 * Puts rows of `readKeyRows` back. A key that is destroyed here or there ends up destroyed. Throws VaultError
 * VAULT_MASTER_KEY_INVALID when this database has data of its own under other pseudonyms.
 */
export async function writeKeyRows(database: Database, rows: AsyncIterable<KeyRow> | Iterable<KeyRow>): Promise<number> {
  let keys = 0
  let together: KeyRow[] = []
  const put = async () => {
    const [known, held] = [together.filter((row) => row.kind === 'key'), together.filter((row) => row.kind === 'holder')]
    together = []
    keys += known.length
    await database.transaction(async (connection) => {
      await writeKeys(connection, known)
      await writeHolders(connection, held)
    })
  }
  for await (const row of rows) {
    if (row.kind === 'pseudonyms') await writePseudonyms(database, row)
    else together.push(row)
    if (together.length === ROWS_PUT_AT_ONCE) await put()
  }
  await put()
  return keys
}

type SubjectRecord = {
  subject: string
  wrapped_key: Buffer | null
  master_key: string | null
  create_time: number | null
  destroy_time: number | null
}

const toKeyRow = (row: SubjectRecord): KeyRow => ({
  kind: 'key',
  subject: row.subject,
  wrapped: row.wrapped_key?.toString('base64') ?? null,
  masterKey: row.master_key,
  createTime: row.create_time,
  destroyTime: row.destroy_time,
})

async function* readHolders(database: Connection, after: string, upTo: string): AsyncGenerator<KeyRow> {
  const rows = await database.query<{ subject: string; holder: string }[]>(
    'SELECT subject, holder FROM tributary_subject_holder WHERE subject > ? AND subject <= ? ORDER BY subject, digest',
    [after, upTo],
  )
  for (const { subject, holder } of rows) yield { kind: 'holder', subject, holder }
}

async function writePseudonyms(database: Database, row: Extract<KeyRow, { kind: 'pseudonyms' }>): Promise<void> {
  const wrapped = Buffer.from(row.wrapped, 'base64')
  const [present] = await database.query<{ wrapped_key: Buffer }[]>(
    'SELECT wrapped_key FROM tributary_subject_pseudonym_key WHERE id = 1',
  )
  if (present?.wrapped_key.equals(wrapped)) return
  const [used] = await database.query<object[]>('SELECT 1 FROM tributary_subject_key LIMIT 1')
  if (used)
    throw new VaultError(
      'VAULT_MASTER_KEY_INVALID',
      'This database has data keys of its own, under other pseudonyms than those of the archive. Restore into an empty database.',
    )
  await database.query(
    `INSERT INTO tributary_subject_pseudonym_key (id, wrapped_key, master_key) VALUES (1, ?, ?)
     ON DUPLICATE KEY UPDATE wrapped_key = VALUES(wrapped_key), master_key = VALUES(master_key)`,
    [wrapped, row.masterKey],
  )
}

async function writeKeys(connection: Connection, rows: readonly Extract<KeyRow, { kind: 'key' }>[]): Promise<void> {
  if (rows.length === 0) return
  const values = rows.map(({ subject, wrapped, masterKey, createTime, destroyTime }) => {
    return [subject, wrapped === null ? null : Buffer.from(wrapped, 'base64'), masterKey, createTime, destroyTime]
  })
  await connection.query(
    `INSERT INTO tributary_subject_key (subject, wrapped_key, master_key, create_time, destroy_time) VALUES ?
     ON DUPLICATE KEY UPDATE
       wrapped_key = IF(VALUES(wrapped_key) IS NULL, NULL, wrapped_key),
       master_key = IF(VALUES(wrapped_key) IS NULL, NULL, master_key),
       destroy_time = COALESCE(destroy_time, VALUES(destroy_time))`,
    [rowsText(values)],
  )
}

async function writeHolders(connection: Connection, rows: readonly Extract<KeyRow, { kind: 'holder' }>[]): Promise<void> {
  if (rows.length === 0) return
  await connection.query('INSERT IGNORE INTO tributary_subject_holder (subject, digest, holder) VALUES ?', [
    rowsText(rows.map(({ subject, holder }) => [subject, digestOf(holder), holder])),
  ])
}
